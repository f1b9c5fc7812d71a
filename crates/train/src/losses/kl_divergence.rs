//! How far a softmax is from a given distribution (Kullback and Leibler, 1951), one term an example.
use super::TargetTensor;
use super::cross_entropy::times;
use barograph_burn::ops;
use burn::prelude::*;

/// `sum(t (ln t - ln softmax(x)))`, where a target of 0 adds 0.
pub(super) fn of_logits(logits: Tensor<2>, targets: &TargetTensor) -> Tensor<2> {
    let target = targets.like(&logits);
    // The logarithm of a target of 0 is not formed: 1 stands in for it, whose logarithm is 0.
    let absent = target.clone().equal_elem(0.0);
    let log_target = ops::log(ops::mask_fill(target.clone(), absent, 1.0));
    let negative_entropy = ops::mul(target.clone(), log_target);
    let cross = times(target, ops::log_softmax(logits, 1));
    ops::sum_dim(ops::sub(negative_entropy, cross), 1)
}
