//! Stops when the monitored number no longer gets better.
use super::monitor::Best;
use super::{Action, Callback, RunInfo, memory};
use crate::recipe::Watch;
use barograph_vocab::{EpochRecord, RunEnd};
use serde::{Deserialize, Serialize};

/// Stops when the monitored number has not got better for `patience` epochs (Prechelt, 1998), and brings the best weights back.
///
/// It counts as Keras does. NaN is worse than anything, where Keras takes a NaN of the first epoch for the best for ever: here an
/// epoch with a NaN, or without the number, counts as one without improvement, and never as the best; but epochs that are not validated, because
/// of the recipe's `validation_every`, do not count at all where the number is one of validation.
#[derive(Clone, Debug)]
pub struct EarlyStopping {
    best: Best,
    patience: u64,
    baseline: Option<f64>,
    restore_best: bool,
    start_from_epoch: u64,
    waited: u64,
}

#[derive(Serialize, Deserialize)]
struct Memory {
    best: Option<f64>,
    waited: u64,
}

impl EarlyStopping {
    /// Stops after `patience` epochs in a row without improvement, of 0 and of 1 at the first.
    #[must_use]
    pub const fn new(watch: Watch, patience: u64) -> Self {
        let best = Best::new(watch);
        Self { best, patience, baseline: None, restore_best: true, start_from_epoch: 0, waited: 0 }
    }

    /// The count only starts again at an epoch that also beats this number. Weights are kept at each improvement all the same.
    #[must_use]
    pub const fn baseline(mut self, baseline: Option<f64>) -> Self {
        self.baseline = baseline;
        self
    }

    /// Whether the best weights come back at the end, however the training ends, unless it is interrupted.
    #[must_use]
    pub const fn restore_best(mut self, restore_best: bool) -> Self {
        self.restore_best = restore_best;
        self
    }

    /// Epochs before which it does not look.
    #[must_use]
    pub const fn start_from_epoch(mut self, epoch: u64) -> Self {
        self.start_from_epoch = epoch;
        self
    }
}

impl Callback for EarlyStopping {
    fn train_begin(&mut self, run: &RunInfo<'_>) -> Action {
        self.best.begin(run);
        Action::Continue
    }

    fn epoch_end(&mut self, epoch: &EpochRecord) -> Action {
        if u64::from(epoch.epoch) < self.start_from_epoch || self.best.skips(epoch) {
            return Action::Continue;
        }
        self.waited += 1;
        if self.best.improves(epoch) {
            let number = self.best.value.unwrap_or(f64::NAN);
            if self.baseline.is_none_or(|baseline| self.best.is_better(number, baseline)) {
                self.waited = 0;
            }
            return if self.restore_best { Action::KeepBest } else { Action::Continue };
        }
        // The very first epoch has nothing that it could have improved.
        if self.waited < self.patience || epoch.epoch == 0 {
            return Action::Continue;
        }
        let (name, waited) = (self.best.name(), self.waited);
        let epochs = if waited == 1 { "epoch" } else { "epochs" };
        let reason = format!("early stopping: {name} has not got better for {waited} {epochs}");
        Action::Stop { reason, restore_best: self.restore_best, failed: false }
    }

    fn train_end(&mut self, end: RunEnd) -> Action {
        if self.restore_best && end != RunEnd::Interrupted { Action::RestoreBest } else { Action::Continue }
    }

    fn trouble(&mut self) -> Option<String> {
        self.best.trouble("early_stopping")
    }

    fn state(&self) -> String {
        memory::write(&Memory { best: self.best.value, waited: self.waited })
    }

