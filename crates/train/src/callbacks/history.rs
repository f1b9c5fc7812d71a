//! The numbers of all epochs.
use super::{Action, Callback};
use barograph_vocab::{EpochRecord, Scalar};
use std::sync::{Arc, Mutex, PoisonError};

/// Keeps the numbers of all epochs. A clone looks at the same numbers, so that they can be read while and after training.
#[derive(Clone, Debug, Default)]
pub struct History(Arc<Mutex<Vec<EpochRecord>>>);

impl History {
    /// The epochs so far.
    #[must_use]
    pub fn epochs(&self) -> Vec<EpochRecord> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// One number over the epochs; NaN where an epoch has none.
    #[must_use]
    pub fn scalar(&self, scalar: Scalar) -> Vec<f64> {
        self.epochs().iter().map(|epoch| epoch.scalar(scalar).unwrap_or(f64::NAN)).collect()
    }
}

impl Callback for History {
    fn epoch_end(&mut self, epoch: &EpochRecord) -> Action {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(epoch.clone());
        Action::Continue
    }
}
