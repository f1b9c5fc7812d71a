//! The margin loss of support vector machines, one term an output.
use super::TargetTensor;
use barograph_burn::ops;
use burn::prelude::*;

/// `max(0, 1 - t p)` with targets -1 and 1; 0 is read as -1.
pub(super) fn hinge(outputs: Tensor<2>, targets: &TargetTensor) -> Tensor<2> {
    let target = targets.like(&outputs);
    let is_zero = target.clone().equal_scalar(0.0);
    let sign = target.mask_fill(is_zero, -1.0);
    ops::relu(ops::add_scalar(ops::neg(ops::mul(sign, outputs)), 1.0))
}
