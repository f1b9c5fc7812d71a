//! Stochastic weight averaging.
use super::{Action, Callback, RunInfo, StepStart, memory};
use barograph_vocab::{EpochRecord, RunEnd};
use serde::{Deserialize, Serialize};

/// The name of the average.
const SWA: &str = "swa";

/// When averaging begins where nobody says: Izmailov et al. train as usual for 75 % of the epochs.
const USUAL_SHARE: f64 = 0.75;

/// Averages the weights that the training passes through near its end, which lie around a flatter and often better minimum (Izmailov,
/// Podoprikhin, Garipov, Vetrov and Wilson, "Averaging weights leads to wider optima and better generalization", UAI 2018).
///
/// From its first epoch on the learning rate is constant, or falls along a line in each cycle, and the weights at the end of each cycle
/// are averaged with equal shares. At the end the model gets the average, and the running statistics of its batch norms are measured
/// anew, in one pass over the training rows. Weights that are not finite are left out.
#[derive(Clone, Debug)]
pub struct Swa {
    start_from_epoch: Option<u64>,
    learning_rate: Option<f64>,
    lowest_rate: Option<f64>,
    cycle: u64,
    steps_per_epoch: u64,
    first: u64,
    memory: Memory,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Memory {
    /// Weights in the average.
    models: u64,
}

impl Default for Swa {
    fn default() -> Self {
        Self {
            start_from_epoch: None,
            learning_rate: None,
            lowest_rate: None,
            cycle: 1,
            steps_per_epoch: 1,
            first: 0,
            memory: Memory::default(),
        }
    }
}

impl Swa {
    /// The first epoch of averaging. Unless told otherwise, three quarters of the planned epochs.
    #[must_use]
    pub const fn start_from_epoch(mut self, epoch: Option<u64>) -> Self {
        self.start_from_epoch = epoch;
        self
    }

    /// The learning rate from then on; `None` leaves it to the recipe.
    #[must_use]
    pub const fn learning_rate(mut self, rate: Option<f64>) -> Self {
        self.learning_rate = rate;
        self
    }

    /// The rate to which it falls along a line in each cycle; `None` for a constant rate.
    #[must_use]
    pub const fn lowest_rate(mut self, rate: Option<f64>) -> Self {
        self.lowest_rate = rate;
        self
    }

    /// Epochs of a cycle, at the end of which the weights are averaged; at least 1.
    #[must_use]
    pub fn cycle(mut self, epochs: u64) -> Self {
        self.cycle = epochs.max(1);
        self
    }

    /// The rate at a step, counted from the first of averaging.
    fn rate(&self, step: u64) -> Option<f64> {
        let high = self.learning_rate?;
        let Some(low) = self.lowest_rate else { return Some(high) };
        let length = self.cycle * self.steps_per_epoch;
        let share = (step % length + 1) as f64 / length as f64;
        Some((1.0 - share) * high + share * low)
    }
}

impl Callback for Swa {
    fn train_begin(&mut self, run: &RunInfo<'_>) -> Action {
        self.steps_per_epoch = run.steps_per_epoch;
        let usual = (run.epochs as f64 * USUAL_SHARE).floor() as u64;
        self.first = self.start_from_epoch.unwrap_or_else(|| usual.min(run.epochs.saturating_sub(1)));
        Action::Continue
    }

    fn step_begin(&mut self, step: &StepStart) -> Action {
        match step.step.checked_sub(self.first * self.steps_per_epoch).and_then(|step| self.rate(step)) {
            Some(rate) => Action::SetLearningRate(rate),
            None => Action::Continue,
        }
    }

    fn epoch_end(&mut self, epoch: &EpochRecord) -> Action {
        let epoch = u64::from(epoch.epoch);
        if epoch < self.first || !(epoch - self.first + 1).is_multiple_of(self.cycle) {
            return Action::Continue;
        }
        self.memory.models += 1;
        Action::Average { name: SWA.to_owned(), share: 1.0 / self.memory.models as f64 }
    }

    fn train_end(&mut self, end: RunEnd) -> Action {
        let models = self.memory.models;
        if models == 0 || matches!(end, RunEnd::Interrupted | RunEnd::Failed) {
            return Action::Continue;
        }
        Action::All(vec![
            Action::SwapAverage { name: SWA.to_owned() },
            Action::MeasureNormalization,
            Action::Note(format!("stochastic weight averaging: the model is the average of {models} weights")),
        ])
    }

    fn state(&self) -> String {
        memory::write(&self.memory)
    }

    fn restore(&mut self, state: &str) -> Result<(), String> {
        self.memory = memory::read(state)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callbacks::tests::{begin, epoch};

    fn begun(mut swa: Swa, epochs: u64) -> Swa {
        begin(&mut swa, epochs);
        swa
    }

    fn average(share: f64) -> Action {
        Action::Average { name: "swa".to_owned(), share }
    }

    #[test]
    fn every_weight_has_the_same_share_of_the_average() {
        let mut swa = begun(Swa::default(), 8);
        let actions: Vec<Action> = (0..8).map(|number| swa.epoch_end(&epoch(number, 1.0))).collect();
        assert_eq!(actions[..6], vec![Action::Continue; 6]);
        assert_eq!(actions[6..], [average(1.0), average(0.5)]);
    }

    #[test]
    fn weights_are_taken_at_the_end_of_each_cycle() {
        let mut swa = begun(Swa::default().start_from_epoch(Some(1)).cycle(2), 6);
        let taken = (0..6).filter(|&number| swa.epoch_end(&epoch(number, 1.0)) != Action::Continue);
        assert_eq!(taken.collect::<Vec<_>>(), [2, 4]);
    }

    #[test]
    fn the_rate_falls_along_a_line_in_each_cycle() {
        let swa = Swa::default().start_from_epoch(Some(1)).learning_rate(Some(1.0)).cycle(2);
        let rates = |swa: Swa| {
            let mut swa = begun(swa, 6);
            let rate = |step| match swa.step_begin(&StepStart { step, epoch: step / 4, learning_rate: 9.0 }) {
                Action::SetLearningRate(rate) => rate,
                _ => 9.0,
            };
            (2..14).map(rate).collect::<Vec<f64>>()
        };
        assert_eq!(rates(swa.clone())[..4], [9.0, 9.0, 1.0, 1.0]);
        let falling = rates(swa.lowest_rate(Some(0.2)));
        let expected = [9.0, 9.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.9, 0.8];
        assert!(falling.iter().zip(expected).all(|(rate, expected)| (rate - expected).abs() < 1e-12), "{falling:?}");
        assert_eq!(rates(Swa::default()), vec![9.0; 12]);
    }

    #[test]
    fn a_run_that_failed_or_never_averaged_keeps_its_weights() {
        assert_eq!(begun(Swa::default(), 8).train_end(RunEnd::Stopped), Action::Continue);
        let mut swa = begun(Swa::default(), 1);
        assert_eq!(swa.epoch_end(&epoch(0, 1.0)), average(1.0));
        assert_eq!(swa.train_end(RunEnd::Failed), Action::Continue);
        assert!(matches!(swa.train_end(RunEnd::Completed), Action::All(_)));
    }
}
