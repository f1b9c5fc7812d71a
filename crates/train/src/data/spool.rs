//! A file without a name that rows are written to once, and then read from by number.
use super::DataError;
use super::number::NumberKind;
use super::stored::{Source, Stored};
use crate::recipe::Recipe;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// Rows on their way to a file that goes away with the process, however it ends.
#[derive(Debug)]
pub(crate) struct Spool {
    folder: PathBuf,
    file: BufWriter<File>,
}

impl Spool {
    /// A new file in the recipe's `data.scratch`, or else where the system wants temporary files.
    pub(crate) fn new(recipe: &Recipe) -> Result<Self, DataError> {
        let folder = match &recipe.data.scratch {
            Some(folder) => recipe.origin.resolve(folder),
            None => std::env::temp_dir(),
        };
        let file = tempfile::tempfile_in(&folder).map_err(|error| cannot_write(&folder, &error))?;
        Ok(Self { folder, file: BufWriter::new(file) })
    }

    /// Adds a value.
    pub(crate) fn push(&mut self, value: f32) -> Result<(), DataError> {
        self.file.write_all(&value.to_le_bytes()).map_err(|error| cannot_write(&self.folder, &error))
    }

    /// Adds bytes as they are; how many there were, or the end of a sentence on what could not be read.
    pub(crate) fn copy(&mut self, mut from: impl Read) -> Result<Result<u64, io::Error>, DataError> {
        let mut bytes = vec![0; 1 << 16];
        let mut count = 0;
        loop {
            match from.read(&mut bytes) {
                Ok(0) => return Ok(Ok(count)),
                Ok(read) => {
                    self.file.write_all(&bytes[..read]).map_err(|error| cannot_write(&self.folder, &error))?;
                    count += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    /// The rows that were written.
    pub(crate) fn finish(self, shape: Vec<usize>, kind: NumberKind, big_endian: bool) -> Result<Stored, DataError> {
        let Self { folder, file } = self;
        let file = file.into_inner().map_err(|error| cannot_write(&folder, error.error()))?;
        Ok(Stored::new(Source::new(&folder, file), 0, shape, kind, big_endian))
    }
}

fn cannot_write(folder: &Path, error: &io::Error) -> DataError {
    DataError::content(
        folder.display().to_string(),
        format!("rows cannot be written there ({error}); name a folder with room for them in data.scratch"),
    )
}
