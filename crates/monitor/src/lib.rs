//! Owns one observed run: [`Session`] decides what to measure, takes readings, has them judged and writes them down.
//!
//! It must never panic into the trainer, never block it without bound, and never change what it observes.

mod answers;
mod cadence;
mod data;
mod diagnose;
mod first_epoch;
mod log;
mod ranks;
mod session;

pub use answers::{Answers, read_answers, right_classes, row_sums};
pub use barograph_rules::{EvidenceMode, Judge};
pub use barograph_store::StoreError;
pub use cadence::Cadence;
pub use data::TargetRows;
pub use diagnose::{DiagnoseError, diagnose};
pub use first_epoch::FirstEpoch;
pub use log::{LogState, is_running};
pub use session::{Options, Session, StepOutcome, reading_options};
