//! The numbers of all epochs.
use super::jsonl_logger::numbers;
use super::{Action, Callback, RunInfo, StepReport, memory};
use barograph_vocab::{EpochRecord, Scalar};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Keeps the numbers of all epochs. A clone looks at the same numbers, so that they can be read while and after training. A second
/// training begins anew.
#[derive(Clone, Debug, Default)]
pub struct History {
    kept: Arc<Mutex<Kept>>,
    restored: bool,
}

#[derive(Clone, Debug, Default)]
struct Kept {
    epochs: Vec<EpochRecord>,
    /// The rate of the last step of each epoch.
    learning_rates: Vec<f64>,
    learning_rate: f64,
}

/// An epoch as a checkpoint holds it.
#[derive(Serialize, Deserialize)]
struct Epoch {
    epoch: u32,
    steps: u64,
    learning_rate: f64,
    scalars: Vec<(String, f64)>,
    named: Vec<(String, f64)>,
}

#[derive(Serialize, Deserialize)]
struct Memory {
    learning_rate: f64,
    epochs: Vec<Epoch>,
}

impl History {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The epochs so far.
    #[must_use]
    pub fn epochs(&self) -> Vec<EpochRecord> {
        self.lock().epochs.clone()
    }

    /// The names of all numbers, in the order in which they first came: `loss`, `validation_loss`, those of single outputs.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for epoch in &self.lock().epochs {
            for (name, _) in numbers(epoch) {
                if names.iter().all(|known| known != name) {
                    names.push(name.to_owned());
                }
            }
        }
        names
    }

    /// One number over the epochs; NaN where an epoch has none.
    #[must_use]
    pub fn scalar(&self, scalar: Scalar) -> Vec<f64> {
        self.series(scalar.name())
    }

    /// The number of this name over the epochs; NaN where an epoch has none.
    #[must_use]
    pub fn series(&self, name: &str) -> Vec<f64> {
        let value = |epoch: &EpochRecord| numbers(epoch).find(|(known, _)| *known == name).map(|(_, value)| value);
        self.lock().epochs.iter().map(|epoch| value(epoch).unwrap_or(f64::NAN)).collect()
    }

    /// The learning rate of the last step of each epoch.
    #[must_use]
    pub fn learning_rates(&self) -> Vec<f64> {
        self.lock().learning_rates.clone()
    }
}

impl Callback for History {
    fn train_begin(&mut self, _: &RunInfo<'_>) -> Action {
        if !std::mem::take(&mut self.restored) {
            *self.lock() = Kept::default();
        }
        Action::Continue
    }

    fn step_end(&mut self, step: &StepReport<'_>) -> Action {
        self.lock().learning_rate = step.learning_rate;
        Action::Continue
    }

    fn epoch_end(&mut self, epoch: &EpochRecord) -> Action {
        let mut kept = self.lock();
        let rate = kept.learning_rate;
        kept.learning_rates.push(rate);
        kept.epochs.push(epoch.clone());
        Action::Continue
    }

    fn state(&self) -> String {
        let kept = self.lock();
        let epoch = |(epoch, rate): (&EpochRecord, &f64)| Epoch {
            epoch: epoch.epoch,
            steps: epoch.steps,
            learning_rate: *rate,
            scalars: epoch.scalars.iter().map(|(scalar, value)| (scalar.name().to_owned(), *value)).collect(),
            named: epoch.named.clone(),
        };
        let epochs = kept.epochs.iter().zip(&kept.learning_rates).map(epoch).collect();
        memory::write(&Memory { learning_rate: kept.learning_rate, epochs })
    }

    fn restore(&mut self, state: &str) -> Result<(), String> {
        let memory: Memory = memory::read(state)?;
        let mut kept = Kept { learning_rate: memory.learning_rate, ..Kept::default() };
        for Epoch { epoch, steps, learning_rate, scalars, named } in memory.epochs {
            let scalar = |(name, value): (String, f64)| Some((Scalar::from_name(&name)?, value));
            let scalars = scalars.into_iter().filter_map(scalar).collect();
            kept.epochs.push(EpochRecord { epoch, steps, scalars, named });
            kept.learning_rates.push(learning_rate);
        }
        *self.lock() = kept;
        self.restored = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callbacks::tests::{begin, epoch};

    fn trained(epochs: &[EpochRecord]) -> History {
        let mut history = History::default();
        begin(&mut history, epochs.len() as u64);
        for (number, epoch) in epochs.iter().enumerate() {
            history.step_end(&StepReport { learning_rate: number as f64, ..StepReport::default() });
            history.epoch_end(epoch);
        }
        history
    }

    fn epochs() -> [EpochRecord; 3] {
        let named = vec![("species_loss".to_owned(), 7.0)];
        [epoch(0, f64::NAN), EpochRecord { named, ..epoch(1, 2.0) }, epoch(2, f64::INFINITY)]
    }

    #[test]
    fn numbers_are_kept_by_name_and_a_nan_stays_one() {
        let history = trained(&epochs());
        assert_eq!(history.names(), ["loss", "species_loss"]);
        let losses = history.scalar(Scalar::Loss);
        assert!(losses[0].is_nan());
        assert_eq!(losses[1..], [2.0, f64::INFINITY]);
        let species = history.series("species_loss");
        assert!(species[0].is_nan() && species[1] == 7.0);
        assert_eq!(history.learning_rates(), [0.0, 1.0, 2.0]);
    }

    #[test]
    fn a_second_training_begins_anew_and_a_resumed_one_goes_on() {
        let mut history = trained(&epochs());
        let mut resumed = History::default();
        resumed.restore(&history.state()).unwrap();
        let seen = resumed.clone();
        begin(&mut resumed, 4);
        assert_eq!(seen.epochs()[1..], history.epochs()[1..]);
        assert_eq!(seen.learning_rates(), [0.0, 1.0, 2.0]);
        begin(&mut history, 3);
        assert_eq!(history.epochs(), []);
    }
}
