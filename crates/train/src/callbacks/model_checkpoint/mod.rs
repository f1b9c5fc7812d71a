//! Writes the model every so often.
mod file_name;

pub(crate) use file_name::FileName;

use super::jsonl_logger::numbers;
use super::monitor::Best;
use super::{Action, Callback, RunInfo, StepReport, memory};
use crate::recipe::{Monitor, Unit, Watch};
use barograph_vocab::{EpochRecord, Scalar};
use serde::{Deserialize, Serialize};

/// Writes the model as safetensors every so many epochs or steps, or of those only at each improvement, and keeps the last few.
///
/// The last healthy checkpoint is never deleted, nor written over by one that is not healthy: the last whose weights are all finite, written
/// when the losses were finite.
#[derive(Clone, Debug)]
pub struct ModelCheckpoint {
    watch: Watch,
    best: Best,
    every: u64,
    unit: Unit,
    best_only: bool,
    keep_last: u64,
    /// Where it is not the default.
    file: Option<FileName>,
    /// The checkpoint that was asked for last.
    asked: Option<String>,
    /// Whether the losses were finite when the last checkpoint was asked for.
    finite: bool,
    kept: Vec<Kept>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    file: String,
    healthy: bool,
}

#[derive(Serialize, Deserialize)]
struct Memory {
    best: Option<f64>,
    finite: bool,
    kept: Vec<Kept>,
}

impl ModelCheckpoint {
    /// Keeps the last `keep_last` checkpoints (at least one), one an epoch.
    #[must_use]
    pub fn new(watch: Watch, keep_last: u64) -> Self {
        Self {
            best: Best::new(watch.clone()),
            watch,
            every: 1,
            unit: Unit::Epoch,
            best_only: false,
            keep_last: keep_last.max(1),
            file: None,
            asked: None,
            finite: true,
            kept: Vec::new(),
        }
    }

    /// What checkpoints are called: a name with numbers in braces, each with a format of Python or Rust if need be, such as
    /// `{epoch:03}-{validation_loss:.3f}`. There are `epoch` (the first is 1), `step` and every number of the epoch; of steps `loss` and
    /// `accuracy`. A name that comes again is written over. Unless told otherwise, `epoch-{epoch:04}` or `step-{step:06}`.
    ///
    /// # Errors
    /// What is wrong with the name.
    pub fn file(mut self, name: &str) -> Result<Self, String> {
        self.file = Some(FileName::parse(name)?);
        Ok(self)
    }

    /// Epochs between two checkpoints.
    #[must_use]
    pub fn every(mut self, epochs: u64) -> Self {
        self.every = epochs.max(1);
        self
    }

    /// Steps between two checkpoints. Then an improvement is one of the loss, or of the accuracy, of the step's batch.
    #[must_use]
    pub fn every_steps(mut self, steps: u64) -> Self {
        (self.every, self.unit) = (steps.max(1), Unit::Step);
        self
    }

    /// Only when the monitored number is the best so far, which it never is in an epoch without one.
    #[must_use]
    pub const fn best_only(mut self, best_only: bool) -> Self {
        self.best_only = best_only;
        self
    }

    /// A number that the first of the best must beat already: of an earlier training, for instance.
    #[must_use]
    pub const fn threshold(mut self, number: Option<f64>) -> Self {
        self.best.value = number;
        self
    }

    /// What it does when `number` of its units are done.
    fn at(&mut self, number: u64, file: impl FnOnce(&Self) -> String, improves: bool, losses: &[f64]) -> Action {
        if !number.is_multiple_of(self.every) || (self.best_only && !improves) {
            return Action::Continue;
        }
        let file = file(self);
        let finite = losses.iter().all(|loss| loss.is_finite());
        let last_healthy = self.kept.iter().rfind(|kept| kept.healthy);
        if !finite && last_healthy.is_some_and(|kept| kept.file == file) {
            return Action::Continue;
        }
        self.finite = finite;
        self.asked = Some(file.clone());
        Action::Checkpoint { file }
    }

    /// Drops all but the last few from the list, and never the last healthy one. Returns their files.
    fn rotate(&mut self) -> Vec<String> {
        let last_healthy = self.kept.iter().rposition(|kept| kept.healthy);
        let first_kept = self.kept.len().saturating_sub(self.keep_last as usize);
        let (mut number, mut removed) = (0, Vec::new());
        self.kept.retain(|kept| {
            let keep = number >= first_kept || last_healthy == Some(number);
            number += 1;
            if !keep {
                removed.push(kept.file.clone());
            }
            keep
        });
        removed
    }
}

