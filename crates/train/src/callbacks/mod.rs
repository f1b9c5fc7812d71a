//! Callbacks, one file each. A callback returns an [`Action`]; the trainer performs it.

mod action;
mod adaptive_clip;
mod backup_and_restore;
mod control;
mod csv_logger;
mod early_stopping;
mod event;
mod gradient_accumulation;
mod history;
mod json;
mod jsonl_logger;
mod lambda;
mod learning_rate_scheduler;
mod line_file;
mod memory;
mod model_checkpoint;
mod monitor;
mod prediction_samples;
mod progress_bar;
mod reduce_lr_on_plateau;
mod remote_monitor;
mod rollback_on_spike;
mod skip_non_finite;
mod spike_report;
mod spikes;
mod swa;
mod swap_ema_weights;
mod tensor_board;
mod terminate_on_nan;
mod timer;

pub use action::Action;
pub use adaptive_clip::AdaptiveClip;
pub use backup_and_restore::BackupAndRestore;
pub use control::Control;
pub use csv_logger::CsvLogger;
pub use early_stopping::EarlyStopping;
pub use event::{Readings, RunInfo, SampleRequest, Samples, StepReport, StepStart};
pub use gradient_accumulation::GradientAccumulation;
pub use history::History;
pub use jsonl_logger::JsonlLogger;
pub use lambda::Lambda;
pub use learning_rate_scheduler::LearningRateScheduler;
pub use model_checkpoint::ModelCheckpoint;
pub use prediction_samples::{PredictionSamples, load_samples};
pub use progress_bar::{Bar, BarLook, ProgressBar};
pub use reduce_lr_on_plateau::ReduceLrOnPlateau;
pub use remote_monitor::RemoteMonitor;
pub use rollback_on_spike::RollbackOnSpike;
pub use skip_non_finite::SkipNonFinite;
pub use spike_report::SpikeReport;
pub use swa::Swa;
pub use swap_ema_weights::SwapEmaWeights;
pub use tensor_board::TensorBoard;
pub use terminate_on_nan::TerminateOnNan;
pub use timer::Timer;

pub(crate) use model_checkpoint::FileName;
pub(crate) use prediction_samples::MOST_ROWS;
pub(crate) use remote_monitor::{check_root, header};
pub(crate) use timer::{check_moment, duration};

pub use barograph_stats::{HistogramBucket, SignedHistogram};

