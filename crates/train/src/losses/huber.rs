//! A square near 0 and a line far out, one term an output.
use super::{TargetTensor, distance};
use barograph_burn::ops;
use burn::prelude::*;

/// `(p - t)^2 / 2` up to `delta`, then a line of the same slope (Huber, 1964).
pub(super) fn huber(outputs: Tensor<2>, targets: &TargetTensor, delta: f64) -> Tensor<2> {
    let magnitude = distance::absolute(outputs, targets);
    let near = ops::clamp(magnitude.clone(), 0.0, delta);
    let far = ops::sub(magnitude, near.clone());
    ops::add(ops::mul_scalar(ops::square(near), 0.5), ops::mul_scalar(far, delta))
}
