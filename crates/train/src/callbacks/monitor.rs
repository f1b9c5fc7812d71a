//! What counts as better, with NaN worse than anything.
use super::RunInfo;
use super::jsonl_logger::numbers;
use crate::recipe::{Monitor, ThresholdMode, Watch};
use barograph_vocab::{EpochRecord, Scalar};

/// The best value of a monitored number so far.
#[derive(Clone, Debug)]
pub(super) struct Best {
    watch: Watch,
    mode: ThresholdMode,
    /// The best so far.
    pub(super) value: Option<f64>,
    /// Whether some epochs have no numbers of the rows that are held out, because the recipe does not ask for them.
    sparse: bool,
    /// What there was instead, at the first epoch without the number; and whether it was said.
    missing: Option<String>,
    told: bool,
}

impl Best {
    pub(super) const fn new(watch: Watch) -> Self {
        Self { watch, mode: ThresholdMode::Absolute, value: None, sparse: false, missing: None, told: false }
    }

    /// Whether `min_delta` is a share of the best value.
    pub(super) fn threshold_mode(mut self, mode: ThresholdMode) -> Self {
        self.mode = mode;
        self
    }

    /// Hears of the run that begins.
    pub(super) fn begin(&mut self, run: &RunInfo<'_>) {
        self.sparse = run.recipe.validation_every > 1;
    }

    /// Whether an epoch has no such number because the rows that are held out were not to be measured after it: it does not count then.
    pub(super) fn skips(&self, epoch: &EpochRecord) -> bool {
        self.sparse && self.watch.monitor.needs_validation() && epoch.scalar(Scalar::ValidationLoss).is_none()
    }

    /// Takes in the number of an epoch. Returns whether it is better than all before; a number that is missing or NaN never is.
    pub(super) fn improves(&mut self, epoch: &EpochRecord) -> bool {
        let number = self.number(epoch);
        if number.is_none() && self.missing.is_none() {
            self.missing = Some(numbers(epoch).map(|(name, _)| name).collect::<Vec<_>>().join(", "));
        }
        self.improves_to(number)
    }

    /// The same for a number of one's own.
    pub(super) fn improves_to(&mut self, number: Option<f64>) -> bool {
        let Some(number) = number.filter(|number| !number.is_nan()) else { return false };
        let better = self.value.is_none_or(|best| self.is_better(number, best));
        if better {
            self.value = Some(number);
        }
        better
    }

    /// Whether a number is better than another one, by more than `min_delta`.
    pub(super) fn is_better(&self, number: f64, than: f64) -> bool {
        let delta = match self.mode {
            ThresholdMode::Absolute => self.watch.min_delta,
            ThresholdMode::Relative => self.watch.min_delta * than.abs(),
        };
        if self.watch.lower_is_better() { number < than - delta } else { number > than + delta }
    }

    /// The monitored number of an epoch.
    pub(super) fn number(&self, epoch: &EpochRecord) -> Option<f64> {
        match &self.watch.monitor {
            Monitor::Named(name) => epoch.named(name),
            known => epoch.scalar(known.scalar()?),
        }
    }

    /// The name of the number.
    pub(super) fn name(&self) -> &str {
        self.watch.monitor.name()
    }

    /// Once, that there is no such number.
    pub(super) fn trouble(&mut self, callback: &str) -> Option<String> {
        let there = self.missing.as_ref().filter(|_| !self.told)?;
        let text = format!(
            "{callback} watches {:?}, and an epoch has no such number; it has {there}",
            self.watch.monitor.name()
        );
        self.told = true;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::Best;
    use crate::recipe::{Mode, Monitor, ThresholdMode, Watch};

    /// Which of these numbers are improvements.
    fn improvements(watch: &Watch, mode: ThresholdMode, numbers: &[f64]) -> Vec<bool> {
        let mut best = Best::new(watch.clone()).threshold_mode(mode);
        numbers.iter().map(|&number| best.improves_to(Some(number))).collect()
    }

    #[test]
    fn nan_is_worse_than_anything_and_infinity_can_be_beaten() {
        let watch = Watch { monitor: Monitor::Loss, ..Watch::default() };
        let numbers = [f64::NAN, f64::INFINITY, f64::NAN, 5.0, f64::NAN, 5.0, 4.0];
        let better = [false, true, false, true, false, false, true];
        assert_eq!(improvements(&watch, ThresholdMode::Absolute, &numbers), better);
        assert!(!Best::new(watch).improves_to(None));
    }

    #[test]
    fn a_change_must_exceed_min_delta() {
        let watch = Watch { monitor: Monitor::Loss, min_delta: 0.5, ..Watch::default() };
        assert_eq!(improvements(&watch, ThresholdMode::Absolute, &[4.0, 3.5, 3.4, 3.0]), [true, false, true, false]);
        // Half of 4 must go first, then half of 1.9.
        assert_eq!(
            improvements(&watch, ThresholdMode::Relative, &[4.0, 2.0, 1.9, 1.0, 0.9]),
            [true, false, true, false, true]
        );
    }

    #[test]
    fn a_share_of_a_negative_best_is_a_step_in_the_right_direction_too() {
        let watch = Watch { monitor: Monitor::Loss, min_delta: 0.1, ..Watch::default() };
        assert_eq!(improvements(&watch, ThresholdMode::Relative, &[-10.0, -10.5, -11.5]), [true, false, true]);
    }

    #[test]
    fn the_direction_is_that_of_the_number_unless_it_is_said() {
        let up = Watch { monitor: Monitor::Accuracy, ..Watch::default() };
        assert_eq!(improvements(&up, ThresholdMode::Absolute, &[0.5, 0.6, 0.4]), [true, true, false]);
        let down = Watch { mode: Mode::Min, ..up.clone() };
        assert_eq!(improvements(&down, ThresholdMode::Absolute, &[0.5, 0.6, 0.4]), [true, false, true]);
    }
}
