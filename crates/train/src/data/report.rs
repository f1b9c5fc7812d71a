//! What was odd about a data set, and did not stop it from being read.

/// Notes about single cells beyond these are counted, not listed: our choice.
const LISTED_CELLS: u64 = 20;

/// What was odd about a data set, and did not stop it from being read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataReport {
    /// One sentence each, with file and line or row, in the order of the file.
    pub notes: Vec<String>,
    /// Cells that were read as NaN or as infinite.
    pub non_finite: u64,
}

impl DataReport {
    /// Notes something about the whole file or a column.
    pub(crate) fn note(&mut self, place: &str, text: impl AsRef<str>) {
        self.notes.push(format!("{place}: {}", text.as_ref()));
    }

    /// Notes a cell that is not a finite number; only the first few are listed.
    pub(crate) fn cell(&mut self, place: impl FnOnce() -> String, text: impl FnOnce() -> String) {
        self.non_finite += 1;
        if self.non_finite <= LISTED_CELLS {
            self.notes.push(format!("{}: {}", place(), text()));
        }
    }

    /// Adds what was odd about the next part of the data set.
    pub(crate) fn append(&mut self, next: Self) {
        self.notes.extend(next.notes);
        self.non_finite += next.non_finite;
    }

    /// Says how many cells were not listed.
    pub(crate) fn close(&mut self, file: &str) {
        if self.non_finite > LISTED_CELLS {
            let more = self.non_finite - LISTED_CELLS;
            self.note(file, format!("{more} more cells were read as NaN or infinite"));
        }
    }
}
