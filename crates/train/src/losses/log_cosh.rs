//! The logarithm of the hyperbolic cosine of the error, one term an output.
use super::{TargetTensor, distance};
use barograph_burn::ops;
use burn::prelude::*;

/// `ln cosh(p - t)`, as `|e| + ln(1 + exp(-2 |e|)) - ln 2`, in which no exponential overflows.
pub(super) fn log_cosh(outputs: Tensor<2>, targets: &TargetTensor) -> Tensor<2> {
    let error = ops::abs(distance::error(outputs, targets));
    // softplus(x) is -ln sigmoid(-x).
    let rest = ops::neg(ops::log_sigmoid(ops::mul_scalar(error.clone(), 2.0)));
    ops::sub_scalar(ops::add(error, rest), std::f64::consts::LN_2)
}
