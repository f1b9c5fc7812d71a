//! Operations that move elements and compute nothing.
use super::{binary, unary};
use crate::trace::Recording;
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

/// `x` where the mask is 1, `y` where it is 0; nothing of the other one comes through, not even a NaN.
#[must_use]
#[track_caller]
pub fn choose<const D: usize>(mask: Tensor<D, Bool>, x: Tensor<D>, y: Tensor<D>) -> Tensor<D> {
    binary("choose", Location::caller(), ("yes", x), ("no", y), |x, y| y.mask_where(mask, x))
}

/// `x` and `y` one after the other along `axis`.
#[must_use]
#[track_caller]
pub fn concat<const D: usize>(x: Tensor<D>, y: Tensor<D>, axis: usize) -> Tensor<D> {
    binary("concat", Location::caller(), ("first", x), ("second", y), |x, y| Tensor::cat(vec![x, y], axis))
}

/// `x` with two axes exchanged.
#[must_use]
#[track_caller]
pub fn swap_axes<const D: usize>(x: Tensor<D>, first: usize, second: usize) -> Tensor<D> {
    unary("swap_axes", Location::caller(), x, |x| x.swap_dims(first, second))
}

/// `length` places along `axis`, from `start` on.
///
/// # Panics
/// When the axis is shorter.
#[must_use]
#[track_caller]
pub fn narrow<const D: usize>(x: Tensor<D>, axis: usize, start: usize, length: usize) -> Tensor<D> {
    unary("narrow", Location::caller(), x, |x| x.narrow(axis, start, length))
}

/// The time steps of `[batch, time, features]`, each `[batch, features]`.
///
/// The sequence is halved again and again: the backward pass of one slice fills a tensor of the size of what it was cut from,
/// so that cutting all steps from the whole would cost the square of their number.
#[must_use]
pub fn unstack(x: Tensor<3>) -> Vec<Tensor<2>> {
    let [batch, time, features] = x.dims();
    if time == 0 {
        return Vec::new();
    }
    if time == 1 {
        return vec![reshape(x, [batch, features])];
    }
    let half = time / 2;
    let mut steps = unstack(narrow(x.clone(), 1, 0, half));
    steps.extend(unstack(narrow(x, 1, half, time - half)));
    steps
}

/// Time steps, each `[batch, features]`, as `[batch, time, features]`.
///
/// # Panics
/// When there are none, or their shapes differ.
#[must_use]
#[track_caller]
pub fn stack(steps: Vec<Tensor<2>>) -> Tensor<3> {
    match Recording::begin("stack", Location::caller()) {
        None => Tensor::stack(steps, 1),
        Some(recording) => {
            let steps = steps.into_iter().map(|step| recording.input("step", step)).collect();
            recording.output(Tensor::stack(steps, 1))
        }
    }
}
