//! Distances between outputs and real targets, one term an output.
use super::TargetTensor;
use barograph_burn::ops;
use burn::prelude::*;

fn error(outputs: Tensor<2>, targets: &TargetTensor) -> Tensor<2> {
    let target = targets.like(&outputs);
    ops::sub(outputs, target)
}

/// `(p - t)^2`.
pub(super) fn squared(outputs: Tensor<2>, targets: &TargetTensor) -> Tensor<2> {
    ops::square(error(outputs, targets))
}

/// `|p - t|`.
pub(super) fn absolute(outputs: Tensor<2>, targets: &TargetTensor) -> Tensor<2> {
    ops::abs(error(outputs, targets))
}

/// `(p - t)^2 / 2` up to `delta`, then a line of the same slope (Huber, 1964).
pub(super) fn huber(outputs: Tensor<2>, targets: &TargetTensor, delta: f64) -> Tensor<2> {
    let magnitude = absolute(outputs, targets);
    let near = ops::clamp(magnitude.clone(), 0.0, delta);
    let far = ops::sub(magnitude, near.clone());
    ops::add(ops::mul_scalar(ops::square(near), 0.5), ops::mul_scalar(far, delta))
}
