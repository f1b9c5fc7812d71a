//! What a weight is brought back to after each update.
use crate::recipe::ConstraintKind;
use burn::prelude::*;

/// What a weight, seen as `[units, inputs]`, is brought back to after each update: one row holds all that a unit sums over (a bias is one row).
/// Any function from that to the same shape is one. It must depend on nothing else, so that a replay repeats it.
pub trait Constraint: Send + Sync {
    /// The weight that is kept, of the same shape.
    fn constrained(&self, weight: Tensor<2>) -> Tensor<2>;
}

impl<F: Fn(Tensor<2>) -> Tensor<2> + Send + Sync> Constraint for F {
    fn constrained(&self, weight: Tensor<2>) -> Tensor<2> {
        self(weight)
    }
}

/// Added to a norm that is divided by: Keras' epsilon.
const EPSILON: f64 = 1e-7;

impl Constraint for ConstraintKind {
    fn constrained(&self, weight: Tensor<2>) -> Tensor<2> {
        match *self {
            Self::None => weight,
            Self::MaxNorm { max } => scaled(weight, |norms| norms.clamp_max(max)),
            Self::MinMaxNorm { min, max, rate } => scaled(weight, |norms| {
                let wanted = norms.clone().clamp(min, max);
                wanted.mul_scalar(rate) + norms.mul_scalar(1.0 - rate)
            }),
            Self::UnitNorm => scaled(weight, |norms| norms.ones_like()),
            Self::NonNegative => weight.clamp_min(0.0),
        }
    }
}

/// Each row with another norm.
fn scaled(weight: Tensor<2>, wanted: impl FnOnce(Tensor<2>) -> Tensor<2>) -> Tensor<2> {
    let norms = weight.clone().square().sum_dim(1).sqrt();
    let factors = wanted(norms.clone()) / norms.add_scalar(EPSILON);
    weight * factors
}
