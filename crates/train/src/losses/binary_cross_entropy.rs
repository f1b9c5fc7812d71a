//! Cross-entropy of yes-or-no outputs, one term an output.
use super::cross_entropy::PROBABILITY_MARGIN;
use barograph_burn::ops;
use burn::prelude::*;

/// `-(t ln p + (1 - t) ln(1 - p))` of clamped probabilities.
pub(super) fn of_probabilities(outputs: Tensor<2>, target: Tensor<2>) -> Tensor<2> {
    let p = ops::clamp(outputs, PROBABILITY_MARGIN, 1.0 - PROBABILITY_MARGIN);
    let yes = ops::mul(target.clone(), ops::log(p.clone()));
    let no = ops::mul(one_minus(target), ops::log(one_minus(p)));
    ops::neg(ops::add(yes, no))
}

/// `(1 - t) x - ln sigmoid(x)`: the same of raw scores, without an overflow, and with the derivative `sigmoid(x) - t` at 0 too.
pub(super) fn of_logits(logits: Tensor<2>, target: Tensor<2>) -> Tensor<2> {
    ops::sub(ops::mul(one_minus(target), logits.clone()), ops::log_sigmoid(logits))
}

pub(super) fn one_minus(x: Tensor<2>) -> Tensor<2> {
    ops::add_scalar(ops::neg(x), 1.0)
}
