//! The angle between outputs and targets, one term an example.
use super::TargetTensor;
use super::binary_cross_entropy::one_minus;
use barograph_burn::ops;
use burn::prelude::*;

/// What a smaller length counts as.
const SHORTEST: f64 = 1e-12;

/// 1 less the cosine of the angle.
pub(super) fn distance(outputs: Tensor<2>, targets: &TargetTensor) -> Tensor<2> {
    let target = direction(targets.like(&outputs));
    one_minus(ops::sum_dim(ops::mul(direction(outputs), target), 1))
}

/// Each row over its length; a row of zeros stays one.
fn direction(x: Tensor<2>) -> Tensor<2> {
    // By its largest element first, so that no square overflows or vanishes. A direction does not depend on that factor, nor does
    // its derivative.
    let largest = ops::clamp_min(ops::max_dim(ops::abs(x.clone()), 1).detach(), f64::from(f32::MIN_POSITIVE));
    let x = ops::div(x, largest);
    let length = ops::sqrt(ops::clamp_min(ops::sum_dim(ops::square(x.clone()), 1), SHORTEST));
    ops::div(x, length)
}
