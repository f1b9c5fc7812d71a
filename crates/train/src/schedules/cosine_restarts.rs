//! Half cosines one after another, each from the full rate (SGDR: Loshchilov and Hutter, 2017).
use super::cosine;

/// The half cosine of the period that `step` falls into. The first is `period` long, and each next one `multiplier` times as long.
pub(super) fn share(step: u64, period: u64, multiplier: u64, floor: f64) -> f64 {
    let (mut step, mut period) = (step, period);
    if multiplier == 1 {
        step %= period;
    } else {
        while step >= period {
            step -= period;
            period = period.saturating_mul(multiplier);
        }
    }
    cosine::share(step, period, floor)
}
