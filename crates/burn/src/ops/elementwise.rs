//! Operations that work element by element, or along one axis and keep the shape.
use super::{binary, fused, unary};
use burn::prelude::*;
use burn::tensor::activation;
use std::panic::Location;

/// Minus `x`.
#[must_use]
#[track_caller]
pub fn neg<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    unary("neg", Location::caller(), x, Tensor::neg)
}

/// `e^x`; infinite above about 88.7 in f32.
#[must_use]
#[track_caller]
pub fn exp<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    unary("exp", Location::caller(), x, Tensor::exp)
}

/// The natural logarithm; -Inf at 0 and NaN below.
#[must_use]
#[track_caller]
pub fn log<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    unary("log", Location::caller(), x, Tensor::log)
}

/// The square root; NaN below 0, with an infinite derivative at 0.
#[must_use]
#[track_caller]
pub fn sqrt<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    unary("sqrt", Location::caller(), x, Tensor::sqrt)
}

/// `1 / x`; infinite at 0.
#[must_use]
#[track_caller]
pub fn recip<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    unary("recip", Location::caller(), x, Tensor::recip)
}

/// The magnitude; its derivative at 0 is 0.
#[must_use]
#[track_caller]
pub fn abs<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    unary("abs", Location::caller(), x, Tensor::abs)
}

/// `x * x`.
#[must_use]
#[track_caller]
pub fn square<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    unary("square", Location::caller(), x, Tensor::<D>::square)
}

/// The sine.
#[must_use]
#[track_caller]
pub fn sin<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    unary("sin", Location::caller(), x, Tensor::sin)
}

/// The cosine.
#[must_use]
#[track_caller]
pub fn cos<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    unary("cos", Location::caller(), x, Tensor::cos)
}

/// The hyperbolic tangent.
#[must_use]
#[track_caller]
pub fn tanh<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    unary("tanh", Location::caller(), x, Tensor::tanh)
}

/// `1 / (1 + e^-x)`.
#[must_use]
#[track_caller]
pub fn sigmoid<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    unary("sigmoid", Location::caller(), x, activation::sigmoid)
}

/// `max(x, 0)`; NaN stays NaN.
#[must_use]
#[track_caller]
pub fn relu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    unary("relu", Location::caller(), x, activation::relu)
}

/// Slope of [`selu`] above 0: Klambauer et al., 2017, appendix A1.
const SELU_SCALE: f64 = 1.050_700_987_355_480_5;

/// Where [`selu`] ends below 0, before it is scaled: Klambauer et al., 2017, appendix A1.
const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;

/// `x` above 0 and `alpha * (e^x - 1)` below, without the exponential of a large `x`: burn 0.22.1 computes it and masks it out,
/// so that its derivative is NaN above 88.
fn stable_elu<const D: usize>(x: Tensor<D>, alpha: f64) -> Tensor<D> {
    activation::relu(x.clone()) + x.clamp_max(0.0).exp().sub_scalar(1.0).mul_scalar(alpha)
}

/// The self-normalizing ELU of Klambauer et al., 2017.
#[must_use]
#[track_caller]
pub fn selu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    unary("selu", Location::caller(), x, |x| stable_elu(x, SELU_ALPHA).mul_scalar(SELU_SCALE))
}

/// `x` times the normal distribution function, exact (Hendrycks and Gimpel, 2016).
#[must_use]
#[track_caller]
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    unary("gelu", Location::caller(), x, |x| fused::gelu(&x).unwrap_or_else(|| activation::gelu(x)))
}

/// `x * sigmoid(x)`, also called swish.
#[must_use]
#[track_caller]
pub fn silu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    unary("silu", Location::caller(), x, activation::silu)
}

/// `x`, or `slope * x` below 0.
#[must_use]
#[track_caller]
pub fn leaky_relu<const D: usize>(x: Tensor<D>, slope: f64) -> Tensor<D> {
    unary("leaky_relu", Location::caller(), x, |x| activation::leaky_relu(x, slope))
}

