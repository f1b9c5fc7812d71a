//! A momentum that changes during a run.
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a schedule asks for, seen by the rules of an optimizer. burn keeps the rules out of reach once an optimizer is built, so the
/// number is shared with them. Clones of an optimizer share it too; it is set anew before each step.
#[derive(Clone)]
pub(super) struct SharedMomentum(Arc<AtomicU64>);

impl Default for SharedMomentum {
    /// The optimizer's own.
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(f64::NAN.to_bits())))
    }
}

impl SharedMomentum {
    pub(super) fn set(&self, momentum: Option<f64>) {
        self.0.store(momentum.unwrap_or(f64::NAN).to_bits(), Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> Option<f64> {
        Some(f64::from_bits(self.0.load(Ordering::Relaxed))).filter(|momentum| !momentum.is_nan())
    }
}
