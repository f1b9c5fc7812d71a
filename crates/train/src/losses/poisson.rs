//! The likelihood of counts under a Poisson distribution, less what does not depend on the outputs; one term an output.
use super::TargetTensor;
use barograph_burn::ops;
use burn::prelude::*;

/// Keeps the logarithm of a rate from 0 (`keras.backend.epsilon()`).
const SMALLEST: f64 = 1e-7;

/// `p - t ln(p + 1e-7)` of rates.
pub(super) fn of_rates(rates: Tensor<2>, targets: &TargetTensor) -> Tensor<2> {
    let target = targets.like(&rates);
    let logarithm = ops::log(ops::add_scalar(rates.clone(), SMALLEST));
    ops::sub(rates, ops::mul(target, logarithm))
}

/// `exp(x) - t x` of logarithms of rates.
pub(super) fn of_logarithms(x: Tensor<2>, targets: &TargetTensor) -> Tensor<2> {
    let target = targets.like(&x);
    ops::sub(ops::exp(x.clone()), ops::mul(target, x))
}
