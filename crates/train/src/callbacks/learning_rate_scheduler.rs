//! Sets the learning rate at the begin of each epoch.
use super::{Action, Callback, StepStart, memory};
use serde::{Deserialize, Serialize};

type Schedule = Box<dyn FnMut(u64, f64) -> f64 + Send>;

/// Sets the learning rate at the begin of each epoch, as a function or a table says. A `[schedule]` of the recipe has no say from
/// then on.
///
/// ```
/// use barograph_train::callbacks::LearningRateScheduler;
/// let halved_every_ten = LearningRateScheduler::new(|epoch, rate| if epoch % 10 == 9 { rate / 2.0 } else { rate });
/// let table = LearningRateScheduler::table(vec![(0, 0.1), (30, 0.01), (60, 0.001)]);
/// ```
pub struct LearningRateScheduler {
    schedule: Schedule,
    /// The epoch whose rate is set.
    epoch: Option<u64>,
    trouble: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Memory {
    epoch: Option<u64>,
}

impl LearningRateScheduler {
    /// Asks a function of the epoch (from 0) and of the rate as it is. What is negative or not finite is refused, and said.
    #[must_use]
    pub fn new(schedule: impl FnMut(u64, f64) -> f64 + Send + 'static) -> Self {
        Self { schedule: Box::new(schedule), epoch: None, trouble: None }
    }

    /// Looks it up: each rate holds from its epoch on. Before the first epoch of the table the rate stays as it is.
    #[must_use]
    pub fn table(rates: Vec<(u64, f64)>) -> Self {
        Self::new(move |epoch, rate| {
            rates.iter().rev().find(|(from, _)| *from <= epoch).map_or(rate, |(_, rate)| *rate)
        })
    }
}

impl Callback for LearningRateScheduler {
    /// The first step of an epoch is the first to know the rate as it is.
    fn step_begin(&mut self, step: &StepStart) -> Action {
        if self.epoch == Some(step.epoch) {
            return Action::Continue;
        }
        self.epoch = Some(step.epoch);
        let rate = (self.schedule)(step.epoch, step.learning_rate);
        if !rate.is_finite() || rate < 0.0 {
            let epoch = step.epoch + 1;
            self.trouble = Some(format!("the learning rate scheduler gave {rate} for epoch {epoch}; the rate stays"));
            return Action::Continue;
        }
        Action::SetLearningRate(rate)
    }

    fn trouble(&mut self) -> Option<String> {
        self.trouble.take()
    }

    fn state(&self) -> String {
        memory::write(&Memory { epoch: self.epoch })
    }

    fn restore(&mut self, state: &str) -> Result<(), String> {
        Memory { epoch: self.epoch } = memory::read(state)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is asked for at the first step of each of these epochs, with a rate of 1.
    fn asked(mut callback: LearningRateScheduler, epochs: &[u64]) -> Vec<Action> {
        let start = |&epoch: &u64| StepStart { step: 10 * epoch, epoch, learning_rate: 1.0 };
        epochs.iter().map(|epoch| callback.step_begin(&start(epoch))).collect()
    }

    #[test]
    fn a_table_holds_from_each_of_its_epochs_on() {
        let table = || LearningRateScheduler::table(vec![(1, 0.5), (3, 0.1)]);
        let set = Action::SetLearningRate;
        assert_eq!(asked(table(), &[0, 1, 2, 3, 9]), [set(1.0), set(0.5), set(0.5), set(0.1), set(0.1)]);
    }

    #[test]
    fn it_is_asked_once_an_epoch_and_a_resumed_epoch_is_not_begun_again() {
        let mut callback = LearningRateScheduler::new(|epoch, rate| rate / (epoch + 2) as f64);
        let start = |epoch| StepStart { step: 0, epoch, learning_rate: 1.0 };
        assert_eq!(callback.step_begin(&start(0)), Action::SetLearningRate(0.5));
        assert_eq!(callback.step_begin(&start(0)), Action::Continue);
        let mut resumed = LearningRateScheduler::new(|_, rate| rate / 2.0);
        resumed.restore(&callback.state()).unwrap();
        assert_eq!(resumed.step_begin(&start(0)), Action::Continue);
        assert_eq!(resumed.step_begin(&start(1)), Action::SetLearningRate(0.5));
    }

    #[test]
    fn a_rate_that_is_no_rate_is_refused_and_said() {
        for bad in [f64::NAN, f64::INFINITY, -0.1] {
            let mut callback = LearningRateScheduler::new(move |_, _| bad);
            let action = callback.step_begin(&StepStart { step: 0, epoch: 2, learning_rate: 0.1 });
            assert_eq!(action, Action::Continue);
            assert!(callback.trouble().is_some_and(|text| text.contains("epoch 3")));
        }
    }
}
