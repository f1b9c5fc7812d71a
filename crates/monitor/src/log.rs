//! The run log as the session sees it: it may be absent or lost, and the run goes on.
use barograph_store::{Appended, RunState, StoreError, Writer};
use barograph_vocab::Record;
use std::path::Path;

/// What became of the run log.
#[derive(Debug)]
pub enum LogState {
    /// None was asked for.
    Off,
    /// It is being written.
    Writing(Box<Writer>),
    /// It was lost; the run goes on without.
    Lost {
        /// What went wrong, and what to do.
        reason: String,
        /// Records that were not written.
        records: u64,
    },
}

/// Whether a process is writing the log in this folder.
#[must_use]
pub fn is_running(folder: &Path) -> bool {
    barograph_store::run_state(folder) == RunState::Running
}

impl LogState {
    /// Starts a log in `folder`, of at most `cap` bytes.
    pub(crate) fn create(folder: &Path, cap: u64) -> Result<Self, StoreError> {
        let options = barograph_store::Options { cap_bytes: cap, ..Default::default() };
        Ok(Self::Writing(Box::new(Writer::create(folder, options)?)))
    }

    /// Goes on with the log in `folder`, cut at the first record that `keep` does not keep. Returns the steps that were cut off, too.
    pub(crate) fn resume(
        folder: &Path,
        cap: u64,
        keep: impl FnMut(&Record) -> bool,
    ) -> Result<(Self, u64), StoreError> {
        let options = barograph_store::Options { cap_bytes: cap, ..Default::default() };
        let (writer, cut) = Writer::resume(folder, options, keep)?;
        Ok((Self::Writing(Box::new(writer)), cut))
    }

    /// Writes a record down.
    pub(crate) fn append(&mut self, record: &Record) {
        self.work(|writer| writer.append(record));
    }

    /// Writes an encoded record down.
    pub(crate) fn append_encoded(&mut self, record: &[u8]) {
        self.work(|writer| writer.append_encoded(record));
    }

    /// Closes the log.
    pub(crate) fn close(&mut self) {
        if let Self::Writing(writer) = std::mem::replace(self, Self::Off)
            && let Err(error) = writer.close()
        {
            *self = Self::Lost { reason: error.to_string(), records: 0 };
        }
    }

    fn work(&mut self, work: impl FnOnce(&mut Writer) -> Result<Appended, StoreError>) {
        match self {
            Self::Off => {}
            Self::Lost { records, .. } => *records += 1,
            Self::Writing(writer) => match work(writer) {
                // One record too large for the log is counted by the writer, and the log goes on.
                Ok(_) | Err(StoreError::TooLarge { .. }) => {}
                Err(error) => *self = Self::Lost { reason: error.to_string(), records: 1 },
            },
        }
    }
}
