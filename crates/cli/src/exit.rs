//! What the program answers to the shell.
use barograph_vocab::{Diagnosis, RunEnd, Severity, Verdict};
use clap::ValueEnum;

/// What the program answers: a number that also a host program, such as Python, can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitCode(u8);

impl ExitCode {
    /// All is well.
    pub const SUCCESS: Self = Self(0);

    /// The number that the shell sees.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl From<u8> for ExitCode {
    fn from(number: u8) -> Self {
        Self(number)
    }
}

/// Something was found at or above `--fail-on`.
pub(crate) const FOUND: u8 = 1;

/// Wrong usage, or input that cannot be used.
pub(crate) const WRONG: u8 = 2;

/// Interrupted: 128 + SIGINT, as shells have it.
pub(crate) const INTERRUPTED: u8 = 130;

/// From which severity on the exit code is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// Anything that is worth knowing.
    Note,
    /// What costs quality or time.
    Warning,
    /// What breaks the training: an error, or an unhealthy run.
    Error,
    /// Nothing.
    Never,
}

impl FailOn {
    /// The exit code for a diagnosis.
    pub(crate) fn code(self, diagnosis: &Diagnosis) -> ExitCode {
        let limit = match self {
            Self::Note => Severity::Note,
            Self::Warning => Severity::Warning,
            Self::Error => Severity::Error,
            Self::Never => return ExitCode::SUCCESS,
        };
        if worst(diagnosis).is_some_and(|worst| worst >= limit) { ExitCode::from(FOUND) } else { ExitCode::SUCCESS }
    }

    /// The exit code for a run that ended so.
    pub(crate) fn code_of_run(self, end: RunEnd, diagnosis: &Diagnosis) -> ExitCode {
        if end == RunEnd::Interrupted { ExitCode::from(INTERRUPTED) } else { self.code(diagnosis) }
    }
}

/// The worst thing found. A likely cause makes a run unhealthy even where each finding by itself is a warning.
fn worst(diagnosis: &Diagnosis) -> Option<Severity> {
    let unhealthy = (diagnosis.verdict == Verdict::Unhealthy).then_some(Severity::Error);
    diagnosis.findings.iter().map(|finding| finding.severity).chain(unhealthy).max()
}
