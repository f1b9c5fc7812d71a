//! burn's operations, one by one observable.
//!
//! Each function does what burn's of the same name does, and nothing more, unless the step is being traced: then it also
//! records its inputs and its output, with the line that called it. Layers and losses that are written with these
//! functions get their first bad operation named; those written with burn's own are named as a whole.
//!
//! Reductions over a whole tensor sum in one fixed order, so that results do not depend on the number of threads.

mod elementwise;
pub mod fused;
mod gradient;
mod network;
mod reduce;
mod row_function;
mod shape;

pub use elementwise::*;
pub use gradient::*;
pub use network::*;
pub use reduce::*;
pub use row_function::*;
pub use shape::*;

use crate::trace::Recording;
use burn::prelude::*;
use std::panic::Location;

/// Runs an operation of one input.
fn unary<const A: usize, const B: usize>(
    name: &'static str,
    caller: &'static Location<'static>,
    x: Tensor<A>,
    run: impl FnOnce(Tensor<A>) -> Tensor<B>,
) -> Tensor<B> {
    match Recording::begin(name, caller) {
        None => run(x),
        Some(recording) => {
            let x = recording.input("input", x);
            recording.output(run(x))
        }
    }
}

/// Runs an operation of two inputs.
fn binary<const A: usize, const B: usize, const C: usize>(
    name: &'static str,
    caller: &'static Location<'static>,
    (left, x): (&'static str, Tensor<A>),
    (right, y): (&'static str, Tensor<B>),
    run: impl FnOnce(Tensor<A>, Tensor<B>) -> Tensor<C>,
) -> Tensor<C> {
    match Recording::begin(name, caller) {
        None => run(x, y),
        Some(recording) => {
            let (x, y) = (recording.input(left, x), recording.input(right, y));
            recording.output(run(x, y))
        }
    }
}
