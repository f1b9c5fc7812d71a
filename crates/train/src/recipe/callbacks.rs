//! What happens at the end of an epoch besides training.
use super::visit::{Counts, Kind, Limits, Section, Visitor, words};
use barograph_vocab::Scalar;
use std::path::PathBuf;

words! {
    /// The number of an epoch that a callback looks at. NaN is worse than anything.
    Monitor, "monitor", {
        /// Loss on the validation rows.
        ValidationLoss = "validation_loss",
        /// Training loss.
        Loss = "loss",
        /// Share of the validation rows answered right.
        ValidationAccuracy = "validation_accuracy",
        /// Share of the training rows answered right.
        Accuracy = "accuracy",
        /// Coefficient of determination on the validation rows.
        ValidationR2 = "validation_r2",
        /// Coefficient of determination on the training rows.
        R2 = "r2",
    }
}

impl Monitor {
    /// The scalar of an epoch's record that it reads.
    #[must_use]
    pub const fn scalar(self) -> Scalar {
        match self {
            Self::ValidationLoss => Scalar::ValidationLoss,
            Self::Loss => Scalar::Loss,
            Self::ValidationAccuracy => Scalar::ValidationAccuracy,
            Self::Accuracy => Scalar::Accuracy,
            Self::ValidationR2 => Scalar::ValidationR2,
            Self::R2 => Scalar::R2,
        }
    }

    /// Whether it needs rows held out for validation.
    #[must_use]
    pub const fn needs_validation(self) -> bool {
        matches!(self, Self::ValidationLoss | Self::ValidationAccuracy | Self::ValidationR2)
    }

    /// The direction that is better for it.
    #[must_use]
    pub const fn better(self) -> Mode {
        match self {
            Self::ValidationLoss | Self::Loss => Mode::Min,
            _ => Mode::Max,
        }
    }
}

words! {
    /// Which direction of the monitored number is better.
    Mode, "mode", {
        /// As fits the monitored number: losses down, scores up.
        Auto = "auto",
        /// Down.
        Min = "min",
        /// Up.
        Max = "max",
    }
}

/// Which number a callback looks at, and what counts as better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Watch {
    /// `monitor`: the number. Default `validation_loss`.
    pub monitor: Monitor,
    /// `mode`: which direction is better. Default `auto`.
    pub mode: Mode,
    /// `min_delta`: a change by less than this does not count. Default 0.
    pub min_delta: f64,
}

impl Default for Watch {
    fn default() -> Self {
        Self { monitor: Monitor::ValidationLoss, mode: Mode::Auto, min_delta: 0.0 }
    }
}

impl Watch {
    /// Whether lower is better.
    #[must_use]
    pub fn lower_is_better(&self) -> bool {
        match self.mode {
            Mode::Auto => self.monitor.better() == Mode::Min,
            mode => mode == Mode::Min,
        }
    }

    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        visitor.word("monitor", &mut self.monitor);
        visitor.word("mode", &mut self.mode);
        visitor.number("min_delta", &mut self.min_delta, Limits::NOT_NEGATIVE);
    }
}

