//! Why a data set cannot be read.
use crate::recipe::RecipeError;
use std::path::{Path, PathBuf};

/// Why a data set cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// There is no such file.
    #[error("{}: there is no such file{hint}", path.display())]
    NotFound {
        /// The file.
        path: PathBuf,
        /// Names nearby, as the end of the sentence; may be empty.
        hint: String,
    },
    /// The system does not let us read the file.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file's ending says nothing.
    #[error("{}: unknown kind of file; data is read from .csv, .tsv, .txt, .npz, .parquet and .safetensors, or from a folder of such files", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// The file is not what its ending says, or it is cut short.
    #[error("{}", placed(place, text))]
    Broken {
        /// The file, with the line where there is one.
        place: String,
        /// What is wrong, and what to do.
        text: String,
    },
    /// The file can be read, and its content cannot be used.
    #[error("{}", placed(place, text))]
    Content {
        /// The file and line or row, or the line of the recipe that asks for what is not there.
        place: String,
        /// What is wrong, and what to do.
        text: String,
    },
    /// The recipe asks for something impossible.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
}

/// A recipe built in code has no place.
fn placed(place: &str, text: &str) -> String {
    if place.is_empty() { text.to_owned() } else { format!("{place}: {text}") }
}

impl DataError {
    pub(crate) fn broken(place: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Broken { place: place.into(), text: text.into() }
    }

    pub(crate) fn content(place: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Content { place: place.into(), text: text.into() }
    }
}

/// Opens a data file, or says which files there are.
pub(crate) fn open(path: &Path) -> Result<std::fs::File, DataError> {
    match std::fs::File::open(path) {
        Ok(file) if path.is_dir() => {
            drop(file);
            Err(DataError::content(path.display().to_string(), "this is a folder; name a file in it"))
        }
        Ok(file) => Ok(file),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(DataError::NotFound { path: path.to_owned(), hint: super::nearby_files(path, &super::files::ENDINGS) })
        }
        Err(source) => Err(DataError::Unreadable { path: path.to_owned(), source }),
    }
}
