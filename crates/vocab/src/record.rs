//! What a run log holds.
use crate::{Fact, Finding, Incident, Phase, Reading, Role, Site, SiteId, Trial, UnitReading};

macro_rules! scalars {
    ($($(#[$doc:meta])+ $Scalar:ident = $code:literal, $name:literal;)+) => {
        /// One number of a step or an epoch.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Scalar { $($(#[$doc])+ $Scalar = $code),+ }

        impl Scalar {
            /// Every scalar, in the order of their codes.
            pub const ALL: &'static [Self] = &[$(Self::$Scalar),+];

            /// The name used in logs, reports and traces.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$Scalar => $name),+ }
            }
        }
    };
}

scalars! {
    /// Training loss of the step (penalties included), or its mean over the epoch.
    Loss = 0, "loss";
    /// Learning rate of the step.
    LearningRate = 1, "learning_rate";
    /// Share of the batch (or epoch) answered right.
    Accuracy = 2, "accuracy";
    /// Coefficient of determination.
    R2 = 3, "r2";
    /// Loss on the validation rows.
    ValidationLoss = 4, "validation_loss";
    /// Accuracy on the validation rows.
    ValidationAccuracy = 5, "validation_accuracy";
    /// Coefficient of determination on the validation rows.
    ValidationR2 = 6, "validation_r2";
    /// Global gradient norm before clipping.
    GradientNorm = 7, "gradient_norm";
    /// Rows of the batch.
    BatchRows = 8, "batch_rows";
    /// Mean over the batch of the sum of one output row.
    OutputRowSum = 9, "output_row_sum";
    /// Largest deviation of an output row's sum from 1.
    OutputRowSumError = 10, "output_row_sum_error";
    /// 1 when the step was clipped, else 0.
    Clipped = 11, "clipped";
    /// Loss that a constant answer would have on the batch: the entropy of its classes, or the variance of its targets.
    ChanceLoss = 12, "chance_loss";
    /// Checksum of the bits of all weights as the step found them, below 2^53: only where every rank is to hold the same.
    WeightsChecksum = 13, "weights_checksum";
    /// Seconds of the step that a rank needed by itself, without waiting for the others.
    StepSeconds = 14, "step_seconds";
    /// Factor by which the loss was multiplied before the backward pass, so that small gradients can be told from 0 in half precision.
    LossScale = 15, "loss_scale";
    /// Rows that the loss compared with each row of the batch: 1, unless shapes such as `(N, 1)` and `(N)` were broadcast to `(N, N)`.
    LossRowsCompared = 16, "loss_rows_compared";
}

impl Scalar {
    /// The scalar with this code, as written in a log.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|scalar| *scalar as u8 == code)
    }

    /// The scalar with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|scalar| scalar.name() == name)
    }
}

/// The reading of one tensor at a step.
#[derive(Clone, Debug, PartialEq)]
pub struct SiteReading {
    /// Where.
    pub site: SiteId,
    /// Of what.
    pub role: Role,
    /// The statistics.
    pub reading: Reading,
}

/// Everything observed in one step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepRecord {
    /// Optimizer updates before this one.
    pub step: u64,
    /// Epoch, from 0.
    pub epoch: u32,
    /// Numbers of the step; at most one of a kind.
    pub scalars: Vec<(Scalar, f64)>,
    /// Statistics per tensor, in the order of observation.
    pub readings: Vec<SiteReading>,
    /// Readings per unit, where they were due.
    pub units: Vec<UnitReading>,
    /// How many steps this record stands for: 1, or N where the log was thinned to one record in N.
    pub stands_for: u32,
}

impl StepRecord {
    /// Forgets the step and keeps the memory.
    pub fn clear(&mut self) {
        self.scalars.clear();
        self.readings.clear();
        self.units.clear();
        self.stands_for = 1;
    }

    /// The value of a scalar, if it was observed.
    #[must_use]
    pub fn scalar(&self, scalar: Scalar) -> Option<f64> {
        self.scalars.iter().find(|(kind, _)| *kind == scalar).map(|(_, value)| *value)
    }
}

/// The end of an epoch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EpochRecord {
    /// Epoch, from 0.
    pub epoch: u32,
    /// Steps done when it ended.
    pub steps: u64,
    /// Means over the epoch, and what validation gave.
    pub scalars: Vec<(Scalar, f64)>,
    /// The same of single outputs and of terms of the loss, by name: `species_loss`, `validation_species_accuracy`.
    pub named: Vec<(String, f64)>,
}

impl EpochRecord {
    /// The value of this name, if it was observed.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<f64> {
        self.named.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    /// The value of a scalar, if it was observed.
    #[must_use]
    pub fn scalar(&self, scalar: Scalar) -> Option<f64> {
        self.scalars.iter().find(|(kind, _)| *kind == scalar).map(|(_, value)| *value)
    }
}

