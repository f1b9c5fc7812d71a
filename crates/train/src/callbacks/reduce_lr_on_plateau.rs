//! Lowers the learning rate when the monitored number no longer gets better.
use super::monitor::Best;
use super::{Action, Callback};
use crate::recipe::Watch;
use barograph_vocab::EpochRecord;

/// Multiplies the learning rate by `factor` when the monitored number has not got better for more than `patience` epochs.
///
/// NaN is worse than anything: an epoch with a NaN counts as one without improvement, and never as the best.
#[derive(Clone, Debug)]
pub struct ReduceLrOnPlateau {
    best: Best,
    factor: f64,
    patience: u64,
    cooldown: u64,
    min_lr: f64,
    waited: u64,
    cooling: u64,
}

impl ReduceLrOnPlateau {
    /// Bears `patience` epochs without improvement; at the next it multiplies the rate by `factor`.
    #[must_use]
    pub const fn new(watch: Watch, factor: f64, patience: u64) -> Self {
        Self { best: Best::new(watch), factor, patience, cooldown: 0, min_lr: 0.0, waited: 0, cooling: 0 }
    }

    /// Epochs after a reduction during which it does not count.
    #[must_use]
    pub const fn cooldown(mut self, epochs: u64) -> Self {
        self.cooldown = epochs;
        self
    }

    /// The rate is not lowered below this.
    #[must_use]
    pub const fn min_lr(mut self, rate: f64) -> Self {
        self.min_lr = rate;
        self
    }
}

impl Callback for ReduceLrOnPlateau {
    fn epoch_end(&mut self, epoch: &EpochRecord) -> Action {
        let better = self.best.improves(epoch);
        if self.cooling > 0 {
            self.cooling -= 1;
            self.waited = 0;
        }
        if better {
            self.waited = 0;
            return Action::Continue;
        }
        if self.cooling > 0 {
            return Action::Continue;
        }
        self.waited += 1;
        if self.waited <= self.patience {
            return Action::Continue;
        }
        (self.waited, self.cooling) = (0, self.cooldown);
        Action::ScaleLearningRate { factor: self.factor, floor: self.min_lr }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callbacks::tests::{epoch, watch};
    use crate::recipe::Monitor;

    /// The epochs at which it lowers the rate, for these losses.
    fn lowers_at(mut callback: ReduceLrOnPlateau, losses: &[f64]) -> Vec<usize> {
        let lowers = |(number, &loss): (usize, &f64)| {
            matches!(callback.epoch_end(&epoch(number as u32, loss)), Action::ScaleLearningRate { .. })
                .then_some(number)
        };
        losses.iter().enumerate().filter_map(lowers).collect()
    }

    #[test]
    fn a_nan_in_the_first_epoch_is_not_the_best_for_ever() {
        let losses = [f64::NAN, 3.0, 2.0, 1.0, 0.5, 0.4];
        assert_eq!(lowers_at(ReduceLrOnPlateau::new(watch(Monitor::Loss), 0.1, 1), &losses), [0; 0]);
    }

    #[test]
    fn it_lowers_after_more_than_patience_epochs_again_and_again() {
        let losses = [1.0; 8];
        assert_eq!(lowers_at(ReduceLrOnPlateau::new(watch(Monitor::Loss), 0.1, 2), &losses), [3, 6]);
    }

    #[test]
    fn cooldown_epochs_do_not_count() {
        let losses = [1.0; 10];
        assert_eq!(lowers_at(ReduceLrOnPlateau::new(watch(Monitor::Loss), 0.1, 1).cooldown(2), &losses), [2, 5, 8]);
    }
}