impl Callback for ModelCheckpoint {
    fn train_begin(&mut self, run: &RunInfo<'_>) -> Action {
        self.best.begin(run);
        Action::Continue
    }

    fn step_end(&mut self, step: &StepReport<'_>) -> Action {
        if self.unit != Unit::Step {
            return Action::Continue;
        }
        let number = match self.watch.monitor {
            Monitor::Loss => Some(step.loss),
            Monitor::Accuracy => step.accuracy,
            _ => None,
        };
        let (done, improves) = (step.step + 1, self.best.improves_to(number));
        let value = |name: &str| match name {
            "epoch" => Some(step.epoch as f64 + 1.0),
            "step" => Some(done as f64),
            "loss" => Some(step.loss),
            "accuracy" => step.accuracy,
            _ => None,
        };
        let file = |own: &Self| match &own.file {
            Some(file) => file.with(value),
            None => format!("step-{done:06}.safetensors"),
        };
        self.at(done, file, improves, &[step.loss])
    }

    fn epoch_end(&mut self, epoch: &EpochRecord) -> Action {
        if self.unit != Unit::Epoch {
            return Action::Continue;
        }
        let (done, improves) = (u64::from(epoch.epoch) + 1, !self.best.skips(epoch) && self.best.improves(epoch));
        let losses = [Scalar::Loss, Scalar::ValidationLoss].map(|scalar| epoch.scalar(scalar).unwrap_or(0.0));
        let value = |name: &str| match name {
            "epoch" => Some(done as f64),
            "step" => Some(epoch.steps as f64),
            name => numbers(epoch).find(|(known, _)| *known == name).map(|(_, value)| value),
        };
        let file = |own: &Self| match &own.file {
            Some(file) => file.with(value),
            None => format!("epoch-{done:04}.safetensors"),
        };
        self.at(done, file, improves, &losses)
    }

    fn checkpoint_saved(&mut self, file: &str, finite: bool) -> Vec<String> {
        // Others ask for checkpoints, too.
        if self.asked.as_deref() != Some(file) {
            return Vec::new();
        }
        self.kept.retain(|kept| kept.file != file);
        self.kept.push(Kept { file: file.to_owned(), healthy: finite && self.finite });
        self.rotate()
    }

    fn trouble(&mut self) -> Option<String> {
        self.best.trouble("model_checkpoint")
    }

    fn state(&self) -> String {
        memory::write(&Memory { best: self.best.value, finite: self.finite, kept: self.kept.clone() })
    }

