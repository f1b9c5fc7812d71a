//! A power of what is left of the descent.

/// From 1 to `floor` over `steps`: `floor + (1 - floor) * (1 - step / steps)^power`; then it stays.
pub(super) fn share(step: u64, steps: u64, power: f64, floor: f64) -> f64 {
    let left = 1.0 - (step as f64 / steps as f64).min(1.0);
    floor + (1.0 - floor) * left.powf(power)
}
