//! What can go wrong with a run log: what, where, and what to do.
use std::io;
use std::path::{Path, PathBuf};

/// An error of the run log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The system refused.
    #[error("{}: cannot {action}: {source}; {}", .path.display(), advice(.source))]
    Io {
        /// What was tried: `write the run log`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A log can be written once.
    #[error("{}: already holds a run log; choose another folder, or move this one away", .dir.display())]
    Exists {
        /// The folder.
        dir: PathBuf,
    },
    /// The folder is no run.
    #[error("{}: not a run folder: {looks}; {advice}", .path.display())]
    NotARun {
        /// What was to be opened.
        path: PathBuf,
        /// What is there instead.
        looks: String,
        /// What to do.
        advice: String,
    },
    /// A file with the name of a segment is something else.
    #[error(
        "{}: not a Barograph log: it begins with \"{begins}\" and not with \"BAROLOG1\"; remove it from the run folder",
        .path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Its first bytes, escaped.
        begins: String,
    },
    /// The log was written by a newer Barograph.
    #[error(
        "{}: the log has format {found}, and this Barograph reads format {known}; update Barograph",
        .path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u16,
        /// The newest format that this version reads.
        known: u16,
    },
    /// The header of a segment has a wrong checksum.
    #[error("{}: the header is damaged; restore the file from a copy, or remove it to read the rest of the run", .path.display())]
    Header {
        /// The file.
        path: PathBuf,
    },
    /// The run was killed before its first record.
    #[error("{}: the log holds no record: the run was killed before it wrote one; start it again", .path.display())]
    Empty {
        /// The folder, or its first file.
        path: PathBuf,
    },
    /// One record is too large; it was left out, and the log goes on.
    #[error("a record of {bytes} bytes was left out of the log: at most {limit} fit; watch fewer tensors")]
    TooLarge {
        /// Its encoded size.
        bytes: usize,
        /// The limit, [`crate::MAX_RECORD_BYTES`].
        limit: usize,
    },
    /// What was appended is not a record.
    #[error("no record was appended: {0}")]
    Codec(#[from] crate::CodecError),
    /// An earlier error ended the log; it was returned once.
    #[error("the log ended after an earlier error; {records} records are lost so far")]
    Lost {
        /// Records lost since.
        records: u64,
    },
}

impl StoreError {
    pub(crate) fn io(action: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        Self::Io { action, path: path.to_owned(), source: source.into() }
    }
}

/// What a person can do about an error of the system.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some space, or choose a folder on another disk"
        }
        io::ErrorKind::FileTooLarge => "raise the limit of file sizes (`ulimit -f`)",
        io::ErrorKind::PermissionDenied => "change the permissions, or choose another folder",
        io::ErrorKind::ReadOnlyFilesystem => "choose a folder that can be written",
        io::ErrorKind::NotFound => "check the path",
        _ => "check the disk and the path",
    }
}
