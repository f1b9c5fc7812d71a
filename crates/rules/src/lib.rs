//! Owns the symptom rules, the cause rules, the remedies, and the streaming detectors they share.
//!
//! It must never read a clock, a file or a random number, and never return a `Result`: rules are deterministic and infallible.
//!
//! [`Judge`] is the one entrance: it is fed the records of a run, live or from a log, and answers with findings and a diagnosis.
//! [`SYMPTOMS`] and [`CAUSES`] are the catalogue. One rule is one file; `symptoms/loss/not_finite.rs` is the shortest to start with,
//! and `trace.rs` explains the small language of the examples in the rules' doc comments, which are also their tests.

mod cause;
mod causes;
mod clues;
mod diagnose;
mod digest;
mod draft;
mod facts;
mod figure;
mod fold;
mod judge;
mod layers;
mod prelude;
mod remedies;
mod rule;
mod runner;
mod signal;
mod streams;
mod symptoms;
#[cfg(test)]
mod trace;
mod view;
mod watch;

pub use cause::{Case, CauseRule, Term, Weighing, Weights};
pub use causes::CAUSES;
pub use diagnose::Trouble;
pub use digest::{Digest, History, SiteDigest};
pub use draft::Draft;
pub use facts::{EvidenceMode, Facts};
pub use judge::Judge;
pub use rule::{Need, Rule, Scope, section};
pub use signal::{Signal, update_ratio};
pub use streams::{Bucket, Curve, Ema, Patience, Streak, Trail};
pub use symptoms::SYMPTOMS;
pub use view::{RunView, StepView};
pub use watch::{Verdict, Watch};
