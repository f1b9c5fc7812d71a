//! The climb before a schedule begins.

/// A straight line that reaches 1 at the last of the steps of warm-up, and does not begin at 0 (Goyal et al., 2017). `None` after it.
pub(super) fn share(step: u64, steps: u64) -> Option<f64> {
    (step < steps).then(|| (step + 1) as f64 / steps as f64)
}
