//! The loss of quantile regression, one term an output.
use super::{TargetTensor, distance};
use barograph_burn::ops;
use burn::prelude::*;

/// `max(q (t - p), (q - 1)(t - p))` (Koenker and Bassett, 1978).
pub(super) fn quantile(outputs: Tensor<2>, targets: &TargetTensor, q: f64) -> Tensor<2> {
    let error = distance::error(outputs, targets);
    let (above, below) = (ops::relu(error.clone()), ops::relu(ops::neg(error)));
    ops::add(ops::mul_scalar(above, 1.0 - q), ops::mul_scalar(below, q))
}