/// `[[callbacks]]`: one callback with the keys of its kind. Callbacks run in the order of the recipe.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum CallbackSpec {
    /// `early_stopping`: stops when the monitored number no longer gets better.
    EarlyStopping {
        /// `monitor`, `mode`, `min_delta`.
        watch: Watch,
        /// `patience`: epochs without improvement that are borne. Default 5.
        patience: u64,
        /// `baseline`: the number must beat this to count as better.
        baseline: Option<f64>,
        /// `restore_best`: put the weights of the best epoch back at the end. Default true.
        restore_best: bool,
        /// `start_from_epoch`: epochs before which it does not look. Default 0.
        start_from_epoch: u64,
    },
    /// `reduce_lr_on_plateau`: lowers the learning rate when the monitored number no longer gets better.
    ReduceLrOnPlateau {
        /// `monitor`, `mode`, `min_delta`.
        watch: Watch,
        /// `factor`: of the learning rate each time. Default 0.1; above 0 and below 1.
        factor: f64,
        /// `patience`: epochs without improvement that are borne. Default 5.
        patience: u64,
        /// `cooldown`: epochs after a reduction during which it does not count. Default 0.
        cooldown: u64,
        /// `min_lr`: the rate is not lowered below this. Default 0.
        min_lr: f64,
    },
    /// `model_checkpoint`: writes the weights as safetensors into the run's folder. The last healthy one is never deleted.
    ModelCheckpoint {
        /// `monitor`, `mode`, `min_delta`.
        watch: Watch,
        /// `every`: epochs between two checkpoints. Default 1.
        every: u64,
        /// `best_only`: only when the monitored number is the best so far. Default false.
        best_only: bool,
        /// `keep_last`: older checkpoints are deleted. Default 3.
        keep_last: u64,
    },
    /// `csv_logger`: writes one line of numbers per epoch.
    CsvLogger {
        /// `file`: relative to the run's folder. Default `epochs.csv`.
        file: PathBuf,
    },
    /// `terminate_on_nan`: stops at the first loss that is not finite. The run ends as failed, and keeps its checkpoints.
    #[default]
    TerminateOnNan,
}

impl CallbackSpec {
    /// The word that a recipe uses.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.kind()
    }

    /// What it looks at, for the kinds that look at a number.
    #[must_use]
    pub const fn watch(&self) -> Option<&Watch> {
        match self {
            Self::EarlyStopping { watch, .. }
            | Self::ReduceLrOnPlateau { watch, .. }
            | Self::ModelCheckpoint { watch, .. } => Some(watch),
            Self::CsvLogger { .. } | Self::TerminateOnNan => None,
        }
    }
}

impl Kind for CallbackSpec {
    const WHAT: &'static str = "callback";

    fn all() -> Vec<Self> {
        let watch = Watch::default();
        vec![
            Self::EarlyStopping { watch, patience: 5, baseline: None, restore_best: true, start_from_epoch: 0 },
            Self::ReduceLrOnPlateau { watch, factor: 0.1, patience: 5, cooldown: 0, min_lr: 0.0 },
            Self::ModelCheckpoint { watch, every: 1, best_only: false, keep_last: 3 },
            Self::CsvLogger { file: PathBuf::from("epochs.csv") },
            Self::TerminateOnNan,
        ]
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::EarlyStopping { .. } => "early_stopping",
            Self::ReduceLrOnPlateau { .. } => "reduce_lr_on_plateau",
            Self::ModelCheckpoint { .. } => "model_checkpoint",
            Self::CsvLogger { .. } => "csv_logger",
            Self::TerminateOnNan => "terminate_on_nan",
        }
    }

    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        match self {
            Self::EarlyStopping { watch, patience, baseline, restore_best, start_from_epoch } => {
                watch.visit(visitor);
                visitor.count("patience", patience, Counts::from(0), false);
                visitor.number_or_none("baseline", baseline, Limits::ANY);
                visitor.flag("restore_best", restore_best);
                visitor.count("start_from_epoch", start_from_epoch, Counts::from(0), false);
            }
            Self::ReduceLrOnPlateau { watch, factor, patience, cooldown, min_lr } => {
                watch.visit(visitor);
                visitor.number("factor", factor, Limits::SHRINKING);
                visitor.count("patience", patience, Counts::from(0), false);
                visitor.count("cooldown", cooldown, Counts::from(0), false);
                visitor.number("min_lr", min_lr, Limits::NOT_NEGATIVE);
            }
            Self::ModelCheckpoint { watch, every, best_only, keep_last } => {
                watch.visit(visitor);
                visitor.count("every", every, Counts::from(1), false);
                visitor.flag("best_only", best_only);
                visitor.count("keep_last", keep_last, Counts::from(1), false);
            }
            Self::CsvLogger { file } => {
                let mut text = file.to_string_lossy().into_owned();
                visitor.text("file", &mut text);
                *file = PathBuf::from(text);
            }
            Self::TerminateOnNan => {}
        }
    }
}

impl Section for CallbackSpec {
    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        visitor.kind(self, true);
    }
}