    fn restore(&mut self, state: &str) -> Result<(), String> {
        Memory { best: self.best.value, finite: self.finite, kept: self.kept } = memory::read(state)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callbacks::tests::{epoch, watch};
    use std::collections::BTreeSet;

    /// The files left after these actions, with whether the weights were finite.
    fn left(callback: &mut ModelCheckpoint, files: &mut BTreeSet<String>, action: Action, finite: bool) {
        if let Action::Checkpoint { file } = action {
            files.insert(file.clone());
            for file in callback.checkpoint_saved(&file, finite) {
                assert!(files.remove(&file));
            }
        }
    }

    /// The files left after epochs with these losses and finite weights.
    fn left_of(callback: &mut ModelCheckpoint, losses: &[f64]) -> Vec<String> {
        let mut files = BTreeSet::new();
        for (number, &loss) in losses.iter().enumerate() {
            let action = callback.epoch_end(&epoch(number as u32, loss));
            left(callback, &mut files, action, true);
        }
        files.into_iter().collect()
    }

    fn keeps(number: u64) -> ModelCheckpoint {
        ModelCheckpoint::new(watch(Monitor::Loss), number)
    }

    #[test]
    fn the_last_few_are_kept() {
        let files = left_of(&mut keeps(2), &[4.0, 3.0, 2.0, 1.0]);
        assert_eq!(files, ["epoch-0003.safetensors", "epoch-0004.safetensors"]);
    }

    #[test]
    fn the_last_healthy_one_outlives_a_run_gone_bad() {
        let files = left_of(&mut keeps(2), &[4.0, 3.0, f64::NAN, f64::NAN, f64::NAN, f64::NAN]);
        assert_eq!(files, ["epoch-0002.safetensors", "epoch-0005.safetensors", "epoch-0006.safetensors"]);
    }

    #[test]
    fn weights_that_are_not_finite_are_not_healthy_however_good_the_loss_was() {
        let (mut callback, mut files) = (keeps(1), BTreeSet::new());
        for (number, finite) in [true, true, false, false].into_iter().enumerate() {
            let action = callback.epoch_end(&epoch(number as u32, 1.0));
            left(&mut callback, &mut files, action, finite);
        }
        assert_eq!(files.into_iter().collect::<Vec<_>>(), ["epoch-0002.safetensors", "epoch-0004.safetensors"]);
    }

    #[test]
    fn best_only_writes_at_improvements_and_a_nan_is_none() {
        let files = left_of(&mut keeps(9).best_only(true), &[f64::NAN, 4.0, 5.0, f64::NAN, 3.0]);
        assert_eq!(files, ["epoch-0002.safetensors", "epoch-0005.safetensors"]);
        let files = left_of(&mut keeps(9).best_only(true).threshold(Some(3.5)), &[4.0, 3.0]);
        assert_eq!(files, ["epoch-0002.safetensors"]);
    }

    #[test]
    fn every_writes_at_multiples_of_epochs_or_of_steps() {
        let files = left_of(&mut keeps(9).every(2), &[4.0, 5.0, 1.0, 3.0]);
        assert_eq!(files, ["epoch-0002.safetensors", "epoch-0004.safetensors"]);
        let (mut callback, mut files) = (keeps(2).every_steps(3), BTreeSet::new());
        for step in 0..12 {
            let loss = if step < 6 { 1.0 } else { f64::NAN };
            let action = callback.step_end(&StepReport { step, loss, ..StepReport::default() });
            left(&mut callback, &mut files, action, true);
        }
        assert_eq!(callback.epoch_end(&epoch(0, 1.0)), Action::Continue);
        let files: Vec<String> = files.into_iter().collect();
        assert_eq!(files, ["step-000006.safetensors", "step-000009.safetensors", "step-000012.safetensors"]);
    }

    #[test]
    fn names_hold_numbers_and_the_oldest_go_all_the_same() {
        let named = |name: &str| keeps(2).file(name).unwrap();
        let files = left_of(&mut named("{epoch:02}-{step}-{loss:.1f}"), &[4.0, 3.0, 2.0]);
        assert_eq!(files, ["02-20-3.0.safetensors", "03-30-2.0.safetensors"]);
        let (mut callback, mut files) = (named("e{epoch}-s{step}-{accuracy:.2f}").every_steps(1), BTreeSet::new());
        let step = StepReport { step: 8, epoch: 1, accuracy: Some(0.5), ..StepReport::default() };
        let action = callback.step_end(&step);
        left(&mut callback, &mut files, action, true);
        assert_eq!(files.into_iter().collect::<Vec<_>>(), ["e2-s9-0.50.safetensors"]);
        assert!(keeps(1).file("a/b").is_err());
    }

    #[test]
    fn a_name_that_comes_again_is_written_over_but_not_by_a_run_gone_bad() {
        let mut callback = keeps(1).file("latest").unwrap();
        let saves = [2.0, 1.0, f64::NAN, f64::NAN].map(|loss| {
            let action = callback.epoch_end(&epoch(0, loss));
            let saved = matches!(action, Action::Checkpoint { .. });
            if let Action::Checkpoint { file } = action {
                assert_eq!(callback.checkpoint_saved(&file, true), [""; 0]);
            }
            saved
        });
        assert_eq!(saves, [true, true, false, false]);
    }

    #[test]
    fn what_it_remembers_goes_on_where_it_was() {
        let mut before = keeps(1).best_only(true);
        left_of(&mut before, &[4.0, 3.0]);
        let mut after = keeps(1).best_only(true);
        after.restore(&before.state()).unwrap();
        assert_eq!(after.epoch_end(&epoch(2, 3.5)), Action::Continue);
        assert_eq!(after.epoch_end(&epoch(3, 2.5)), Action::Checkpoint { file: "epoch-0004.safetensors".to_owned() });
        assert_eq!(after.checkpoint_saved("epoch-0004.safetensors", true), ["epoch-0002.safetensors"]);
        assert_eq!(after.checkpoint_saved("interrupted.safetensors", true), [""; 0]);
    }
}
