//! Distances between outputs and real targets, one term an output.
use super::TargetTensor;
use barograph_burn::ops;
use burn::prelude::*;

/// `p - t`.
pub(super) fn error(outputs: Tensor<2>, targets: &TargetTensor) -> Tensor<2> {
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
