//! The margin losses of support vector machines.
use super::TargetTensor;
use barograph_burn::ops;
use burn::prelude::*;

/// Below every score: never the largest, and unlike -Inf it is not taken for a number that went wrong.
const NONE: f64 = -1e30;

/// `max(0, 1 - t x)` with targets -1 and 1; 0 is read as -1. One term an output.
pub(super) fn hinge(outputs: Tensor<2>, targets: &TargetTensor) -> Tensor<2> {
    let target = targets.like(&outputs);
    let is_zero = target.clone().equal_scalar(0.0);
    let sign = target.mask_fill(is_zero, -1.0);
    ops::relu(ops::add_scalar(ops::neg(ops::mul(sign, outputs)), 1.0))
}

/// `max(0, 1 + x' - x)` of the score of the right class and the largest of the others (Crammer and Singer, 2001). One term an example.
pub(super) fn categorical(scores: Tensor<2>, targets: &TargetTensor) -> Tensor<2> {
    let right = targets.hot(&scores);
    let score = ops::pick(scores.clone(), targets.classes(&scores.device()));
    let rival = ops::max_dim(ops::mask_fill(scores, right, NONE), 1);
    ops::relu(ops::add_scalar(ops::sub(rival, score), 1.0))
}
