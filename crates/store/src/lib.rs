//! Owns the run log: writes it, reads it, recovers it, keeps it within its bound.
//!
//! It must never judge: what the numbers of a log mean is the business of the rules.
//!
//! A log is a folder of segments (`log-00000.wal`, ...) with checked records, see [`Writer`] and [`Reader`]. A record is in
//! the file, for the system, when `append` returns: a process that is killed afterwards loses nothing.
//!
//! ```
//! use barograph_store::{Options, Reader, Writer};
//! use barograph_vocab::{Record, RunEnd, Scalar, StepRecord};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let runs = tempfile::tempdir()?;
//! let dir = runs.path().join("mnist-1");
//! let mut writer = Writer::create(&dir, Options::default())?;
//! let scalars = vec![(Scalar::Loss, 2.3)];
//! writer.append_step(&StepRecord { scalars, stands_for: 1, ..StepRecord::default() })?;
//! writer.append(&Record::End { steps: 1, reason: RunEnd::Completed })?;
//! writer.close()?;
//!
//! let mut reader = Reader::open(&dir)?;
//! assert_eq!(reader.by_ref().count(), 2);
//! assert!(reader.notes().is_empty());
//! # Ok(())
//! # }
//! ```
#![deny(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable))]

mod active;
mod codec;
mod error;
mod folder;
mod keeper;
mod limits;
mod lock;
mod merge;
mod platform;
mod reader;
mod resume;
mod scan;
mod segment;
mod summary;
mod thin;
mod writer;

pub use codec::{
    CodecError, Decoded, MAX_RECORD_BYTES, StepGlance, decode, decode_step_into, encode, encode_step, glance,
};
pub use error::StoreError;
pub use folder::{incident_folder, rank_folders};
pub use merge::merge;
pub use reader::{Reader, is_run};
pub use segment::FORMAT_VERSION;
pub use summary::{RunState, RunSummary, run_state, runs, summarize};
pub use writer::{Appended, Health, Options, Writer};
