//! Half a cosine.
use std::f64::consts::PI;

/// From 1 to `floor` over `steps`: `floor + (1 - floor) * (1 + cos(pi * step / steps)) / 2`; then it stays (Loshchilov and Hutter,
/// 2017).
pub(super) fn share(step: u64, steps: u64, floor: f64) -> f64 {
    floor + (1.0 - floor) * descent((step as f64 / steps as f64).min(1.0))
}

/// Half a cosine from 1, where nothing is done, to 0, where all is.
pub(super) fn descent(done: f64) -> f64 {
    f64::midpoint(1.0, (PI * done).cos())
}
