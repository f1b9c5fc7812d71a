//! What a symptom rule says when it has something to say.
use crate::site::Role;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Severity {
    /// Worth knowing; no harm seen.
    Note = 0,
    /// Costs quality or time.
    Warning = 1,
    /// The training is broken.
    Error = 2,
}

impl Severity {
    /// The name used in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// The severity with this code, as written in a log.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::Note, Self::Warning, Self::Error].get(usize::from(code)).copied()
    }
}

/// One number that supports a finding or a cause, with the limit it crossed.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// What was measured, in words: `update/weight ratio at fc2`.
    pub text: String,
    /// The measured value; may be NaN or infinite.
    pub value: f64,
    /// The limit it is held against.
    pub limit: Option<f64>,
}

impl Evidence {
    /// Evidence that is held against a limit.
    #[must_use]
    pub fn against(text: impl Into<String>, value: f64, limit: f64) -> Self {
        Self { text: text.into(), value, limit: Some(limit) }
    }

    /// Evidence without a limit.
    #[must_use]
    pub fn plain(text: impl Into<String>, value: f64) -> Self {
        Self { text: text.into(), value, limit: None }
    }
}

/// A symptom with its step, site, evidence and limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The rule's stable code, `GRD002`.
    pub code: String,
    /// The rule's name, `gradient-exploding`.
    pub name: String,
    /// How bad it is.
    pub severity: Severity,
    /// The step at which it was found.
    pub step: u64,
    /// The dotted path of the site, or `None` for the whole run.
    pub site: Option<String>,
    /// What the tensor is at the site.
    pub role: Option<Role>,
    /// One sentence with the figures.
    pub message: String,
    /// The figures.
    pub evidence: Vec<Evidence>,
}
