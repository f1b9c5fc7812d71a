//! Operations that move elements and compute nothing.
use super::{binary, unary};
use burn::prelude::*;
use std::panic::Location;

/// The same elements in another shape.
///
/// # Panics
/// When the number of elements differs.
#[must_use]
#[track_caller]
pub fn reshape<const D: usize, const E: usize>(x: Tensor<D>, shape: [usize; E]) -> Tensor<E> {
    unary("reshape", Location::caller(), x, |x| x.reshape(shape))
}

/// The element of each row at that row's index: `[rows, columns]` and `[rows]` give `[rows, 1]`.
///
/// # Panics
/// When an index is outside of the columns.
#[must_use]
#[track_caller]
pub fn pick(x: Tensor<2>, index: Tensor<1, Int>) -> Tensor<2> {
    let rows = x.dims()[0];
    unary("pick", Location::caller(), x, |x| x.gather(1, index.reshape([rows, 1])))
}

/// `x` where the mask is 0, `value` where it is 1; often used with -Inf in attention.
#[must_use]
#[track_caller]
pub fn mask_fill<const D: usize>(x: Tensor<D>, mask: Tensor<D, Bool>, value: f64) -> Tensor<D> {
    unary("mask_fill", Location::caller(), x, |x| x.mask_fill(mask, value))
}

/// `x` and `y` one after the other along `axis`.
#[must_use]
#[track_caller]
pub fn concat<const D: usize>(x: Tensor<D>, y: Tensor<D>, axis: usize) -> Tensor<D> {
    binary("concat", Location::caller(), ("first", x), ("second", y), |x, y| Tensor::cat(vec![x, y], axis))
}
