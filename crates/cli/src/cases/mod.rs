//! Trains stripped cases: small trainings, many of them broken on purpose, whose diagnosis is scored from outside.
//!
//! A case says which programming error is planted in it. The runner executes the error, as the author of a broken script would, and
//! keeps quiet about it: it never becomes a fact. A hand-written loss is `custom` to the diagnosis.

mod losses;
mod planted;
mod run;
mod spec;

pub use run::{CaseOptions, CaseResult, run_case};
pub use spec::{Case, read_cases};
