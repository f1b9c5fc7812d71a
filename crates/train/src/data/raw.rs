//! What the readers of all formats hand over.
use super::{DataError, DataReport};
use std::collections::HashMap;
use std::path::Path;

/// A file's content, before the targets are understood.
pub(crate) struct Raw {
    pub(crate) feature_names: Vec<String>,
    pub(crate) target_names: Vec<String>,
    /// `[rows, features]`.
    pub(crate) inputs: Vec<f32>,
    /// One for each target column, each of `rows` entries.
    pub(crate) targets: Vec<TargetColumn>,
    pub(crate) rows: usize,
    pub(crate) places: Places,
    pub(crate) report: DataReport,
}

/// One target column.
pub(crate) enum TargetColumn {
    /// Numbers; NaN where one is missing.
    Numbers(Vec<f64>),
    /// Text labels.
    Labels(Labels),
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
    file: String,
    /// The line of each row, for text files.
    lines: Option<Vec<u64>>,
}

impl Places {
    /// Rows that stand on lines; see [`Places::push`].
    pub(crate) fn by_line(path: &Path) -> Self {
        Self { file: path.display().to_string(), lines: Some(Vec::new()) }
    }

    /// Rows that are counted from 0.
    pub(crate) fn by_row(path: &Path) -> Self {
        Self { file: path.display().to_string(), lines: None }
    }

    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// Adds the line of the next row.
    pub(crate) fn push(&mut self, line: u64) {
        if let Some(lines) = &mut self.lines {
            lines.push(line);
        }
    }

    /// A line of the file.
    pub(crate) fn line(&self, line: u64) -> String {
        format!("{}:{line}", self.file)
    }

    /// Where a row stands: `digits.csv:138`, or `digits.npz: row 136`.
    pub(crate) fn row(&self, row: usize) -> String {
        match self.lines.as_ref().and_then(|lines| lines.get(row)) {
            Some(&line) => self.line(line),
            None => format!("{}: row {row}", self.file),
        }
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
