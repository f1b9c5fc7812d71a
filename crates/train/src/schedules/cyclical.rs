//! Up and down again in straight lines (Smith, 2017).
use crate::recipe::Swing;

/// From `minimum` up to `maximum` over `half` steps, and down again over as many. How the height of a cycle changes is told by `swing`.
pub(super) fn share(step: u64, half: u64, swing: Swing, gamma: f64, minimum: f64, maximum: f64) -> f64 {
    let cycle = step / half.saturating_mul(2);
    let place = step as f64 / half as f64 - 2.0 * cycle as f64;
    let height = match swing {
        Swing::Triangular => 1.0,
        Swing::Triangular2 => 0.5_f64.powf(cycle as f64),
        Swing::ExpRange => gamma.powf(step as f64),
    };
    minimum + (maximum - minimum) * (1.0 - (place - 1.0).abs()) * height
}
