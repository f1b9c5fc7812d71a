//! Cross-entropy over classes: `-ln p(right class)`, one term an example.
use super::{ClassOptions, TargetTensor};
use barograph_burn::ops;
use burn::prelude::*;

/// How far Keras keeps probabilities from 0 and 1 (`keras.backend.epsilon()`), in f32.
pub(super) const PROBABILITY_MARGIN: f64 = 1e-7;

/// Of raw scores: softmax and logarithm in one stable step.
pub(super) fn of_logits(logits: Tensor<2>, targets: &TargetTensor, options: &ClassOptions<'_>) -> Tensor<2> {
    of_log_probabilities(ops::log_softmax(logits, 1), targets, options)
}

/// Of probabilities that are divided by their sum and clamped, as Keras does.
pub(super) fn of_distribution(outputs: Tensor<2>, targets: &TargetTensor, options: &ClassOptions<'_>) -> Tensor<2> {
    let target = options.smoothed(targets.like(&outputs));
    let total = ops::sum_dim(outputs.clone(), 1);
    let probabilities = ops::clamp(ops::div(outputs, total), PROBABILITY_MARGIN, 1.0 - PROBABILITY_MARGIN);
    ops::neg(ops::sum_dim(ops::mul(options.weighted(target), ops::log(probabilities)), 1))
}

/// Of probabilities as they are: the logarithm of 0 times a target of 0 is NaN.
pub(super) fn of_distribution_naively(probabilities: Tensor<2>, targets: &TargetTensor) -> Tensor<2> {
    let target = targets.like(&probabilities);
    ops::neg(ops::sum_dim(ops::mul(target, ops::log(probabilities)), 1))
}

/// Of probabilities that are clamped and whose logarithms go through a log-softmax, as Keras does for class numbers.
pub(super) fn of_clamped_probabilities(
    outputs: Tensor<2>,
    targets: &TargetTensor,
    options: &ClassOptions<'_>,
) -> Tensor<2> {
    of_logits(ops::log(ops::clamp(outputs, PROBABILITY_MARGIN, 1.0 - PROBABILITY_MARGIN)), targets, options)
}

/// Of logarithms of probabilities. With smoothing or weights it is torch's `-sum(w t ln p)`, each class with its weight.
pub(super) fn of_log_probabilities(
    log_probabilities: Tensor<2>,
    targets: &TargetTensor,
    options: &ClassOptions<'_>,
) -> Tensor<2> {
    if !targets.is_distribution(&log_probabilities) && !options.smooths() {
        let classes = targets.classes(&log_probabilities.device());
        let terms = ops::neg(ops::pick(log_probabilities.clone(), classes));
        return match options.of_rows(targets, &log_probabilities) {
            Some(weights) => ops::mul(terms, weights),
            None => terms,
        };
    }
    let target = options.weighted(options.smoothed(targets.like(&log_probabilities)));
    ops::neg(ops::sum_dim(times(target, log_probabilities), 1))
}

/// `t l`, which is 0 wherever `t` is, even beside the logarithm of 0.
pub(super) fn times(target: Tensor<2>, logarithm: Tensor<2>) -> Tensor<2> {
    let absent = target.clone().equal_elem(0.0);
    ops::mul(target, ops::mask_fill(logarithm, absent, 0.0))
}
