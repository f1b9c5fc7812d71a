//! Between cross-entropy and the mean absolute error of probabilities (Zhang and Sabuncu, 2018), one term an example.
use super::TargetTensor;
use barograph_burn::ops;
use burn::prelude::*;

/// `(1 - p^q) / q` of the right class, with `p = softmax(x)`.
pub(super) fn of_logits(logits: Tensor<2>, targets: &TargetTensor, q: f64) -> Tensor<2> {
    let device = logits.device();
    let log_p = ops::pick(ops::log_softmax(logits, 1), targets.classes(&device));
    ops::mul_scalar(ops::add_scalar(ops::neg(ops::exp(ops::mul_scalar(log_p, q))), 1.0), 1.0 / q)
}
