//! An array that stays in its file, and whose rows are read by number.
use super::DataError;
use super::number::NumberKind;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Most bytes that are read in one go (our choice: enough that the call itself does not count).
const BYTES_AT_ONCE: usize = 1 << 20;

/// A file that several arrays lie in.
#[derive(Debug)]
pub(crate) struct Source {
    path: PathBuf,
    file: Mutex<File>,
}

impl Source {
    pub(crate) fn new(path: &Path, file: File) -> Arc<Self> {
        Arc::new(Self { path: path.to_owned(), file: Mutex::new(file) })
    }

    /// Fills `bytes` from a place in the file.
    fn read_at(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        // A reader that panicked has left the file in no bad state: each read begins with a seek.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(bytes)
    }
}

/// An array of numbers in a file, row after row.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    source: Arc<Source>,
    /// Where its first number begins.
    at: u64,
    /// Its axes; the first one counts the rows.
    pub(crate) shape: Vec<usize>,
    pub(crate) kind: NumberKind,
    big_endian: bool,
}

impl Stored {
    /// An array that begins at byte `at`. The caller has made sure that it is all there.
    pub(crate) const fn new(
        source: Arc<Source>,
        at: u64,
        shape: Vec<usize>,
        kind: NumberKind,
        big_endian: bool,
    ) -> Self {
        Self { source, at, shape, kind, big_endian }
    }

    /// Rows, and values of a row.
    pub(crate) fn rows(&self) -> (usize, usize) {
        rows_of(&self.shape)
    }

    /// Hands on the bytes of these rows, each with its place among `rows`; rows that follow one another are read together.
    fn each_row(&self, rows: &[usize], mut see: impl FnMut(usize, &[u8])) -> Result<(), DataError> {
        let row_bytes = self.rows().1 * self.kind.width();
        if row_bytes == 0 {
            return Ok(());
        }
        let most = (BYTES_AT_ONCE / row_bytes).max(1);
        let mut bytes = Vec::new();
        let mut at = 0;
        while at < rows.len() {
            let follows = |next: &usize| rows[at + next] == rows[at] + next;
            let count = 1 + (1..most.min(rows.len() - at)).take_while(follows).count();
            bytes.resize(count * row_bytes, 0);
            let start = self.at + rows[at] as u64 * row_bytes as u64;
            self.source
                .read_at(start, &mut bytes)
                .map_err(|source| DataError::Unreadable { path: self.source.path.clone(), source })?;
            for (row, bytes) in bytes.chunks_exact(row_bytes).enumerate() {
                see(at + row, bytes);
            }
            at += count;
        }
        Ok(())
    }

    /// Writes these rows into columns of `into`, which has `features` columns, from column `first` on.
    pub(crate) fn write(
        &self,
        rows: &[usize],
        into: &mut [f32],
        features: usize,
        first: usize,
    ) -> Result<(), DataError> {
        let columns = self.rows().1;
        self.each_row(rows, |at, bytes| {
            let values = &mut into[at * features + first..at * features + first + columns];
            for (value, bytes) in values.iter_mut().zip(bytes.chunks_exact(self.kind.width())) {
                *value = self.kind.single(bytes, self.big_endian);
            }
        })
    }

    /// Hands on every number with its row and column.
    pub(crate) fn each(&self, mut see: impl FnMut(usize, usize, f64)) -> Result<(), DataError> {
        let all: Vec<usize> = (0..self.rows().0).collect();
        self.each_row(&all, |row, bytes| {
            for (column, bytes) in bytes.chunks_exact(self.kind.width()).enumerate() {
                see(row, column, self.kind.number(bytes, self.big_endian));
            }
        })
    }
}

/// Rows of an array, and values of a row.
pub(crate) fn rows_of(shape: &[usize]) -> (usize, usize) {
    match shape {
        [] => (1, 1),
        [rows, rest @ ..] => (*rows, rest.iter().product()),
    }
}
