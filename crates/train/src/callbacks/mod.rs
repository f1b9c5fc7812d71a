//! Callbacks, one file each. A callback returns an [`Action`]; the trainer performs it.

mod action;
mod csv_logger;
mod early_stopping;
mod event;
mod history;
mod lambda;
mod model_checkpoint;
mod monitor;
mod reduce_lr_on_plateau;
mod terminate_on_nan;

pub use action::Action;
pub use csv_logger::CsvLogger;
pub use early_stopping::EarlyStopping;
pub use event::{Readings, RunInfo, StepReport, StepStart};
pub use history::History;
pub use lambda::Lambda;
pub use model_checkpoint::ModelCheckpoint;
pub use reduce_lr_on_plateau::ReduceLrOnPlateau;
pub use terminate_on_nan::TerminateOnNan;

use crate::recipe::CallbackSpec;
use barograph_vocab::{EpochRecord, Finding, RunEnd, Scalar};
use std::path::{Path, PathBuf};

/// Something that looks on and may ask for an [`Action`]. Each method does nothing unless it is written.
///
/// They are called in this order: `train_begin`; for each epoch `epoch_begin`, for each of its steps `step_begin`, `step_end` and
/// `finding`, then `validation_begin` and `validation_end` if rows are held out, and `epoch_end`; at last `train_end`.
pub trait Callback: Send {
    /// Training begins.
    fn train_begin(&mut self, _run: &RunInfo<'_>) -> Action {
        Action::Continue
    }

    /// An epoch begins, counted from 0.
    fn epoch_begin(&mut self, _epoch: u64) -> Action {
        Action::Continue
    }

    /// A step begins. It has one batch, or several where gradients are accumulated.
    fn step_begin(&mut self, _step: &StepStart) -> Action {
        Action::Continue
    }

    /// A step was done.
    fn step_end(&mut self, _step: &StepReport<'_>) -> Action {
        Action::Continue
    }

    /// All steps of an epoch were done, and the rows that are held out come next.
    fn validation_begin(&mut self, _epoch: u64) -> Action {
        Action::Continue
    }

    /// The rows that are held out gave these numbers.
    fn validation_end(&mut self, _epoch: u64, _scalars: &[(Scalar, f64)]) -> Action {
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

    /// Training is over. What is asked for is done before the model is handed out; it is too late to stop.
    fn train_end(&mut self, _end: RunEnd) -> Action {
        Action::Continue
    }

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
        EpochRecord {
            epoch: number,
            steps: 10 * (u64::from(number) + 1),
            scalars: vec![(Scalar::Loss, loss)],
            named: Vec::new(),
        }
    }

    pub(super) fn watch(monitor: Monitor) -> Watch {
        Watch { monitor, ..Watch::default() }
    }
}