/// `x`, or `alpha * (e^x - 1)` below 0 (Clevert et al., 2015).
#[must_use]
#[track_caller]
pub fn elu<const D: usize>(x: Tensor<D>, alpha: f64) -> Tensor<D> {
    unary("elu", Location::caller(), x, |x| stable_elu(x, alpha))
}

/// `log(1 + e^(beta x)) / beta`.
#[must_use]
#[track_caller]
pub fn softplus<const D: usize>(x: Tensor<D>, beta: f64) -> Tensor<D> {
    unary("softplus", Location::caller(), x, |x| activation::softplus(x, beta))
}

/// `x` times the normal distribution function by the approximation with a hyperbolic tangent (Hendrycks and Gimpel, 2016).
#[must_use]
#[track_caller]
pub fn gelu_tanh<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    unary("gelu_tanh", Location::caller(), x, activation::gelu_approximate)
}

/// `x * tanh(softplus(x))` (Misra, 2019).
#[must_use]
#[track_caller]
pub fn mish<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    unary("mish", Location::caller(), x, activation::mish)
}

/// What burn 0.22.1 computes as the hard sigmoid, but for its detour through f32, which would leave f64 with the digits of f32.
fn clamped_line<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    x.mul_scalar(1.0 / 6.0).add_scalar(0.5).clamp(0.0, 1.0)
}

/// `x / 6 + 1/2` held between 0 and 1.
#[must_use]
#[track_caller]
pub fn hard_sigmoid<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    unary("hard_sigmoid", Location::caller(), x, clamped_line)
}

/// `x * hard_sigmoid(x)` (Howard et al., 2019).
#[must_use]
#[track_caller]
pub fn hard_swish<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    unary("hard_swish", Location::caller(), x, |x| x.clone() * clamped_line(x))
}

/// `log(sigmoid(x))`, computed without forming the sigmoid.
#[must_use]
#[track_caller]
pub fn log_sigmoid<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    unary("log_sigmoid", Location::caller(), x, activation::log_sigmoid)
}

/// `x / (1 + |x|)`.
#[must_use]
#[track_caller]
pub fn softsign<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    unary("softsign", Location::caller(), x, activation::softsign)
}

/// `x - tanh(x)`.
#[must_use]
#[track_caller]
pub fn tanh_shrink<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    unary("tanh_shrink", Location::caller(), x, activation::tanhshrink)
}

/// `x`, and 0 where its magnitude is at most `bound`.
#[must_use]
#[track_caller]
pub fn hard_shrink<const D: usize>(x: Tensor<D>, bound: f64) -> Tensor<D> {
    unary("hard_shrink", Location::caller(), x, |x| activation::hard_shrink(x, bound))
}

/// `x` moved towards 0 by `bound`, and 0 where its magnitude is at most `bound`.
#[must_use]
#[track_caller]
pub fn soft_shrink<const D: usize>(x: Tensor<D>, bound: f64) -> Tensor<D> {
    unary("soft_shrink", Location::caller(), x, |x| activation::soft_shrink(x, bound))
}

/// `x` where it is above `threshold`, else `value`; NaN stays NaN.
#[must_use]
#[track_caller]
pub fn threshold<const D: usize>(x: Tensor<D>, threshold: f64, value: f64) -> Tensor<D> {
    unary("threshold", Location::caller(), x, |x| activation::threshold(x, threshold, value))
}

/// `e^x / (1 + sum(e^x))` along `axis`, the maximum subtracted first (E. Miller, Attention is off by one, 2023).
#[must_use]
#[track_caller]
pub fn quiet_softmax<const D: usize>(x: Tensor<D>, axis: usize) -> Tensor<D> {
    unary("quiet_softmax", Location::caller(), x, |x| activation::quiet_softmax(x, axis))
}

/// `x + value`.
#[must_use]
#[track_caller]
pub fn add_scalar<const D: usize>(x: Tensor<D>, value: f64) -> Tensor<D> {
    unary("add_scalar", Location::caller(), x, |x| x.add_scalar(value))
}

