//! Errors relative to the size of the target, one term an output.
use super::{TargetTensor, distance};
use barograph_burn::ops;
use burn::prelude::*;

/// What smaller numbers count as (`keras.backend.epsilon()`).
const SMALLEST: f64 = 1e-7;

/// `100 |p - t| / |t|`.
pub(super) fn percentage(outputs: Tensor<2>, targets: &TargetTensor) -> Tensor<2> {
    let size = ops::clamp_min(ops::abs(targets.like(&outputs)), SMALLEST);
    ops::mul_scalar(ops::div(distance::absolute(outputs, targets), size), 100.0)
}

/// `(ln(1 + p) - ln(1 + t))^2`.
pub(super) fn squared_logarithmic(outputs: Tensor<2>, targets: &TargetTensor) -> Tensor<2> {
    let logarithm = |x| ops::log(ops::add_scalar(ops::clamp_min(x, SMALLEST), 1.0));
    let target = logarithm(targets.like(&outputs));
    ops::square(ops::sub(logarithm(outputs), target))
}
