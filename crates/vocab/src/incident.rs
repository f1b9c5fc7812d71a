//! The step at which a run broke.
use crate::reading::Reading;

/// The part of a step in which an operation ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Phase {
    /// The batch itself was not finite.
    Data = 0,
    /// The forward pass, the loss included.
    Forward = 1,
    /// The backward pass.
    Backward = 2,
    /// The optimizer's update.
    Update = 3,
}

impl Phase {
    /// The name used in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Forward => "forward",
            Self::Backward => "backward",
            Self::Update => "update",
        }
    }

    /// The phase with this code, as written in a log.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::Data, Self::Forward, Self::Backward, Self::Update].get(usize::from(code)).copied()
    }
}

/// What the rows of an incident are counted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum RowsOf {
    /// The data set: the trainer knows which of its rows a batch holds.
    #[default]
    DataSet = 0,
    /// The batch of the failing step: seen from outside, a batch does not say where its rows come from.
    Batch = 1,
}

impl RowsOf {
    /// The name used in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DataSet => "data set",
            Self::Batch => "batch",
        }
    }

    /// What has this code, as written in a log.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::DataSet, Self::Batch].get(usize::from(code)).copied()
    }
}

/// A line of source code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceLine {
    /// The file as the compiler or interpreter names it.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// What stands there, without the white space around it; empty where it is not known.
    pub text: String,
}

/// One input of the operation that broke.
#[derive(Clone, Debug, PartialEq)]
pub struct OperationInput {
    /// What it is: `input 0`, or a name the operation gives it.
    pub name: String,
    /// Its shape, batch first.
    pub shape: Vec<u32>,
    /// Its statistics.
    pub reading: Reading,
}

/// Whether the replay is the step that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exactness {
    /// The replay reproduced the recorded loss bits.
    Exact,
    /// It did not, at this step.
    Inexact {
        /// First step whose loss differs.
        step: u64,
    },
    /// None was needed: the operation was seen when it ran.
    Witnessed,
    /// There was none; the incident is what the readings alone show.
    NotReplayed {
        /// Why not.
        reason: String,
    },
}

/// The step at which a run broke, with its first bad operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Incident {
    /// The failing step.
    pub step: u64,
    /// In which part of it.
    pub phase: Phase,
    /// The operation: `log`, `matmul`, `input`, `adam update`.
    pub operation: String,
    /// The dotted path of the site.
    pub site: String,
    /// The line that called the operation.
    pub source: Option<SourceLine>,
    /// Rows that did it; at most 16, ascending.
    pub rows: Vec<u64>,
    /// What the rows are rows of.
    pub rows_of: RowsOf,
    /// How many rows did it, including those not listed.
    pub row_count: u64,
    /// The operation's inputs; for the backward phase the forward inputs and the incoming gradient.
    pub inputs: Vec<OperationInput>,
    /// Operations of the step with a non-finite result, this one included.
    pub victims: u32,
    /// Whether the replay is the step that was seen.
    pub exactness: Exactness,
}