/// The input columns over an epoch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeatureSummary {
    /// Columns.
    pub features: u32,
    /// Rows with a non-finite value.
    pub bad_rows: u64,
    /// The first of them (data-set rows), at most 16.
    pub bad_row_examples: Vec<u64>,
    /// Columns with a non-finite value.
    pub bad_columns: u32,
    /// The first of them, at most 16.
    pub bad_column_examples: Vec<u32>,
    /// Columns with one and the same value.
    pub constant: u32,
    /// Mean per column, over finite values; at most the first 256 columns.
    pub means: Vec<f64>,
    /// Standard deviation per column; at most the first 256 columns.
    pub scales: Vec<f64>,
    /// Over all columns that vary: the smallest standard deviation.
    pub scale_min: f64,
    /// Over all columns that vary: the median standard deviation.
    pub scale_median: f64,
    /// Over all columns that vary: the largest standard deviation.
    pub scale_max: f64,
    /// Over all columns: the largest magnitude of a mean.
    pub mean_abs_max: f64,
    /// Largest magnitude seen.
    pub abs_max: f64,
    /// Root mean square over all values.
    pub rms: f64,
}

/// The targets over an epoch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TargetSummary {
    /// Columns.
    pub columns: u32,
    /// Whether they came as integers (class numbers).
    pub integer: bool,
    /// Whether every value is a whole number.
    pub whole: bool,
    /// Distinct values, counted up to 1,024.
    pub distinct: u32,
    /// Rows with a non-finite target.
    pub bad_rows: u64,
    /// The first of them (data-set rows), at most 16.
    pub bad_row_examples: Vec<u64>,
    /// Rows whose class number is negative or not below the number of outputs.
    pub out_of_range: u64,
    /// The first of them (data-set rows), at most 16.
    pub out_of_range_examples: Vec<u64>,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// Mean.
    pub mean: f64,
    /// Standard deviation (all columns together, each about its own mean).
    pub std: f64,
    /// Rows per class for class numbers, at most 1,024 classes; empty for real targets.
    pub class_counts: Vec<u64>,
    /// Share of neighbouring rows, in the order of training, that have the same class.
    pub repeated: f64,
    /// What that share would be in a random order.
    pub repeated_expected: f64,
}

/// Inputs and targets over an epoch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DataReading {
    /// Rows seen.
    pub rows: u64,
    /// The input columns.
    pub features: FeatureSummary,
    /// The targets.
    pub targets: TargetSummary,
    /// How much of the targets' variance (or of the classes' chance error) the nearest neighbour among a sample of the inputs
    /// explains, leave-one-out: 1 is all, 0 none, below 0 worse than a constant. `None` when it was not measured.
    pub neighbour_skill: Option<f64>,
    /// Rows the neighbour test looked at.
    pub neighbour_rows: u32,
}

/// What one rank of a distributed run tells of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RankReading {
    /// Its number, from 0.
    pub rank: u32,
    /// The checksum of its weights as the step found them, where it was due and all ranks are to hold the same.
    pub checksum: Option<u64>,
    /// Seconds that it needed by itself.
    pub seconds: Option<f64>,
    /// The first part of the step whose numbers were not finite, if any: the forward pass (its loss), the backward pass (a
    /// gradient), or the update (a weight).
    pub broke: Option<Phase>,
}

/// The ranks of a distributed run at one step, side by side. Made of the logs of the ranks when they are read together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RanksRecord {
    /// Optimizer updates before this one.
    pub step: u64,
    /// Every rank whose log holds this step, by number.
    pub ranks: Vec<RankReading>,
}

/// The beginning of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunStart {
    /// Name of the run.
    pub name: String,
    /// Seconds since the Unix epoch, for people; no rule reads it.
    pub started: u64,
    /// `barograph 0.1.0`, `torch 2.13`.
    pub framework: String,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RunEnd {
    /// Every planned step was done.
    Completed = 0,
    /// A callback asked for it.
    Stopped = 1,
    /// The user interrupted it.
    Interrupted = 2,
    /// The training returned an error.
    Failed = 3,
}

impl RunEnd {
    /// The end with this code, as written in a log.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::Completed, Self::Stopped, Self::Interrupted, Self::Failed].get(usize::from(code)).copied()
    }
}

/// One record of a run log.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// The run begins.
    Start(RunStart),
    /// A site was seen for the first time, or its order or units became known. Sites are numbered by first appearance.
    Site(Site),
    /// A fact became known.
    Fact(Fact),
    /// A step was done.
    Step(StepRecord),
    /// An epoch was done.
    Epoch(EpochRecord),
    /// The inputs and targets were read over an epoch.
    Data(DataReading),
    /// A step was done, as the ranks of a distributed run tell of it.
    Ranks(RanksRecord),
    /// A rule found something, live. The rules find it again on reading; only where steps were thinned does this stand in for them.
    Finding(Finding),
    /// The run broke.
    Incident(Incident),
    /// A remedy of a cause was tried.
    Trial {
        /// The cause's slug.
        slug: String,
        /// The remedy's text.
        remedy: String,
        /// What it showed.
        trial: Trial,
    },
    /// Observations that were dropped, and why.
    Dropped {
        /// The step.
        step: u64,
        /// How many.
        count: u64,
        /// Why.
        reason: String,
    },
    /// A rule was switched off.
    RuleOff {
        /// Its name.
        rule: String,
        /// Why.
        reason: String,
    },
    /// The run was steered: a callback or a person changed something.
    Note {
        /// The step.
        step: u64,
        /// What happened.
        text: String,
    },
    /// The run ended.
    End {
        /// Steps done.
        steps: u64,
        /// Why.
        reason: RunEnd,
    },
}
