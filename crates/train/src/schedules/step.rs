//! A jump at each multiple of a length.

/// `factor^(step / every)` with the quotient rounded down.
pub(super) fn share(step: u64, every: u64, factor: f64) -> f64 {
    factor.powf((step / every) as f64)
}
