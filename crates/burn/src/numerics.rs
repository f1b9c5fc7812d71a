//! In which precision a step multiplies, and what its loss is multiplied with.
use burn::prelude::*;
use burn::tensor::{DType, FloatDType};
use std::cell::Cell;

/// How the steps of a thread compute, until the guard is dropped.
///
/// Weights, sums and activations stay in single precision. With `products` in half precision, matrix products and convolutions of
/// [`crate::ops`] round their inputs to it and compute in it, forward and backward; their results are single precision again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Numerics {
    /// The precision of products: `F32`, `BF16` or `F16`.
    pub products: FloatDType,
    /// What the loss is multiplied with before the backward pass; gradients of activations, which are multiplied too, are read only where
    /// it is 1.
    pub loss_factor: f64,
}

impl Default for Numerics {
    fn default() -> Self {
        Self { products: FloatDType::F32, loss_factor: 1.0 }
    }
}

thread_local! {
    static CURRENT: Cell<Numerics> = Cell::new(Numerics::default());
}

impl Numerics {
    /// Makes the calling thread compute so.
    #[must_use]
    pub fn enter(self) -> NumericsGuard {
        NumericsGuard { before: CURRENT.replace(self) }
    }

    /// How the calling thread computes.
    #[must_use]
    pub fn now() -> Self {
        CURRENT.get()
    }
}

/// Brings back how the thread computed before when it is dropped.
#[derive(Debug)]
pub struct NumericsGuard {
    before: Numerics,
}

impl Drop for NumericsGuard {
    fn drop(&mut self) {
        CURRENT.set(self.before);
    }
}

/// Whether products are in half precision.
pub(crate) fn is_mixed() -> bool {
    Numerics::now().products != FloatDType::F32
}

/// A factor of a product, in the precision of products.
pub(crate) fn narrowed<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let products = Numerics::now().products;
    if products == FloatDType::F32 || x.dtype() != DType::F32 { x } else { x.cast(products) }
}

/// The result of a product, in single precision.
pub(crate) fn widened<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if is_mixed() && matches!(x.dtype(), DType::F16 | DType::BF16) { x.cast(FloatDType::F32) } else { x }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cpu, from_slice, ops, to_vec};

    fn product(products: FloatDType) -> (Vec<f32>, Vec<f32>) {
        let _guard = Numerics { products, ..Numerics::default() }.enter();
        let x = from_slice(vec![1.0009, -2.0, 3.0, 0.5], [2, 2], &cpu(true));
        let weight = from_slice(vec![0.1, 0.2, 0.3, 0.4], [2, 2], &cpu(true)).require_grad();
        let y = ops::linear(x, weight.clone(), None);
        assert_eq!(y.dtype(), DType::F32);
        let gradients = ops::sum(y.clone()).backward();
        let gradient = weight.grad(&gradients).map(|gradient| {
            assert_eq!(gradient.dtype(), DType::F32);
            to_vec(&gradient)
        });
        (to_vec(&y), gradient.unwrap_or_default())
    }

    #[test]
    fn products_are_rounded_to_the_precision_forward_and_backward_and_results_are_single() {
        let (single, single_gradient) = product(FloatDType::F32);
        for (products, digits) in [(FloatDType::F16, 2.0_f32.powi(-10)), (FloatDType::BF16, 2.0_f32.powi(-7))] {
            let (half, half_gradient) = product(products);
            assert_ne!(half, single, "{products:?} computed in single precision");
            assert_ne!(half_gradient, single_gradient, "the backward pass of {products:?} was single precision");
            for (half, single) in half.iter().chain(&half_gradient).zip(single.iter().chain(&single_gradient)) {
                assert!((half - single).abs() <= 2.0 * digits * single.abs().max(1.0), "{products:?}: {half} {single}");
            }
        }
    }

    #[test]
    fn every_product_is_rounded() {
        let run = |products| {
            let _guard = Numerics { products, ..Numerics::default() }.enter();
            let values = |count: usize| (0..count).map(|i| (i as f32 * 0.37).sin()).collect::<Vec<f32>>();
            let device = cpu(false);
            let image = || from_slice(values(32), [1, 2, 4, 4], &device);
            let filters = || from_slice(values(36), [2, 2, 3, 3], &device);
            let matrix = || from_slice(values(16), [4, 4], &device);
            [
                to_vec(&ops::matmul(matrix(), matrix())),
                to_vec(&ops::linear(matrix(), matrix(), Some(from_slice(values(4), [4], &device)))),
                to_vec(&ops::conv2d(image(), filters(), None, [1, 1], [(1, 1), (1, 1)])),
                to_vec(&ops::conv2d_transpose(image(), filters(), None, [1, 1], [0, 0])),
                to_vec(&ops::conv1d(
                    from_slice(values(16), [1, 2, 8], &device),
                    from_slice(values(12), [2, 2, 3], &device),
                    None,
                    1,
                    (1, 1),
                )),
            ]
        };
        for (half, single) in run(FloatDType::F16).iter().zip(run(FloatDType::F32)) {
            assert_ne!(half, &single);
            assert!(half.iter().zip(single).all(|(half, single)| (half - single).abs() < 0.02));
        }
    }

    #[test]
    fn the_guard_brings_back_what_was_before() {
        {
            let _guard = Numerics { products: FloatDType::F16, loss_factor: 2.0 }.enter();
            assert!(is_mixed());
        }
        assert_eq!(Numerics::now(), Numerics::default());
    }
}
