//! The inverse of the time gone by.

/// `1 / (1 + decay * step / every)`: the steps of Robbins and Monro (1951), which shrink slowly enough to reach any minimum.
pub(super) fn share(step: u64, every: u64, decay: f64) -> f64 {
    (1.0 + decay * step as f64 / every as f64).recip()
}
