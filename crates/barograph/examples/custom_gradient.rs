//! A derivative of one's own for a function whose automatic one is unstable, and gradients that stop.
use barograph::{cpu, from_slice, ops, to_vec};
use burn::prelude::*;
use burn::tensor::activation::sigmoid;

/// `log(1 + e^x)` as a textbook has it: e^1000 is infinite, and its derivative Inf / Inf.
fn naive_softplus(x: Tensor<1>) -> Tensor<1> {
    ops::log(ops::add_scalar(ops::exp(x), 1.0))
}

/// The same function: `max(x, 0) + log(1 + e^-|x|)` never sees a large exponential, and its derivative, the sigmoid, is given.
fn softplus(x: Tensor<1>) -> Tensor<1> {
    ops::with_gradient(
        "softplus",
        x,
        |x| x.clone().clamp_min(0.0) + x.abs().neg().exp().log1p(),
        |x, gradient| gradient * sigmoid(x),
    )
}

/// The value of a function at some points, and its slope there.
fn value_and_slope(points: &[f32], function: fn(Tensor<1>) -> Tensor<1>) -> [Vec<f32>; 2] {
    let x = from_slice(points.to_vec(), [points.len()], &cpu(true)).require_grad();
    let y = function(x.clone());
    let slope = x.grad(&y.clone().sum().backward()).map(|slope| to_vec(&slope));
    [to_vec(&y), slope.unwrap_or_default()]
}

fn main() {
    let points = [-1000.0, -10.0, -0.5, 0.0, 2.0, 30.0, 1000.0_f32];
    let ([naive, naive_slope], [ours, our_slope]) =
        (value_and_slope(&points, naive_softplus), value_and_slope(&points, softplus));
    println!("softplus           naive              ours");
    println!("       x      value    slope     value    slope");
    for (place, x) in points.iter().enumerate() {
        println!("{x:8} {:10.4} {:8.5} {:9.4} {:8.5}", naive[place], naive_slope[place], ours[place], our_slope[place]);
        // The closed forms, in double precision.
        let x = f64::from(*x);
        let (value, slope) = (x.max(0.0) + (-x.abs()).exp().ln_1p(), 1.0 / (1.0 + (-x).exp()));
        assert!((f64::from(ours[place]) - value).abs() <= 1e-6 * value.max(1.0), "softplus({x}) = {}", ours[place]);
        assert!((f64::from(our_slope[place]) - slope).abs() <= 1e-6, "softplus'({x}) = {}", our_slope[place]);
    }
    assert!(naive[6].is_infinite() && naive_slope[6].is_nan(), "the naive softplus breaks at x = 1000");

    // x * x has the slope 2x. If one factor counts as a constant, x is left of it.
    let [_, whole] = value_and_slope(&[3.0], |x| ops::mul(x.clone(), x));
    let [_, half] = value_and_slope(&[3.0], |x| ops::mul(x.clone(), ops::stop_gradient(x)));
    println!("\nslope of x * x at 3: {}; with a stopped gradient: {}", whole[0], half[0]);
    assert_eq!((whole[0], half[0]), (6.0, 3.0));

    // Rounding has the slope 0 everywhere, and nothing could be learned through it; so it learns as if it were not there.
    let [rounded, straight] =
        value_and_slope(&[0.4, 1.6], |x| ops::with_gradient("round", x, Tensor::round, |_, gradient| gradient));
    println!("0.4 and 1.6 rounded: {rounded:?}, slopes by the straight-through estimator: {straight:?}");
    assert_eq!((rounded, straight), (vec![0.0, 2.0], vec![1.0, 1.0]));
}
