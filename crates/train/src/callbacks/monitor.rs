//! What counts as better, with NaN worse than anything.
use crate::recipe::Watch;
use barograph_vocab::EpochRecord;

/// The best value of a monitored number so far.
#[derive(Clone, Debug)]
pub(super) struct Best {
    watch: Watch,
    best: Option<f64>,
}

impl Best {
    pub(super) const fn new(watch: Watch) -> Self {
        Self { watch, best: None }
    }

    /// Starts from a value that must be beaten.
    pub(super) const fn with_baseline(watch: Watch, baseline: Option<f64>) -> Self {
        Self { watch, best: baseline }
    }

    /// Takes in the number of an epoch. Returns whether it is better than all before; a number that is missing or NaN never is.
    pub(super) fn improves(&mut self, epoch: &EpochRecord) -> bool {
        let Some(value) = epoch.scalar(self.watch.monitor.scalar()).filter(|value| !value.is_nan()) else {
            return false;
        };
        let better = self.best.is_none_or(|best| {
            if self.watch.lower_is_better() {
                value < best - self.watch.min_delta
            } else {
                value > best + self.watch.min_delta
            }
        });
        if better {
            self.best = Some(value);
        }
        better
    }

    /// The name of the number.
    pub(super) const fn name(&self) -> &'static str {
        self.watch.monitor.scalar().name()
    }
}
