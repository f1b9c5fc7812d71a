//! What the readers of all formats hand over.
use super::disk::Part;
use super::number::NumberKind;
use super::spool::Spool;
use super::stored::Stored;
use super::{DataError, DataReport};
use crate::recipe::{Examples, Recipe};
use std::collections::HashMap;
use std::path::Path;

/// A file's content, before the targets are understood.
pub(crate) struct Raw {
    pub(crate) feature_names: Vec<String>,
    pub(crate) target_names: Vec<String>,
    pub(crate) inputs: Inputs,
    /// One for each target column, each of `rows` entries.
    pub(crate) targets: Vec<TargetColumn>,
    pub(crate) rows: usize,
    pub(crate) places: Places,
    pub(crate) report: DataReport,
}

impl Raw {
    /// Adds the rows of the next part of the same data set.
    pub(crate) fn append(&mut self, next: Self) -> Result<(), DataError> {
        let file = next.places.file().to_owned();
        for (what, before, after) in
            [("input", &self.feature_names, &next.feature_names), ("target", &self.target_names, &next.target_names)]
        {
            if before != after {
                let odd = after.iter().zip(before).find(|(after, before)| after != before);
                let text = match odd {
                    Some((after, before)) => format!("{what} column {after:?} stands where {before:?} does"),
                    None => format!(
                        "there are {} instead of {}",
                        counted(after.len(), &format!("{what} column")),
                        before.len()
                    ),
                };
                let first = self.places.file();
                return Err(DataError::content(
                    file,
                    format!("{text} in {first}; the parts of a data set need equal columns"),
                ));
            }
        }
        for ((before, after), name) in self.targets.iter_mut().zip(next.targets).zip(&self.target_names) {
            before.append(after).map_err(|()| {
                let text = format!(
                    "column {name:?} holds text in one part of the data set and numbers in another; write them alike"
                );
                DataError::content(&*file, text)
            })?;
        }
        self.inputs.append(next.inputs, self.rows);
        self.places.append(next.places, self.rows);
        self.rows += next.rows;
        self.report.append(next.report);
        Ok(())
    }
}

/// Inputs while they are read, `[rows, features]`.
pub(crate) enum Inputs {
    Memory(Vec<f32>),
    /// One text a row, of which tokens are made later.
    Texts(Vec<String>),
    /// Written to a file of their own.
    Spool(Spool),
    /// On disk for good.
    Disk(Vec<Part>),
}

impl Inputs {
    /// Where the values that a reader finds go.
    pub(crate) fn begin(recipe: &Recipe) -> Result<Self, DataError> {
        if matches!(recipe.data.examples, Examples::Text { .. }) {
            return Ok(Self::Texts(Vec::new()));
        }
        Ok(if recipe.data.stream { Self::Spool(Spool::new(recipe)?) } else { Self::Memory(Vec::new()) })
    }

    /// Arrays that stay where they are.
    pub(crate) fn disk(arrays: Vec<Stored>) -> Self {
        Self::Disk(vec![Part { first: 0, arrays }])
    }

    /// Adds a value.
    pub(crate) fn push(&mut self, value: f32) -> Result<(), DataError> {
        match self {
            Self::Memory(values) => values.push(value),
            Self::Spool(spool) => spool.push(value)?,
            Self::Texts(_) | Self::Disk(_) => {}
        }
        Ok(())
    }

    /// After the last value.
    pub(crate) fn finish(self, rows: usize, features: usize) -> Result<Self, DataError> {
        Ok(match self {
            Self::Spool(spool) => Self::disk(vec![spool.finish(vec![rows, features], NumberKind::Float(4), false)?]),
            finished => finished,
        })
    }

    fn append(&mut self, next: Self, rows: usize) {
        match (self, next) {
            (Self::Memory(before), Self::Memory(after)) => before.extend(after),
            (Self::Texts(before), Self::Texts(after)) => before.extend(after),
            (Self::Disk(before), Self::Disk(after)) => {
                before.extend(after.into_iter().map(|part| Part { first: part.first + rows, ..part }));
            }
            // Every part is read with the same recipe.
            _ => {}
        }
    }
}

/// One target column.
pub(crate) enum TargetColumn {
    /// Numbers; NaN where one is missing.
    Numbers(Vec<f64>),
    /// Text labels.
    Labels(Labels),
}

impl TargetColumn {
    /// Adds the rows of the next part, if it holds the same kind of values.
    fn append(&mut self, next: Self) -> Result<(), ()> {
        match (self, next) {
            (Self::Numbers(before), Self::Numbers(after)) => before.extend(after),
            (Self::Labels(before), Self::Labels(after)) => {
                for code in after.codes {
                    before.push(&after.words[code as usize]);
                }
            }
            _ => return Err(()),
        }
        Ok(())
    }
}

