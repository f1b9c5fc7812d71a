//! A jump at each of some milestones.

/// `factor^n` where `n` milestones have been reached.
pub(super) fn share(step: u64, milestones: impl Iterator<Item = u64>, factor: f64) -> f64 {
    factor.powf(milestones.filter(|&milestone| milestone <= step).count() as f64)
}