    fn restore(&mut self, state: &str) -> Result<(), String> {
        Memory { best: self.best.value, waited: self.waited } = memory::read(state)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callbacks::tests::{epoch, watch};
    use crate::recipe::Monitor;

    fn early_stopping(patience: u64) -> EarlyStopping {
        EarlyStopping::new(watch(Monitor::Loss), patience)
    }

    /// The epoch after which it stops, for these losses.
    fn stops_after(mut callback: EarlyStopping, losses: &[f64]) -> Option<usize> {
        losses
            .iter()
            .enumerate()
            .position(|(number, &loss)| matches!(callback.epoch_end(&epoch(number as u32, loss)), Action::Stop { .. }))
    }

    #[test]
    fn a_nan_in_the_first_epoch_is_not_the_best_for_ever() {
        assert_eq!(stops_after(early_stopping(2), &[f64::NAN, 3.0, 2.0, 1.0, 0.5, 0.4]), None);
    }

    #[test]
    fn nan_counts_as_no_improvement() {
        assert_eq!(stops_after(early_stopping(3), &[1.0, f64::NAN, f64::NAN, f64::NAN]), Some(3));
        assert_eq!(stops_after(early_stopping(3), &[f64::NAN; 9]), Some(2));
    }

    #[test]
    fn a_number_that_is_missing_counts_as_no_improvement() {
        let callback = EarlyStopping::new(watch(Monitor::ValidationLoss), 2);
        assert_eq!(stops_after(callback, &[3.0, 2.0, 1.0]), Some(1));
    }

    #[test]
    fn it_stops_after_patience_epochs_without_improvement_in_a_row() {
        assert_eq!(stops_after(early_stopping(2), &[1.0, 1.1, 0.9, 1.0, 1.0, 1.0]), Some(4));
    }

    #[test]
    fn without_patience_it_stops_at_the_first_epoch_that_is_no_better_but_never_at_the_very_first() {
        for patience in [0, 1] {
            assert_eq!(stops_after(early_stopping(patience), &[1.0, 1.0]), Some(1));
            assert_eq!(stops_after(early_stopping(patience), &[f64::NAN, 1.0, 0.9, 0.9]), Some(3));
        }
    }

    #[test]
    fn the_count_goes_on_below_the_baseline_and_the_best_weights_are_kept_all_the_same() {
        let baseline = || early_stopping(2).baseline(Some(0.5));
        assert_eq!(stops_after(baseline(), &[0.9, 0.8, 0.7, 0.7]), Some(3));
        assert_eq!(stops_after(baseline(), &[0.9, 0.4, 0.4, 0.3, 0.3]), None);
        let mut callback = baseline();
        assert_eq!(callback.epoch_end(&epoch(0, 0.9)), Action::KeepBest);
    }

    #[test]
    fn it_does_not_look_before_its_first_epoch() {
        let losses = [1.0, 2.0, 3.0, 4.0, 5.0];
        assert_eq!(stops_after(early_stopping(0).start_from_epoch(3), &losses), Some(4));
        // What came before is not the best either.
        assert_eq!(stops_after(early_stopping(1).start_from_epoch(1), &[0.1, 3.0, 2.0, 1.0]), None);
    }

    #[test]
    fn the_best_weights_are_kept_at_each_improvement_and_come_back_at_the_end() {
        let mut callback = early_stopping(5);
        let actions: Vec<Action> = [1.0, 2.0, 0.5].iter().map(|&loss| callback.epoch_end(&epoch(0, loss))).collect();
        assert_eq!(actions, [Action::KeepBest, Action::Continue, Action::KeepBest]);
        assert_eq!(callback.train_end(RunEnd::Completed), Action::RestoreBest);
        assert_eq!(callback.train_end(RunEnd::Interrupted), Action::Continue);
        assert_eq!(callback.restore_best(false).train_end(RunEnd::Completed), Action::Continue);
    }

    #[test]
    fn what_it_remembers_goes_on_where_it_was() {
        let losses = [1.0, 0.9, 1.0, 1.0, 1.0];
        let mut before = early_stopping(3);
        losses[..3].iter().enumerate().for_each(|(number, &loss)| drop(before.epoch_end(&epoch(number as u32, loss))));
        let mut after = early_stopping(3);
        after.restore(&before.state()).unwrap();
        assert_eq!(after.epoch_end(&epoch(3, 1.0)), Action::Continue);
        assert!(matches!(after.epoch_end(&epoch(4, 1.0)), Action::Stop { .. }));
    }
}
