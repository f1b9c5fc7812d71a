//! Stops when the monitored number no longer gets better.
use super::monitor::Best;
use super::{Action, Callback};
use crate::recipe::Watch;
use barograph_vocab::EpochRecord;

/// Stops when the monitored number has not got better for `patience` epochs (Prechelt, 1998).
///
/// NaN is worse than anything: an epoch with a NaN counts as one without improvement, and never as the best.
#[derive(Clone, Debug)]
pub struct EarlyStopping {
    watch: Watch,
    best: Best,
    patience: u64,
    restore_best: bool,
    start_from_epoch: u64,
    waited: u64,
}

impl EarlyStopping {
    /// Bears `patience` epochs without improvement; at the next it stops and brings the best weights back.
    #[must_use]
    pub const fn new(watch: Watch, patience: u64) -> Self {
        Self { watch, best: Best::new(watch), patience, restore_best: true, start_from_epoch: 0, waited: 0 }
    }

    /// The number must beat this to count as better.
    #[must_use]
    pub const fn baseline(mut self, baseline: Option<f64>) -> Self {
        self.best = Best::with_baseline(self.watch, baseline);
        self
    }

    /// Whether the best weights come back at the end.
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
    fn epoch_end(&mut self, epoch: &EpochRecord) -> Action {
        if u64::from(epoch.epoch) < self.start_from_epoch {
            return Action::Continue;
        }
        if self.best.improves(epoch) {
            self.waited = 0;
            return if self.restore_best { Action::KeepBest } else { Action::Continue };
        }
        self.waited += 1;
        if self.waited <= self.patience {
            return Action::Continue;
        }
        let reason = format!("early stopping: {} has not got better for {} epochs", self.best.name(), self.waited);
        Action::Stop { reason, restore_best: self.restore_best, failed: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callbacks::tests::{epoch, watch};
    use crate::recipe::Monitor;

    /// The epoch after which it stops, for these losses.
    fn stops_after(mut callback: EarlyStopping, losses: &[f64]) -> Option<usize> {
        losses
            .iter()
            .enumerate()
            .position(|(number, &loss)| matches!(callback.epoch_end(&epoch(number as u32, loss)), Action::Stop { .. }))
    }

    #[test]
    fn a_nan_in_the_first_epoch_is_not_the_best_for_ever() {
        let losses = [f64::NAN, 3.0, 2.0, 1.0, 0.5, 0.4];
        assert_eq!(stops_after(EarlyStopping::new(watch(Monitor::Loss), 1), &losses), None);
    }

    #[test]
    fn nan_counts_as_no_improvement() {
        let losses = [1.0, f64::NAN, f64::NAN, f64::NAN];
        assert_eq!(stops_after(EarlyStopping::new(watch(Monitor::Loss), 2), &losses), Some(3));
    }

    #[test]
    fn patience_is_borne_and_starts_again_with_each_improvement() {
        let losses = [1.0, 1.1, 1.1, 0.9, 1.0, 1.0, 1.0];
        assert_eq!(stops_after(EarlyStopping::new(watch(Monitor::Loss), 2), &losses), Some(6));
        assert_eq!(stops_after(EarlyStopping::new(watch(Monitor::Loss), 0), &losses), Some(1));
    }

    #[test]
    fn the_baseline_must_be_beaten() {
        let callback = EarlyStopping::new(watch(Monitor::Loss), 1).baseline(Some(0.5));
        assert_eq!(stops_after(callback, &[0.9, 0.8, 0.7]), Some(1));
    }

    #[test]
    fn it_does_not_look_before_its_first_epoch() {
        let callback = EarlyStopping::new(watch(Monitor::Loss), 0).start_from_epoch(3);
        assert_eq!(stops_after(callback, &[1.0, 2.0, 3.0, 4.0, 5.0]), Some(4));
    }

    #[test]
    fn the_best_weights_are_kept_at_each_improvement() {
        let mut callback = EarlyStopping::new(watch(Monitor::Loss), 5);
        let actions: Vec<Action> = [1.0, 2.0, 0.5].iter().map(|&loss| callback.epoch_end(&epoch(0, loss))).collect();
        assert_eq!(actions, [Action::KeepBest, Action::Continue, Action::KeepBest]);
    }
}
