//! One line of numbers per epoch.
use super::{Action, Callback, memory};
use barograph_vocab::{EpochRecord, Scalar};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Writes one line per epoch: its number, the steps done, and every number that the first epoch has.
///
/// When the file cannot be written the run goes on, and the user hears of it once. A training that is resumed goes on with its file.
#[derive(Debug)]
pub struct CsvLogger {
    path: PathBuf,
    writer: Option<csv::Writer<File>>,
    columns: Vec<Scalar>,
    trouble: Option<String>,
    lost: bool,
}

/// What a file holds.
#[derive(Serialize, Deserialize)]
struct Memory {
    /// Bytes of it; later ones are those of epochs that are done again.
    bytes: u64,
    columns: Vec<String>,
}

impl CsvLogger {
    /// Writes to this file, which it replaces.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), writer: None, columns: Vec::new(), trouble: None, lost: false }
    }

    fn write(&mut self, epoch: &EpochRecord) -> csv::Result<()> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => {
                self.columns = epoch.scalars.iter().map(|(scalar, _)| *scalar).collect();
                let mut writer = csv::Writer::from_path(&self.path)?;
                writer.write_record(
                    ["epoch", "steps"].into_iter().chain(self.columns.iter().map(|column| column.name())),
                )?;
                self.writer.insert(writer)
            }
        };
        let numbers =
            self.columns.iter().map(|&column| epoch.scalar(column).map_or_else(String::new, |value| value.to_string()));
        writer.write_record([epoch.epoch.to_string(), epoch.steps.to_string()].into_iter().chain(numbers))?;
        writer.flush()?;
        Ok(())
    }
}

impl Callback for CsvLogger {
    fn epoch_end(&mut self, epoch: &EpochRecord) -> Action {
        if !self.lost
            && let Err(error) = self.write(epoch)
        {
            self.lost = true;
            self.trouble = Some(format!("{}: {error}; the run goes on without this file", self.path.display()));
        }
        Action::Continue
    }

    fn trouble(&mut self) -> Option<String> {
        self.trouble.take()
    }

    fn state(&self) -> String {
        let bytes = if self.writer.is_some() { std::fs::metadata(&self.path).map_or(0, |file| file.len()) } else { 0 };
        let columns = self.columns.iter().map(|column| column.name().to_owned()).collect();
        memory::write(&Memory { bytes, columns })
    }

    fn restore(&mut self, state: &str) -> Result<(), String> {
        let Memory { bytes, columns } = memory::read(state)?;
        if bytes > 0 {
            self.columns = columns.iter().filter_map(|name| Scalar::from_name(name)).collect();
            match open_at(&self.path, bytes) {
                Ok(file) => self.writer = Some(csv::WriterBuilder::new().from_writer(file)),
                Err(error) => {
                    self.lost = true;
                    self.trouble = Some(format!("{}: {error}; the run goes on without this file", self.path.display()));
                }
            }
        }
        Ok(())
    }
}

/// A file to go on with after so many bytes.
fn open_at(path: &Path, bytes: u64) -> io::Result<File> {
    use io::Seek as _;
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.set_len(bytes)?;
    file.seek(io::SeekFrom::End(0))?;
    Ok(file)
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
    fn a_resumed_training_goes_on_where_it_was_backed_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("epochs.csv");
        let mut before = CsvLogger::new(&path);
        before.epoch_end(&epoch(0, 2.5));
        let state = before.state();
        before.epoch_end(&epoch(1, 9.0));
        let mut after = CsvLogger::new(&path);
        after.restore(&state).unwrap();
        after.epoch_end(&epoch(1, 1.5));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "epoch,steps,loss\n0,10,2.5\n1,20,1.5\n");
        let mut fresh = CsvLogger::new(folder.path().join("other.csv"));
        fresh.restore(&CsvLogger::new("").state()).unwrap();
        fresh.epoch_end(&epoch(0, 1.0));
        assert!(folder.path().join("other.csv").exists());
    }

    #[test]
    fn an_unwritable_file_is_said_once_and_stops_nothing() {
        let mut logger = CsvLogger::new("/nonexistent/folder/epochs.csv");
        assert_eq!(logger.epoch_end(&epoch(0, 1.0)), Action::Continue);
        assert!(logger.trouble().is_some_and(|text| text.contains("/nonexistent/folder/epochs.csv")));
        logger.epoch_end(&epoch(1, 1.0));
        assert_eq!(logger.trouble(), None);
    }
}
