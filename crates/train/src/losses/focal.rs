//! Cross-entropy that counts easy examples little (Lin et al., *Focal Loss for Dense Object Detection*, 2017).
//!
//! The factor `(1 - p)^gamma` is `exp(gamma ln(1 - p))` with `ln(1 - p)` straight from the scores: for a `p` near 1 nothing is left of the
//! difference, and the derivative of a power below 1 is infinite at 0.
use super::TargetTensor;
use super::binary_cross_entropy::one_minus;
use barograph_burn::ops;
use burn::prelude::*;

/// Below every score: its exponential is 0, and unlike -Inf it is not taken for a number that went wrong.
const NONE: f64 = -1e30;

/// Over classes, one term an example. With `z` the score of the right class less the log-sum-exp of the others, `p` is `sigmoid(z)`: from
/// there on it is yes or no.
pub(super) fn of_classes(logits: Tensor<2>, targets: &TargetTensor, gamma: f64) -> Tensor<2> {
    let right = targets.hot(&logits);
    let score = ops::pick(logits.clone(), targets.classes(&logits.device()));
    let margin = ops::sub(score, log_sum_exp(ops::mask_fill(logits, right, NONE)));
    term(ops::log_sigmoid(margin.clone()), ops::log_sigmoid(ops::neg(margin)), gamma)
}

/// Of yes-or-no outputs, one term an output; `alpha` is the weight of yes, and 1 less it that of no.
pub(super) fn of_flags(logits: Tensor<2>, targets: &TargetTensor, gamma: f64, alpha: Option<f64>) -> Tensor<2> {
    let target = targets.like(&logits);
    let (log_yes, log_no) = (ops::log_sigmoid(logits.clone()), ops::log_sigmoid(ops::neg(logits)));
    let (of_yes, of_no) = alpha.map_or((1.0, 1.0), |alpha| (alpha, 1.0 - alpha));
    let yes = ops::mul_scalar(term(log_yes.clone(), log_no.clone(), gamma), of_yes);
    let no = ops::mul_scalar(term(log_no, log_yes, gamma), of_no);
    ops::add(ops::mul(target.clone(), yes), ops::mul(one_minus(target), no))
}

/// `-(1 - p)^gamma ln p`, given the logarithms of `p` and of `1 - p`.
fn term(log_p: Tensor<2>, log_rest: Tensor<2>, gamma: f64) -> Tensor<2> {
    ops::neg(ops::mul(ops::exp(ops::mul_scalar(log_rest, gamma)), log_p))
}

/// `ln(sum(e^x))` of each row, the maximum taken out first: `[rows, 1]`.
fn log_sum_exp(x: Tensor<2>) -> Tensor<2> {
    let largest = ops::max_dim(x.clone(), 1).detach();
    let sum = ops::sum_dim(ops::exp(ops::sub(x, largest.clone())), 1);
    ops::add(ops::log(sum), largest)
}
