//! What is added to the loss for a weight.
use crate::recipe::{OrthogonalMode, RegularizerKind};
use barograph_burn::{from_slice, ops};
use burn::prelude::*;

/// What is added to the loss for a weight, seen as `[units, inputs]`: one row holds all that a unit sums over (a bias is one row). Any function of
/// that which returns one number (shape `[1]`) is one.
///
/// Written with [`barograph_burn::ops`] its operations are named when one of them breaks.
pub trait Regularizer: Send + Sync {
    /// What is added, shape `[1]`.
    fn penalty(&self, weight: Tensor<2>) -> Tensor<1>;
}

impl<F: Fn(Tensor<2>) -> Tensor<1> + Send + Sync> Regularizer for F {
    fn penalty(&self, weight: Tensor<2>) -> Tensor<1> {
        self(weight)
    }
}

impl Regularizer for RegularizerKind {
    fn penalty(&self, weight: Tensor<2>) -> Tensor<1> {
        match *self {
            Self::None => from_slice(vec![0.0], [1], &weight.device()),
            Self::L1 { factor } => magnitudes(weight, factor),
            Self::L2 { factor } => squares(weight, factor),
            Self::L1L2 { l1, l2 } => ops::add(magnitudes(weight.clone(), l1), squares(weight, l2)),
            Self::Orthogonal { factor, mode } => match mode {
                OrthogonalMode::Columns => cosines(weight, factor),
                OrthogonalMode::Rows => cosines(ops::swap_axes(weight, 0, 1), factor),
            },
        }
    }
}

fn magnitudes(weight: Tensor<2>, factor: f64) -> Tensor<1> {
    ops::mul_scalar(ops::sum(ops::abs(weight)), factor)
}

fn squares(weight: Tensor<2>, factor: f64) -> Tensor<1> {
    ops::mul_scalar(ops::sum(ops::square(weight)), factor)
}

/// `factor` times the mean magnitude of the cosine between two different rows.
fn cosines(rows: Tensor<2>, factor: f64) -> Tensor<1> {
    /// What a smaller squared length counts as, as in Keras.
    const SHORTEST: f64 = 1e-12;
    let (count, device) = (rows.dims()[0], rows.device());
    let length = ops::sqrt(ops::clamp_min(ops::sum_dim(ops::square(rows.clone()), 1), SHORTEST));
    let directions = ops::div(rows, length);
    let cosines = ops::matmul(directions.clone(), ops::swap_axes(directions, 0, 1));
    let different =
        (0..count * count).map(|place| if place / count.max(1) == place % count.max(1) { 0.0 } else { 1.0 });
    let cosines = ops::mul(cosines, from_slice(different.collect(), [count, count], &device));
    let pairs = (count * count.saturating_sub(1)).max(1);
    ops::mul_scalar(ops::sum(ops::abs(cosines)), factor / pairs as f64)
}
