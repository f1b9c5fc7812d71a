//! What can go wrong before, and around, a training.
use crate::data::DataError;
use crate::recipe::RecipeError;
use barograph_store::StoreError;
use std::path::PathBuf;

/// Why a training could not begin. A loss that becomes NaN is not an error: it is in the outcome.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The recipe is wrong.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The data set is wrong.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The run log cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Data set and network do not fit together.
    #[error("{0}")]
    Mismatch(String),
    /// A setting of a check is out of range.
    #[error("{0}")]
    Setting(String),
    /// A file of the run cannot be written or read.
    #[error("{}: cannot {action}: {source}", .path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of weights is broken or belongs to another network.
    #[error("{}: {problem}", .path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// There is nothing to resume a training from.
    #[error(
        "{}: there is no backup to resume from; a recipe asks for one with [[callbacks]] kind = \"backup_and_restore\", and Ctrl-C leaves one",
        .folder.display()
    )]
    NoBackup {
        /// The folder of the run.
        folder: PathBuf,
    },
    /// The run to be resumed is still under way.
    #[error("{}: this run is still being written; stop it first, for instance with barograph ctl RUN stop", .folder.display())]
    StillRunning {
        /// The folder of the run.
        folder: PathBuf,
    },
}
