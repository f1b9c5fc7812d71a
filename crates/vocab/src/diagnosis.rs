//! The ranked causes of a run.
use crate::{Evidence, Finding, Incident, Remedy};

/// The one-word answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is wrong that the rules can see.
    Healthy,
    /// An error-level finding, or a cause with confidence of at least 0.5.
    Unhealthy,
    /// Something is odd, and nothing reaches 0.5.
    Unsure,
}

impl Verdict {
    /// The name used in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::Unsure => "unsure",
        }
    }
}

/// One possible cause.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    /// Public slug, `learning-rate-too-high`.
    pub slug: String,
    /// Probability that this is a cause, independent of the others: 0..=1.
    pub confidence: f64,
    /// The step at which it first showed.
    pub step: Option<u64>,
    /// Where it first showed.
    pub site: Option<String>,
    /// The operation it acted through.
    pub operation: Option<String>,
    /// One line per term of the sum of log-odds, the heaviest first.
    pub evidence: Vec<Evidence>,
    /// What to do.
    pub remedy: Remedy,
}

/// A rule that could not be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotChecked {
    /// The rule's name.
    pub rule: String,
    /// Why: `needs weight updates`, `too early`, `switched off: it panicked`.
    pub reason: String,
}

/// What Barograph has to say about a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnosis {
    /// Name of the run.
    pub run: String,
    /// The one-word answer.
    pub verdict: Verdict,
    /// Steps that the diagnosis saw.
    pub steps: u64,
    /// The step at which the run broke, if it did.
    pub incident: Option<Incident>,
    /// Causes by falling confidence.
    pub causes: Vec<Cause>,
    /// Findings in order of step and graph.
    pub findings: Vec<Finding>,
    /// Names of the rules that were checked.
    pub checked: Vec<String>,
    /// Rules that were not, and why.
    pub not_checked: Vec<NotChecked>,
    /// Records that were dropped or thinned.
    pub dropped: u64,
    /// One sentence per limitation of the log: truncated, still running, thinned.
    pub notes: Vec<String>,
}
