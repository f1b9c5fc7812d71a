//! Operations that change what flows back, and not what flows forward.
use super::unary;
use crate::backward::with_backward;
use burn::prelude::*;
use std::panic::Location;

/// `x` as a constant: nothing flows back through it.
#[must_use]
#[track_caller]
pub fn stop_gradient<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    unary("stop_gradient", Location::caller(), x, Tensor::detach)
}

/// What `forward` makes of `x`, with a derivative that is written by hand: `backward` gets `x` and the gradient of the loss with respect
/// to the result, and returns the gradient with respect to `x`. For functions whose automatic derivative is unstable, costly or not
/// the wanted one (a straight-through estimator).
///
/// Both work outside of the graph, so that `x` must be all of their inputs that learn. A traced step names the operation `name`. The
/// derivative is right to first order; a second derivative through it is not.
///
/// ```
/// use barograph_burn::{cpu, from_slice, ops};
/// // Rounds, and learns as if it had not.
/// let x = from_slice(vec![0.4, 1.6], [1, 2], &cpu(true)).require_grad();
/// let y = ops::with_gradient("round", x.clone(), |x| x.round(), |_, gradient| gradient);
/// let gradients = ops::sum(y).backward();
/// assert_eq!(x.grad(&gradients).map(|gradient| barograph_burn::to_vec(&gradient)), Some(vec![1.0, 1.0]));
/// ```
///
/// # Panics
/// When `forward` or `backward` gives a tensor of another device, or one that learns.
#[must_use]
#[track_caller]
pub fn with_gradient<const D: usize, const E: usize>(
    name: &'static str,
    x: Tensor<D>,
    forward: impl FnOnce(Tensor<D>) -> Tensor<E>,
    backward: impl FnOnce(Tensor<D>, Tensor<E>) -> Tensor<D> + Clone + Send + 'static,
) -> Tensor<E> {
    unary(name, Location::caller(), x, |x| {
        let constant = if x.is_autodiff() { x.clone().inner() } else { x.clone() };
        with_backward(x, forward, move |gradient| backward(constant, gradient))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cpu, from_slice, ops, to_vec};

    fn gradient(x: f32, function: impl FnOnce(Tensor<1>) -> Tensor<1>) -> f32 {
        let x = from_slice(vec![x], [1], &cpu(true)).require_grad();
        let gradients = function(x.clone()).backward();
        x.grad(&gradients).map_or(f32::NAN, |gradient| to_vec(&gradient)[0])
    }

    #[test]
    fn a_derivative_by_hand_takes_the_place_of_the_automatic_one() {
        let naive = |x: Tensor<1>| x.exp().add_scalar(1.0).log();
        let stable = |x: Tensor<1>| {
            ops::with_gradient(
                "softplus",
                x,
                |x| x.clone().clamp_min(0.0) + x.abs().neg().exp().log1p(),
                |x, gradient| gradient * burn::tensor::activation::sigmoid(x),
            )
        };
        assert!(gradient(1000.0, naive).is_nan());
        assert_eq!(gradient(1000.0, stable), 1.0);
        assert_eq!(gradient(-1000.0, stable), 0.0);
        assert!((gradient(0.3, stable) - gradient(0.3, naive)).abs() < 1e-6);
        // The chain rule goes on on both sides: d/dx 3 softplus(2x) = 6 sigmoid(2x).
        let chained = gradient(0.5, |x| stable(x.mul_scalar(2.0)).mul_scalar(3.0));
        assert!((chained - 6.0 / (1.0 + (-1.0_f32).exp())).abs() < 1e-5, "{chained}");
    }

    #[test]
    fn a_result_of_another_shape_has_a_gradient_too() {
        let x = from_slice(vec![1.0, 2.0, 3.0, 4.0], [2, 2], &cpu(true)).require_grad();
        let sums = ops::with_gradient(
            "row_sums",
            x.clone(),
            |x| x.sum_dim(1).reshape([2]),
            |x, gradient: Tensor<1>| gradient.reshape([2, 1]) * x.ones_like(),
        );
        let gradients = (sums * from_slice(vec![10.0, 20.0], [2], &cpu(true))).sum().backward();
        assert_eq!(x.grad(&gradients).map(|gradient| to_vec(&gradient)), Some(vec![10.0, 10.0, 20.0, 20.0]));
    }

    #[test]
    fn nothing_flows_through_a_stopped_gradient() {
        // x * stop(x): only the first factor learns.
        assert_eq!(gradient(3.0, |x| x.clone() * stop_gradient(x)), 3.0);
    }
}
