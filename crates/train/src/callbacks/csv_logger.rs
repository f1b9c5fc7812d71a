//! One line of numbers per epoch.
use super::jsonl_logger::numbers;
use super::line_file::{LineFile, Place};
use super::{Action, Callback, RunInfo, memory};
use crate::recipe::HELD_OUT;
use barograph_vocab::{EpochRecord, Scalar};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Writes one line per epoch: its number, the steps done, and every number that the first epoch has. Where a recipe's `validation_every` leaves
/// epochs without validation, its columns are empty there. NaN is `NaN`, infinity `inf`.
///
/// When the file cannot be written the run goes on, and the user hears of it once. A training that is resumed goes on with its file.
#[derive(Debug)]
pub struct CsvLogger {
    file: LineFile,
    separator: u8,
    columns: Option<Vec<String>>,
    /// Whether numbers of the rows that are held out may come later than the first epoch.
    sparse: bool,
}

#[derive(Serialize, Deserialize)]
struct Memory {
    place: Place,
    columns: Option<Vec<String>>,
}

impl CsvLogger {
    /// Writes to this file, which it replaces.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { file: LineFile::new(path), separator: b',', columns: None, sparse: false }
    }

    /// What stands between two numbers. A comma unless told otherwise.
    #[must_use]
    pub const fn separator(mut self, separator: u8) -> Self {
        self.separator = separator;
        self
    }

    /// Whether a file that is there already is written on, without a second line of names, instead of replaced.
    #[must_use]
    pub fn append(mut self, append: bool) -> Self {
        self.file.set_append(append);
        self
    }

    /// Fields as a line, quoted where they must be.
    fn line(&self, fields: impl IntoIterator<Item = String>) -> String {
        let mut writer = csv::WriterBuilder::new().delimiter(self.separator).from_writer(Vec::new());
        // A vector takes every byte, and texts are UTF-8.
        let written = writer.write_record(fields).ok().and_then(|()| writer.into_inner().ok());
        written.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

/// The names of all numbers. Where those of the rows that are held out may be still to come, each of the others has one.
fn columns_of(epoch: &EpochRecord, sparse: bool) -> Vec<String> {
    let mut names: Vec<String> = numbers(epoch).map(|(name, _)| name.to_owned()).collect();
    if sparse && epoch.scalar(Scalar::ValidationLoss).is_none() {
        names.extend(names.clone().into_iter().map(|name| format!("{HELD_OUT}{name}")));
    }
    names
}

impl Callback for CsvLogger {
    fn train_begin(&mut self, run: &RunInfo<'_>) -> Action {
        self.sparse = run.recipe.validation_every > 1;
        Action::Continue
    }

    fn epoch_end(&mut self, epoch: &EpochRecord) -> Action {
        let sparse = self.sparse;
        let columns = self.columns.get_or_insert_with(|| columns_of(epoch, sparse)).clone();
        let value = |column: &String| {
            let found = numbers(epoch).find(|(name, _)| name == column);
            found.map_or_else(String::new, |(_, value)| value.to_string())
        };
        let values = [epoch.epoch.to_string(), epoch.steps.to_string()].into_iter().chain(columns.iter().map(value));
        let line = self.line(values);
        let head = self.line(["epoch".to_owned(), "steps".to_owned()].into_iter().chain(columns.iter().cloned()));
        self.file.write(&head, &line);
        Action::Continue
    }

    fn state(&self) -> String {
        memory::write(&Memory { place: self.file.place(), columns: self.columns.clone() })
    }

    fn restore(&mut self, state: &str) -> Result<(), String> {
        let Memory { place, columns } = memory::read(state)?;
        self.file.resume(place);
        self.columns = columns;
        Ok(())
    }

    fn trouble(&mut self) -> Option<String> {
        self.file.trouble()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callbacks::tests::epoch;

    #[test]
    fn one_line_per_epoch_readable_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("epochs.csv");
        let mut logger = CsvLogger::new(&path);
        logger.epoch_end(&epoch(0, 2.5));
        logger.epoch_end(&epoch(1, f64::NAN));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "epoch,steps,loss\n0,10,2.5\n1,20,NaN\n");
    }

    #[test]
    fn columns_stay_those_of_the_first_epoch_and_names_are_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("epochs.csv");
        let named = |name: &str| vec![(name.to_owned(), 4.0)];
        let mut logger = CsvLogger::new(&path).separator(b';');
        logger.epoch_end(&EpochRecord { named: named("a;b"), ..epoch(0, 2.5) });
        logger.epoch_end(&EpochRecord { named: named("c"), ..epoch(1, f64::INFINITY) });
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "epoch;steps;loss;\"a;b\"\n0;10;2.5;4\n1;20;inf;\n");
    }

    #[test]
    fn a_second_training_can_write_on_and_a_resumed_one_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("epochs.csv");
        let mut first = CsvLogger::new(&path);
        first.epoch_end(&epoch(0, 2.0));
        let state = first.state();
        first.epoch_end(&epoch(1, 9.0));
        let mut resumed = CsvLogger::new(&path);
        resumed.restore(&state).unwrap();
        resumed.epoch_end(&epoch(1, 1.0));
        CsvLogger::new(&path).append(true).epoch_end(&epoch(0, 0.5));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "epoch,steps,loss\n0,10,2\n1,20,1\n0,10,0.5\n");
    }

    #[test]
    fn an_unwritable_file_is_said_once_and_stops_nothing() {
        let mut logger = CsvLogger::new("/dev/null/epochs.csv");
        assert_eq!(logger.epoch_end(&epoch(0, 1.0)), Action::Continue);
        assert!(logger.trouble().is_some_and(|text| text.contains("/dev/null/epochs.csv")));
        logger.epoch_end(&epoch(1, 1.0));
        assert_eq!(logger.trouble(), None);
    }
}
