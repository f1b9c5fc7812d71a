//! Backs a training up, so that it can go on after the process was killed.
use super::{Action, Callback, StepReport};
use crate::recipe::Unit;
use barograph_vocab::{EpochRecord, RunEnd};

/// Writes everything that the training needs to go on, to the bit, as if it had not been interrupted, into the run's folder:
/// `backup.safetensors`. It is replaced whole or not at all, so that a process may be killed at any time.
///
/// [`crate::Trainer::resume`] and `barograph train --resume RUN` go on from it. When the training ends well the backup is deleted; when it
/// is interrupted, killed or failed, it stays.
#[derive(Clone, Copy, Debug)]
pub struct BackupAndRestore {
    every: u64,
    unit: Unit,
    delete: bool,
}

impl BackupAndRestore {
    /// Backs up after each `every` epochs; at least 1.
    #[must_use]
    pub fn every_epochs(every: u64) -> Self {
        Self { every: every.max(1), unit: Unit::Epoch, delete: true }
    }

    /// Backs up after each `every` steps; at least 1.
    #[must_use]
    pub fn every_steps(every: u64) -> Self {
        Self { every: every.max(1), unit: Unit::Step, delete: true }
    }

    /// Whether the backup is deleted when the training ends well. True unless told otherwise.
    #[must_use]
    pub const fn delete(mut self, delete: bool) -> Self {
        self.delete = delete;
        self
    }

    fn at(self, unit: Unit, done: u64) -> Action {
        if self.unit == unit && done.is_multiple_of(self.every) { Action::Backup } else { Action::Continue }
    }
}

impl Callback for BackupAndRestore {
    fn step_end(&mut self, step: &StepReport<'_>) -> Action {
        self.at(Unit::Step, step.step + 1)
    }

    fn epoch_end(&mut self, epoch: &EpochRecord) -> Action {
        self.at(Unit::Epoch, u64::from(epoch.epoch) + 1)
    }

    fn train_end(&mut self, end: RunEnd) -> Action {
        let ended_well = matches!(end, RunEnd::Completed | RunEnd::Stopped);
        if self.delete && ended_well { Action::DeleteBackup } else { Action::Continue }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callbacks::tests::epoch;

    #[test]
    fn it_backs_up_at_multiples_of_steps_or_of_epochs() {
        let steps = |mut callback: BackupAndRestore| {
            let backs_up =
                |step: &u64| callback.step_end(&StepReport { step: *step, ..StepReport::default() }) == Action::Backup;
            (0..9).filter(backs_up).collect::<Vec<_>>()
        };
        assert_eq!(steps(BackupAndRestore::every_steps(3)), [2, 5, 8]);
        assert_eq!(steps(BackupAndRestore::every_epochs(1)), [0; 0]);
        let mut callback = BackupAndRestore::every_epochs(2);
        let epochs = (0..4).filter(|&number| callback.epoch_end(&epoch(number, 1.0)) == Action::Backup);
        assert_eq!(epochs.collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn a_training_that_failed_or_was_interrupted_keeps_its_backup() {
        let mut callback = BackupAndRestore::every_epochs(1);
        let ends = [RunEnd::Completed, RunEnd::Stopped, RunEnd::Failed, RunEnd::Interrupted];
        let deletes = ends.map(|end| callback.train_end(end) == Action::DeleteBackup);
        assert_eq!(deletes, [true, true, false, false]);
        assert_eq!(callback.delete(false).train_end(RunEnd::Completed), Action::Continue);
    }
}
