//! The same factor over each length, without jumps.

/// `factor^(step / every)`.
pub(super) fn share(step: u64, every: u64, factor: f64) -> f64 {
    factor.powf(step as f64 / every as f64)
}
