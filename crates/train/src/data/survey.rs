//! A look at a CSV file, to write a first recipe for it.
use super::DataError;
use super::columns::check_names;
use super::csv::{Csv, is_missing, number, text};
use std::collections::BTreeSet;
use std::path::Path;

/// Different values that are told apart in a column: our choice, far above the classes of a small problem.
pub(crate) const DISTINCT: usize = 256;

/// What was seen of a file.
#[derive(Debug)]
pub(crate) struct Survey {
    pub(crate) rows: usize,
    pub(crate) columns: Vec<ColumnSurvey>,
}

/// What was seen of one column.
#[derive(Debug, Default)]
pub(crate) struct ColumnSurvey {
    pub(crate) name: String,
    /// Cells that are missing.
    pub(crate) missing: usize,
    /// Cells that are neither missing nor numbers.
    pub(crate) texts: usize,
    /// Whether every number is whole.
    pub(crate) whole: bool,
    pub(crate) min: f64,
    pub(crate) max: f64,
    /// Different cells, up to `DISTINCT` of them.
    pub(crate) distinct: BTreeSet<String>,
}

impl ColumnSurvey {
    fn new(name: String) -> Self {
        Self { name, whole: true, min: f64::INFINITY, max: f64::NEG_INFINITY, ..Self::default() }
    }

    fn see(&mut self, cell: &str) {
        if is_missing(cell) {
            self.missing += 1;
            return;
        }
        match number(cell) {
            Some(value) => {
                self.whole &= value.fract() == 0.0;
                self.min = self.min.min(value);
                self.max = self.max.max(value);
            }
            None => self.texts += 1,
        }
        if self.distinct.len() < DISTINCT && !self.distinct.contains(cell) {
            self.distinct.insert(cell.to_owned());
        }
    }
}

/// Looks at every cell of a CSV file.
pub(crate) fn survey(path: &Path) -> Result<Survey, DataError> {
    let mut csv = Csv::open(path)?;
    check_names(&csv.columns, csv.places.file())?;
    let mut columns: Vec<ColumnSurvey> = csv.columns.iter().cloned().map(ColumnSurvey::new).collect();
    let mut rows = 0;
    while let Some((_, record)) = csv.next_row()? {
        for (column, cell) in columns.iter_mut().zip(record) {
            column.see(text(cell).unwrap_or("\u{fffd}"));
        }
        rows += 1;
    }
    if rows == 0 {
        return Err(DataError::content(csv.places.file(), "there are no rows; a data set needs at least one"));
    }
    Ok(Survey { rows, columns })
}
