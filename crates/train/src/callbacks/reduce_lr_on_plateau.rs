//! Lowers the learning rate when the monitored number no longer gets better.
use super::monitor::Best;
use super::{Action, Callback, RunInfo, memory};
use crate::recipe::{ThresholdMode, Watch};
use barograph_vocab::EpochRecord;
use serde::{Deserialize, Serialize};

/// Multiplies the learning rate by `factor` when the monitored number has not got better for `patience` epochs.
///
/// It counts as Keras does. NaN is worse than anything, where Keras takes a NaN of the first epoch for the best for ever: here an
/// epoch with a NaN, or without the number, counts as one without improvement, and never as the best; but epochs that are not validated, because
/// of the recipe's `validation_every`, do not count at all where the number is one of validation.
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

#[derive(Serialize, Deserialize)]
struct Memory {
    best: Option<f64>,
    waited: u64,
    cooling: u64,
}

impl ReduceLrOnPlateau {
    /// Multiplies the rate by `factor` after `patience` epochs in a row without improvement, of 0 and of 1 at the first.
    #[must_use]
    pub const fn new(watch: Watch, factor: f64, patience: u64) -> Self {
        Self { best: Best::new(watch), factor, patience, cooldown: 0, min_lr: 0.0, waited: 0, cooling: 0 }
    }

    /// Whether the least improvement, `min_delta`, is a share of the best number. Absolute unless told otherwise.
    #[must_use]
    pub fn threshold_mode(mut self, mode: ThresholdMode) -> Self {
        self.best = self.best.threshold_mode(mode);
        self
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
    fn train_begin(&mut self, run: &RunInfo<'_>) -> Action {
        self.best.begin(run);
        Action::Continue
    }

    fn epoch_end(&mut self, epoch: &EpochRecord) -> Action {
        if self.best.skips(epoch) {
            return Action::Continue;
        }
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
        if self.waited < self.patience {
            return Action::Continue;
        }
        (self.waited, self.cooling) = (0, self.cooldown);
        Action::ScaleLearningRate { factor: self.factor, floor: self.min_lr }
    }

    fn trouble(&mut self) -> Option<String> {
        self.best.trouble("reduce_lr_on_plateau")
    }

    fn state(&self) -> String {
        memory::write(&Memory { best: self.best.value, waited: self.waited, cooling: self.cooling })
    }

    fn restore(&mut self, state: &str) -> Result<(), String> {
        Memory { best: self.best.value, waited: self.waited, cooling: self.cooling } = memory::read(state)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callbacks::tests::{epoch, watch};
    use crate::recipe::Monitor;

    fn plateau(patience: u64) -> ReduceLrOnPlateau {
        ReduceLrOnPlateau::new(watch(Monitor::Loss), 0.1, patience)
    }

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
        assert_eq!(lowers_at(plateau(2), &losses), [0; 0]);
    }

    #[test]
    fn nan_counts_as_no_improvement() {
        assert_eq!(lowers_at(plateau(2), &[1.0, f64::NAN, f64::NAN, 0.5, f64::NAN, f64::NAN]), [2, 5]);
    }

    #[test]
    fn it_lowers_after_patience_epochs_without_improvement_again_and_again() {
        assert_eq!(lowers_at(plateau(2), &[1.0; 8]), [2, 4, 6]);
        assert_eq!(lowers_at(plateau(0), &[1.0; 4]), [1, 2, 3]);
    }

    #[test]
    fn cooldown_epochs_do_not_count() {
        // As in Keras the last epoch of the cooldown already counts.
        assert_eq!(lowers_at(plateau(2).cooldown(3), &[1.0; 13]), [2, 6, 10]);
    }

    #[test]
    fn an_improvement_must_exceed_min_delta_absolute_or_relative() {
        let watch = Watch { min_delta: 0.1, ..watch(Monitor::Loss) };
        let callback = || ReduceLrOnPlateau::new(watch.clone(), 0.1, 2);
        let losses = [100.0, 99.0, 98.0, 97.0];
        assert_eq!(lowers_at(callback(), &losses), [0; 0]);
        assert_eq!(lowers_at(callback().threshold_mode(ThresholdMode::Relative), &losses), [2]);
    }

    #[test]
    fn it_asks_for_its_factor_and_its_floor() {
        let mut callback = plateau(1).min_lr(1e-5);
        callback.epoch_end(&epoch(0, 1.0));
        let action = callback.epoch_end(&epoch(1, 1.0));
        assert_eq!(action, Action::ScaleLearningRate { factor: 0.1, floor: 1e-5 });
    }

    #[test]
    fn what_it_remembers_goes_on_where_it_was() {
        let mut before = plateau(3).cooldown(2);
        (0..6).for_each(|number| drop(before.epoch_end(&epoch(number, 1.0))));
        let mut after = plateau(3).cooldown(2);
        after.restore(&before.state()).unwrap();
        let next =
            |callback: &mut ReduceLrOnPlateau| (6..20).map(|n| callback.epoch_end(&epoch(n, 1.0))).collect::<Vec<_>>();
        assert_eq!(next(&mut after), next(&mut before));
    }
}
