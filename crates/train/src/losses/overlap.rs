//! How little two sets overlap, one term an example: for pictures in which most outputs are 0.
use super::TargetTensor;
use super::binary_cross_entropy::one_minus;
use barograph_burn::ops;
use burn::prelude::*;

/// Added above and below the fraction, so that two empty sets are equal: as in Keras.
const SMOOTH: f64 = 1e-7;

/// `1 - 2 sum(t p) / (sum(t) + sum(p))` (Milletari et al., 2016).
pub(super) fn dice(p: Tensor<2>, targets: &TargetTensor) -> Tensor<2> {
    let target = targets.like(&p);
    let both = ops::mul_scalar(ops::sum_dim(ops::mul(target.clone(), p.clone()), 1), 2.0);
    let all = ops::sum_dim(ops::add(target, p), 1);
    one_minus(ops::div(ops::add_scalar(both, SMOOTH), ops::add_scalar(all, SMOOTH)))
}

/// The same with weights of what is wrongly found and of what is missed (Salehi et al., 2017).
pub(super) fn tversky(p: Tensor<2>, targets: &TargetTensor, alpha: f64, beta: f64) -> Tensor<2> {
    let target = targets.like(&p);
    let both = ops::sum_dim(ops::mul(target.clone(), p.clone()), 1);
    let found = ops::sum_dim(ops::mul(one_minus(target.clone()), p.clone()), 1);
    let missed = ops::sum_dim(ops::mul(target, one_minus(p)), 1);
    let wrong = ops::add(ops::mul_scalar(found, alpha), ops::mul_scalar(missed, beta));
    one_minus(ops::div(ops::add_scalar(both.clone(), SMOOTH), ops::add_scalar(ops::add(both, wrong), SMOOTH)))
}
