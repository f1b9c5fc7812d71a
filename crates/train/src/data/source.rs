//! Rows that are asked for by number, wherever they lie.
use super::{DataError, Dataset, Split, Targets, weights};
use crate::recipe::Task;
use barograph_stats::prefetch;
use std::fmt;
use std::sync::Arc;

/// Rows that are looked at together where all of a source is looked at: bounds the memory (our choice).
pub(crate) const ROWS_AT_ONCE: usize = 1024;

/// Examples and their answers, in memory or not: everything above asks for rows by their numbers, and cannot tell.
///
/// A source gives the same row for the same number each time, whichever thread asks: so a batch can be gathered ahead of the training, and
/// again when an incident is replayed.
pub trait RowSource: fmt::Debug + Send + Sync {
    /// How many rows there are.
    fn rows(&self) -> usize;

    /// How many input values a row has.
    fn features(&self) -> usize;

    /// The name of an input value, for people.
    fn feature_name(&self, column: usize) -> String {
        format!("x{column}")
    }

    /// The name of a target column, for outputs that learn some of them.
    fn target_name(&self, column: usize) -> String {
        format!("y{column}")
    }

    /// What each class number stands for; empty where the data does not say.
    fn class_names(&self) -> &[String] {
        &[]
    }

    /// What the numbers in a target column stand for, where the data holds texts there and several outputs learn columns of their own.
    fn target_classes(&self, _column: usize) -> &[String] {
        &[]
    }

    /// Appends the inputs of these rows, `[rows, features]`.
    ///
    /// # Errors
    /// When a file can no longer be read.
    ///
    /// # Panics
    /// When there is no such row.
    fn inputs(&self, rows: &[usize], into: &mut Vec<f32>) -> Result<(), DataError>;

    /// The answers of these rows. The kind is the same for each call, also for one without rows.
    ///
    /// # Errors
    /// When a file can no longer be read.
    ///
    /// # Panics
    /// When there is no such row.
    fn targets(&self, rows: &[usize]) -> Result<Targets, DataError>;

    /// How much the loss of each of these rows counts, if not all count alike: finite numbers of 0 or more. Whether there are any is the same for
    /// each call, also for one without rows.
    ///
    /// # Errors
    /// When a file can no longer be read.
    ///
    /// # Panics
    /// When there is no such row.
    fn weights(&self, _rows: &[usize]) -> Result<Option<Vec<f32>>, DataError> {
        Ok(None)
    }

    /// Which rows are held out, where a share of them is to be: drawn by the seed, unless the rows have an order that matters.
    fn split(&self, share: f64, seed: u64) -> Split {
        Split::new(self.rows() as u32, share, seed)
    }

    /// Input values with the same number are brought to a common scale together: the same measure at several times, say.
    fn scale_group(&self, column: usize) -> usize {
        column
    }

    /// As [`RowSource::scale_group`], for the columns of real targets.
    fn target_scale_group(&self, column: usize) -> usize {
        column
    }

    /// What is to be learned, where neither a recipe nor the kind of targets says it.
    fn task(&self) -> Option<Task> {
        None
    }

    /// Whether rows are read or decoded when they are asked for, so that asking ahead saves time.
    fn is_slow(&self) -> bool {
        false
    }
}

impl RowSource for Dataset {
    fn rows(&self) -> usize {
        Self::rows(self)
    }

    fn features(&self) -> usize {
        Self::features(self)
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
        into.reserve(rows.len() * self.features());
        for (at, &row) in rows.iter().enumerate() {
            if let Some(&next) = rows.get(at + 1) {
                prefetch(self.row(next));
            }
            into.extend_from_slice(self.row(row));
        }
        Ok(())
    }

    fn targets(&self, rows: &[usize]) -> Result<Targets, DataError> {
        Ok(self.targets.pick(rows))
    }

    fn weights(&self, rows: &[usize]) -> Result<Option<Vec<f32>>, DataError> {
        Ok(weights::pick(self.weights.as_deref(), rows))
    }
}

impl<S: RowSource + ?Sized> RowSource for Arc<S> {
    fn rows(&self) -> usize {
        S::rows(self)
    }

    fn features(&self) -> usize {
        S::features(self)
    }

    fn feature_name(&self, column: usize) -> String {
        S::feature_name(self, column)
    }

    fn target_name(&self, column: usize) -> String {
        S::target_name(self, column)
    }

    fn class_names(&self) -> &[String] {
        S::class_names(self)
    }

    fn target_classes(&self, column: usize) -> &[String] {
        S::target_classes(self, column)
    }

    fn inputs(&self, rows: &[usize], into: &mut Vec<f32>) -> Result<(), DataError> {
        S::inputs(self, rows, into)
    }

    fn targets(&self, rows: &[usize]) -> Result<Targets, DataError> {
        S::targets(self, rows)
    }

    fn weights(&self, rows: &[usize]) -> Result<Option<Vec<f32>>, DataError> {
        S::weights(self, rows)
    }

    fn split(&self, share: f64, seed: u64) -> Split {
        S::split(self, share, seed)
    }

    fn scale_group(&self, column: usize) -> usize {
        S::scale_group(self, column)
    }

    fn target_scale_group(&self, column: usize) -> usize {
        S::target_scale_group(self, column)
    }

    fn task(&self) -> Option<Task> {
        S::task(self)
    }

    fn is_slow(&self) -> bool {
        S::is_slow(self)
    }
}

/// Calls `see` with the inputs of `rows`, some rows at a time.
pub(crate) fn each_inputs(
    source: &dyn RowSource,
    rows: &[usize],
    mut see: impl FnMut(&[usize], &[f32]),
) -> Result<(), DataError> {
    let mut inputs = Vec::new();
    for rows in rows.chunks(ROWS_AT_ONCE) {
        inputs.clear();
        source.inputs(rows, &mut inputs)?;
        see(rows, &inputs);
    }
    Ok(())
}

/// Calls `see` with the targets of `rows`, some rows at a time.
pub(crate) fn each_targets(
    source: &dyn RowSource,
    rows: &[usize],
    mut see: impl FnMut(&[usize], &Targets),
) -> Result<(), DataError> {
    for rows in rows.chunks(ROWS_AT_ONCE) {
        see(rows, &source.targets(rows)?);
    }
    Ok(())
}
