//! A given factor from each of some boundaries on.

/// The factor of the last boundary that has been reached; 1 before the first. Boundaries ascend.
pub(super) fn share(step: u64, boundaries: impl Iterator<Item = u64>, factors: &[f64]) -> f64 {
    let reached = boundaries.zip(factors).take_while(|(boundary, _)| *boundary <= step).last();
    reached.map_or(1.0, |(_, factor)| *factor)
}