/// `x - value`.
#[must_use]
#[track_caller]
pub fn sub_scalar<const D: usize>(x: Tensor<D>, value: f64) -> Tensor<D> {
    unary("sub_scalar", Location::caller(), x, |x| x.sub_scalar(value))
}

/// `x * value`.
#[must_use]
#[track_caller]
pub fn mul_scalar<const D: usize>(x: Tensor<D>, value: f64) -> Tensor<D> {
    unary("mul_scalar", Location::caller(), x, |x| x.mul_scalar(value))
}

/// `x / value`.
#[must_use]
#[track_caller]
pub fn div_scalar<const D: usize>(x: Tensor<D>, value: f64) -> Tensor<D> {
    unary("div_scalar", Location::caller(), x, |x| x.div_scalar(value))
}

/// `x^exponent`; NaN for a negative `x` and a broken exponent.
#[must_use]
#[track_caller]
pub fn powf<const D: usize>(x: Tensor<D>, exponent: f64) -> Tensor<D> {
    unary("powf", Location::caller(), x, |x| x.powf_scalar(exponent))
}

/// `max(x, low)`.
#[must_use]
#[track_caller]
pub fn clamp_min<const D: usize>(x: Tensor<D>, low: f64) -> Tensor<D> {
    unary("clamp_min", Location::caller(), x, |x| x.clamp_min(low))
}

/// `e^x / sum(e^x)` along `axis`, the maximum subtracted first.
#[must_use]
#[track_caller]
pub fn softmax<const D: usize>(x: Tensor<D>, axis: usize) -> Tensor<D> {
    unary("softmax", Location::caller(), x, |x| {
        let fused = if axis + 1 == D { fused::softmax(&x) } else { None };
        fused.unwrap_or_else(|| activation::softmax(x, axis))
    })
}

/// The logarithm of the softmax along `axis`, computed without forming it.
#[must_use]
#[track_caller]
pub fn log_softmax<const D: usize>(x: Tensor<D>, axis: usize) -> Tensor<D> {
    unary("log_softmax", Location::caller(), x, |x| {
        let fused = if axis + 1 == D { fused::log_softmax(&x) } else { None };
        fused.unwrap_or_else(|| activation::log_softmax(x, axis))
    })
}

/// `x` held between `low` and `high`; NaN stays NaN.
#[must_use]
#[track_caller]
pub fn clamp<const D: usize>(x: Tensor<D>, low: f64, high: f64) -> Tensor<D> {
    unary("clamp", Location::caller(), x, |x| x.clamp(low, high))
}

/// `x + y`, element by element; axes of length 1 are repeated.
#[must_use]
#[track_caller]
pub fn add<const D: usize>(x: Tensor<D>, y: Tensor<D>) -> Tensor<D> {
    binary("add", Location::caller(), ("left", x), ("right", y), |x, y| x + y)
}

/// `x - y`, element by element; axes of length 1 are repeated.
#[must_use]
#[track_caller]
pub fn sub<const D: usize>(x: Tensor<D>, y: Tensor<D>) -> Tensor<D> {
    binary("sub", Location::caller(), ("left", x), ("right", y), |x, y| x - y)
}

/// `x * y`, element by element; axes of length 1 are repeated.
#[must_use]
#[track_caller]
pub fn mul<const D: usize>(x: Tensor<D>, y: Tensor<D>) -> Tensor<D> {
    binary("mul", Location::caller(), ("left", x), ("right", y), |x, y| x * y)
}

/// `x / y`; NaN for 0/0 and infinite for x/0, element by element; axes of length 1 are repeated.
#[must_use]
#[track_caller]
pub fn div<const D: usize>(x: Tensor<D>, y: Tensor<D>) -> Tensor<D> {
    binary("div", Location::caller(), ("left", x), ("right", y), |x, y| x / y)
}
