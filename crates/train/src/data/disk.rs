//! A data set whose inputs stay on disk.
use super::stored::Stored;
use super::{DataError, RowSource, Targets, weights};

/// Rows that lie in one file after those of the files before.
#[derive(Debug)]
pub(crate) struct Part {
    /// Number of its first row.
    pub(crate) first: usize,
    /// Arrays with the same number of rows, whose columns stand side by side.
    pub(crate) arrays: Vec<Stored>,
}

/// A data set whose inputs are read when they are asked for. Targets, of which a row has few, are in memory.
#[derive(Debug)]
pub(crate) struct DiskRows {
    /// In the order of their rows.
    pub(crate) parts: Vec<Part>,
    pub(crate) targets: Targets,
    pub(crate) weights: Option<Vec<f32>>,
    pub(crate) target_names: Vec<String>,
    pub(crate) feature_names: Vec<String>,
    pub(crate) class_names: Vec<String>,
    pub(crate) target_classes: Vec<Vec<String>>,
}

impl DiskRows {
    fn part_of(&self, row: usize) -> usize {
        self.parts.partition_point(|part| part.first <= row).saturating_sub(1)
    }
}

impl RowSource for DiskRows {
    fn rows(&self) -> usize {
        self.targets.rows()
    }

    fn features(&self) -> usize {
        self.feature_names.len()
    }

    fn feature_name(&self, column: usize) -> String {
        self.feature_names[column].clone()
    }

    fn target_name(&self, column: usize) -> String {
        self.target_names[column].clone()
    }

    fn class_names(&self) -> &[String] {
        &self.class_names
    }

    fn target_classes(&self, column: usize) -> &[String] {
        self.target_classes.get(column).map_or(&[], Vec::as_slice)
    }

    fn inputs(&self, rows: &[usize], into: &mut Vec<f32>) -> Result<(), DataError> {
        let (features, begin) = (self.features(), into.len());
        into.resize(begin + rows.len() * features, 0.0);
        let mut into = &mut into[begin..];
        for rows in rows.chunk_by(|&one, &next| self.part_of(one) == self.part_of(next)) {
            let part = &self.parts[self.part_of(rows[0])];
            let local: Vec<usize> = rows.iter().map(|row| row - part.first).collect();
            let (here, rest) = into.split_at_mut(rows.len() * features);
            let mut column = 0;
            for array in &part.arrays {
                array.write(&local, here, features, column)?;
                column += array.rows().1;
            }
            into = rest;
        }
        Ok(())
    }

    fn targets(&self, rows: &[usize]) -> Result<Targets, DataError> {
        Ok(self.targets.pick(rows))
    }

    fn weights(&self, rows: &[usize]) -> Result<Option<Vec<f32>>, DataError> {
        Ok(weights::pick(self.weights.as_deref(), rows))
    }

    fn is_slow(&self) -> bool {
        true
    }
}