use crate::gradient_hook::GradientHook;
use crate::recipe::{CallbackSpec, Unit};
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

    /// The rows that it asked for with [`Callback::wants_samples`], and what the model answers for them. Called after an epoch was
    /// validated, before `validation_end`; where no rows are held out, after the steps of the epoch.
    fn samples(&mut self, _samples: &Samples<'_>) -> Action {
        Action::Continue
    }

    /// An epoch was done and validated.
    fn epoch_end(&mut self, _epoch: &EpochRecord) -> Action {
        Action::Continue
    }

    /// The training waits (see [`Action::Pause`]). Called some twenty times a second.
    fn paused(&mut self) -> Action {
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

    /// A checkpoint was written. Returns the files beside it that may now be deleted. `finite` is whether all its weights are.
    fn checkpoint_saved(&mut self, _file: &str, _finite: bool) -> Vec<String> {
        Vec::new()
    }

    /// What stands between the backward pass and the optimizer on its behalf. Asked once, before training begins; the hook is part of
    /// the training from then on.
    fn gradient_hook(&self) -> Option<Box<dyn GradientHook>> {
        None
    }

    /// How many batches make a step; of all callbacks the largest number counts.
    fn batches_per_step(&self) -> u64 {
        1
    }

    /// The rows whose answers it wants to see after each epoch, see [`Callback::samples`]. Asked once, before training begins.
    fn wants_samples(&self) -> Option<SampleRequest> {
        None
    }

    /// Whether the values of weights, gradients and activations are to be counted at this step, for [`Readings::histograms`].
    fn wants_histograms(&self, _step: u64) -> bool {
        false
    }

    /// Whether it asks for [`Action::RollBack`], so that snapshots must be taken.
    fn wants_snapshots(&self) -> bool {
        false
    }

    /// What it must remember for a resumed training to go on as if it had not been interrupted, as a text of its own form.
    fn state(&self) -> String {
        String::new()
    }

    /// Takes back what [`Callback::state`] gave. Called before `train_begin`.
    ///
    /// # Errors
    /// What is wrong with the text.
    fn restore(&mut self, _state: &str) -> Result<(), String> {
        Ok(())
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
        CallbackSpec::ReduceLrOnPlateau { watch, threshold_mode, factor, patience, cooldown, min_lr } => Box::new(
            ReduceLrOnPlateau::new(watch, factor, patience)
                .threshold_mode(threshold_mode)
                .cooldown(cooldown)
                .min_lr(min_lr),
        ),
        CallbackSpec::ModelCheckpoint { watch, every, unit, best_only, threshold, keep_last, file } => {
            let callback = ModelCheckpoint::new(watch, keep_last).best_only(best_only).threshold(threshold);
            // A name that is wrong was reported with the recipe.
            let named = file.and_then(|file| callback.clone().file(&file).ok());
            let callback = named.unwrap_or(callback);
            Box::new(if unit == Unit::Step { callback.every_steps(every) } else { callback.every(every) })
        }
        CallbackSpec::LearningRateScheduler { epochs, rates } => {
            Box::new(LearningRateScheduler::table(epochs.into_iter().zip(rates).collect()))
        }
        CallbackSpec::GradientAccumulation { batches } => Box::new(GradientAccumulation::new(batches)),
        CallbackSpec::SwapEmaWeights { decay, start_from_epoch, swap_on_epoch } => {
            Box::new(SwapEmaWeights::new(decay).start_from_epoch(start_from_epoch).swap_on_epoch(swap_on_epoch))
        }
        CallbackSpec::Swa { start_from_epoch, learning_rate, lowest_rate, cycle } => Box::new(
            Swa::default()
                .start_from_epoch(start_from_epoch)
                .learning_rate(learning_rate)
                .lowest_rate(lowest_rate)
                .cycle(cycle),
        ),
        CallbackSpec::SkipNonFinite { limit } => Box::new(SkipNonFinite::new(limit)),
        CallbackSpec::AdaptiveClip { method } => Box::new(AdaptiveClip::new(method)),
        CallbackSpec::RollbackOnSpike { threshold, warmup_steps, factor, limit } => {
            Box::new(RollbackOnSpike::new(threshold, warmup_steps).factor(factor).limit(limit))
        }
        CallbackSpec::SpikeReport { threshold, warmup_steps, limit } => {
            Box::new(SpikeReport::new(threshold, warmup_steps).limit(limit))
        }
        CallbackSpec::BackupAndRestore { every, unit, delete } => {
            let callback = match unit {
                Unit::Epoch => BackupAndRestore::every_epochs(every),
                Unit::Step => BackupAndRestore::every_steps(every),
            };
            Box::new(callback.delete(delete))
        }
        CallbackSpec::CsvLogger { file, separator, append } => {
            let separator = separator.bytes().next().unwrap_or(b',');
            Box::new(CsvLogger::new(in_folder(folder, &file)).separator(separator).append(append))
        }
        CallbackSpec::JsonlLogger { file, every, append } => {
            Box::new(JsonlLogger::new(in_folder(folder, &file)).every(every).append(append))
        }
        CallbackSpec::TensorBoard { folder: own, every, histograms_every, graph } => Box::new(
            TensorBoard::new(in_folder(folder, &own)).every(every).histograms_every(histograms_every).graph(graph),
        ),
        CallbackSpec::RemoteMonitor { root, path, field, headers, send_as_json, timeout } => {
            let monitor = RemoteMonitor::new(&root).path(&path).field(field).send_as_json(send_as_json);
            let monitor = monitor.timeout(std::time::Duration::from_secs(timeout));
            let headers = headers.iter().filter_map(|text| header(text));
            Box::new(headers.fold(monitor, |monitor, (name, value)| monitor.header(name, value)))
        }
        CallbackSpec::PredictionSamples { count, rows } => {
            Box::new(if rows.is_empty() { PredictionSamples::drawn(count) } else { PredictionSamples::rows(rows) })
        }
        CallbackSpec::Timer { stop_after, stop_at, unit } => {
            Box::new(Timer::of_texts(stop_after.as_deref(), stop_at.as_deref()).unit(unit))
        }
        CallbackSpec::TerminateOnNan => Box::new(TerminateOnNan),
    }
}

/// A path of a recipe: relative to the run's folder.
fn in_folder(folder: Option<&Path>, path: &Path) -> PathBuf {
    folder.map_or_else(|| path.to_owned(), |folder| folder.join(path))
}

#[cfg(test)]
mod tests {
    use super::{Callback, RunInfo};
    use crate::recipe::{Monitor, Recipe, Watch};
    use barograph_vocab::{EpochRecord, Scalar};
    use std::path::Path;

    /// An epoch of ten steps with this loss.
    pub(super) fn epoch(number: u32, loss: f64) -> EpochRecord {
        EpochRecord {
            epoch: number,
            steps: 10 * (u64::from(number) + 1),
            scalars: vec![(Scalar::Loss, loss)],
            named: Vec::new(),
        }
    }

    /// Tells a callback that a training of so many epochs, of four steps each, begins.
    pub(super) fn begin(callback: &mut dyn Callback, epochs: u64) {
        begin_in(callback, epochs, None);
    }

    /// The same, of a run with this folder.
    pub(super) fn begin_in(callback: &mut dyn Callback, epochs: u64, folder: Option<&Path>) {
        let recipe = Recipe::default();
        let run = RunInfo { name: "run", folder, epochs, steps_per_epoch: 4, recipe: &recipe, inputs: 3 };
        callback.train_begin(&run);
    }

    pub(super) fn watch(monitor: Monitor) -> Watch {
        Watch { monitor, ..Watch::default() }
    }
}