/// Text labels, each text kept once.
#[derive(Default)]
pub(crate) struct Labels {
    /// Index into `words`, one for each row.
    pub(crate) codes: Vec<u32>,
    /// In order of first appearance.
    pub(crate) words: Vec<String>,
    by_word: HashMap<String, u32>,
}

impl Labels {
    pub(crate) fn push(&mut self, word: &str) {
        let code = self.by_word.get(word).copied().unwrap_or_else(|| {
            let code = self.words.len() as u32;
            self.words.push(word.to_owned());
            self.by_word.insert(word.to_owned(), code);
            code
        });
        self.codes.push(code);
    }
}

/// Where a row stands in its file, for messages.
pub(crate) struct Places {
    /// The first file.
    file: String,
    /// The files, in the order of their rows.
    parts: Vec<PartPlaces>,
}

/// Where the rows of one file stand.
struct PartPlaces {
    /// Number of the file's first row.
    first: usize,
    file: String,
    /// For text files: from a row on, rows stand on lines that follow one another, from this line on. Few entries, however many rows.
    lines: Option<Vec<(usize, u64)>>,
    rows: usize,
}

impl Places {
    /// Rows that stand on lines; see [`Places::push`].
    pub(crate) fn by_line(path: &Path) -> Self {
        Self::new(path, Some(Vec::new()))
    }

    /// Rows that are counted from 0.
    pub(crate) fn by_row(path: &Path) -> Self {
        Self::new(path, None)
    }

    fn new(path: &Path, lines: Option<Vec<(usize, u64)>>) -> Self {
        let file = path.display().to_string();
        Self { parts: vec![PartPlaces { first: 0, file: file.clone(), lines, rows: 0 }], file }
    }

    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// Adds the line of the next row of the last file.
    pub(crate) fn push(&mut self, line: u64) {
        let Some(PartPlaces { lines: Some(lines), rows, .. }) = self.parts.last_mut() else { return };
        if lines.last().is_none_or(|&(row, from)| line != from + (*rows - row) as u64) {
            lines.push((*rows, line));
        }
        *rows += 1;
    }

    /// A line of the file.
    pub(crate) fn line(&self, line: u64) -> String {
        format!("{}:{line}", self.file)
    }

    /// Where a row stands: `digits.csv:138`, or `digits.npz: row 136`.
    pub(crate) fn row(&self, row: usize) -> String {
        let at = self.parts.partition_point(|part| part.first <= row).saturating_sub(1);
        let part = &self.parts[at];
        let row = row - part.first;
        let lines = part.lines.as_ref().filter(|_| row < part.rows);
        let line = lines.and_then(|lines| lines[..lines.partition_point(|(first, _)| *first <= row)].last());
        match line {
            Some((first, line)) => format!("{}:{}", part.file, line + (row - first) as u64),
            None => format!("{}: row {row}", part.file),
        }
    }

    fn append(&mut self, next: Self, rows: usize) {
        self.parts.extend(next.parts.into_iter().map(|part| PartPlaces { first: part.first + rows, ..part }));
    }
}

/// `1 row`, `2 rows`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// How a cell that is no number is shown; long ones are cut.
pub(crate) fn quoted(cell: &str) -> String {
    /// Our choice.
    const LONGEST: usize = 40;
    if cell.chars().count() <= LONGEST {
        format!("{cell:?}")
    } else {
        format!("{:?}...", cell.chars().take(LONGEST).collect::<String>())
    }
}

/// An input in single precision, noting it when it is not finite.
pub(crate) fn input(value: f64, column: &str, place: impl FnOnce() -> String, report: &mut DataReport) -> f32 {
    let single = value as f32;
    if !single.is_finite() {
        report.cell(place, || {
            if value.is_nan() {
                format!("column {column:?} is missing; read as NaN")
            } else if value.is_infinite() {
                format!("column {column:?} is infinite")
            } else {
                format!("column {column:?} holds {value:e}, too large for single precision; read as infinite")
            }
        });
    }
    single
}

/// A data set whose inputs and targets have different numbers of rows.
pub(crate) fn row_counts_differ(file: &str, inputs: (&str, usize), targets: (&str, usize)) -> DataError {
    DataError::content(
        file,
        format!(
            "{} has {}, but {} has {}; each row of the inputs needs its target",
            inputs.0,
            counted(inputs.1, "row"),
            targets.0,
            counted(targets.1, "row")
        ),
    )
}
