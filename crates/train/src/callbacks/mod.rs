//! Callbacks, one file each. A callback returns an [`Action`]; the trainer performs it.

mod csv_logger;
mod early_stopping;
mod history;
mod lambda;
mod model_checkpoint;
mod monitor;
mod reduce_lr_on_plateau;
mod terminate_on_nan;

pub use csv_logger::CsvLogger;
pub use early_stopping::EarlyStopping;
pub use history::History;
pub use lambda::Lambda;
pub use model_checkpoint::ModelCheckpoint;
pub use reduce_lr_on_plateau::ReduceLrOnPlateau;
pub use terminate_on_nan::TerminateOnNan;

use crate::recipe::CallbackSpec;
use barograph_vocab::{EpochRecord, Finding, RunEnd};
use std::path::{Path, PathBuf};

/// What a callback wants of the trainer.
///
/// When several callbacks want something at once, every kind of wish is performed, in the order of this list. Of the same kind
/// the strongest counts: the lowest learning rate, the first reason to stop.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Action {
    /// Nothing.
    #[default]
    Continue,
    /// Keep the weights as they are now: they are the best so far.
    KeepBest,
    /// Write the model to a checkpoint, then delete others.
    Checkpoint {
        /// File name in the folder of checkpoints.
        file: String,
        /// File names there to delete.
        remove: Vec<String>,
    },
    /// Multiply the base learning rate from the next step on.
    ScaleLearningRate {
        /// The factor.
        factor: f64,
        /// The rate is not lowered below this.
        floor: f64,
    },
    /// End the training after this step.
    Stop {
        /// Why, for people.
        reason: String,
        /// Whether the best weights (see [`Action::KeepBest`]) come back.
        restore_best: bool,
        /// Whether the run counts as failed.
        failed: bool,
    },
}

impl Action {
    /// Place in the order in which wishes are performed.
    pub(crate) const fn strength(&self) -> u8 {
        match self {
            Self::Continue => 0,
            Self::KeepBest => 1,
            Self::Checkpoint { .. } => 2,
            Self::ScaleLearningRate { .. } => 3,
            Self::Stop { .. } => 4,
        }
    }
}

/// The run that begins.
#[derive(Clone, Copy, Debug)]
pub struct RunInfo<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its folder, if it has one.
    pub folder: Option<&'a Path>,
    /// Planned epochs.
    pub epochs: u64,
    /// Steps of one epoch.
    pub steps_per_epoch: u64,
}

/// A step that was done.
#[derive(Clone, Copy, Debug)]
pub struct StepReport {
    /// The step, from 0.
    pub step: u64,
    /// The epoch, from 0.
    pub epoch: u64,
    /// The loss, penalties included.
    pub loss: f64,
    /// Share of the batch answered right, where there is one.
    pub accuracy: Option<f64>,
    /// The learning rate of the step.
    pub learning_rate: f64,
}

/// Something that looks on and may ask for an [`Action`]. Each method does nothing unless it is written.
pub trait Callback: Send {
    /// Training begins.
    fn train_begin(&mut self, _run: &RunInfo<'_>) -> Action {
        Action::Continue
    }

    /// An epoch begins.
    fn epoch_begin(&mut self, _epoch: u64) -> Action {
        Action::Continue
    }

    /// A step was done.
    fn step_end(&mut self, _step: &StepReport) -> Action {
        Action::Continue
    }

    /// An epoch was done and validated.
    fn epoch_end(&mut self, _epoch: &EpochRecord) -> Action {
        Action::Continue
    }

    /// A rule found something.
    fn finding(&mut self, _finding: &Finding) -> Action {
        Action::Continue
    }

    /// Training is over.
    fn train_end(&mut self, _end: RunEnd) {}

    /// Something that the user should hear of, and that does not stop the run. Asked after each epoch and at the end.
    fn trouble(&mut self) -> Option<String> {
        None
    }
}

/// The callback that a recipe asks for. Files go to `folder`.
#[must_use]
pub fn from_spec(spec: &CallbackSpec, folder: Option<&Path>) -> Box<dyn Callback> {
    match spec.clone() {
        CallbackSpec::EarlyStopping { watch, patience, baseline, restore_best, start_from_epoch } => Box::new(
            EarlyStopping::new(watch, patience)
                .baseline(baseline)
                .restore_best(restore_best)
                .start_from_epoch(start_from_epoch),
        ),
        CallbackSpec::ReduceLrOnPlateau { watch, factor, patience, cooldown, min_lr } => {
            Box::new(ReduceLrOnPlateau::new(watch, factor, patience).cooldown(cooldown).min_lr(min_lr))
        }
        CallbackSpec::ModelCheckpoint { watch, every, best_only, keep_last } => {
            Box::new(ModelCheckpoint::new(watch, keep_last).every(every).best_only(best_only))
        }
        CallbackSpec::CsvLogger { file } => {
            Box::new(CsvLogger::new(folder.map_or_else(PathBuf::new, Path::to_owned).join(file)))
        }
        CallbackSpec::TerminateOnNan => Box::new(TerminateOnNan),
    }
}

#[cfg(test)]
mod tests {
    use crate::recipe::{Monitor, Watch};
    use barograph_vocab::{EpochRecord, Scalar};

    /// An epoch of ten steps with this loss.
    pub(super) fn epoch(number: u32, loss: f64) -> EpochRecord {
        EpochRecord { epoch: number, steps: 10 * (u64::from(number) + 1), scalars: vec![(Scalar::Loss, loss)] }
    }

    pub(super) fn watch(monitor: Monitor) -> Watch {
        Watch { monitor, ..Watch::default() }
    }
}
