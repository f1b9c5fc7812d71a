//! Cross-entropy of yes-or-no outputs, one term an output.
use super::TargetTensor;
use super::cross_entropy::PROBABILITY_MARGIN;
use barograph_burn::ops;
use burn::prelude::*;

/// `-(t ln p + (1 - t) ln(1 - p))` of clamped probabilities.
pub(super) fn of_probabilities(outputs: Tensor<2>, targets: &TargetTensor) -> Tensor<2> {
    let target = targets.like(&outputs);
    let p = ops::clamp(outputs, PROBABILITY_MARGIN, 1.0 - PROBABILITY_MARGIN);
    let yes = ops::mul(target.clone(), ops::log(p.clone()));
    let no = ops::mul(one_minus(target), ops::log(one_minus(p)));
    ops::neg(ops::add(yes, no))
}

/// `softplus(x) - t x`: the same of raw scores, without an overflow.
pub(super) fn of_logits(logits: Tensor<2>, targets: &TargetTensor) -> Tensor<2> {
    let target = targets.like(&logits);
    // max(x, 0) - t x + ln(1 + e^-|x|)
    let linear = ops::sub(ops::relu(logits.clone()), ops::mul(target, logits.clone()));
    ops::add(linear, ops::log(ops::add_scalar(ops::exp(ops::neg(ops::abs(logits))), 1.0)))
}

fn one_minus(x: Tensor<2>) -> Tensor<2> {
    ops::add_scalar(ops::neg(x), 1.0)
}
