//! Losses: what training makes small.

mod binary_cross_entropy;
mod cross_entropy;
mod distance;
mod hinge;
mod targets;

pub use targets::TargetTensor;

use crate::recipe::{LossKind, LossSpec, LossTakes, Reduction};
use barograph_burn::ops;
use burn::prelude::*;

/// The site of the loss's own operations.
pub const LOSS_SITE: &str = "loss";

/// A loss. Any function of outputs `[batch, outputs]` and targets that returns one number (shape `[1]`) is one.
///
/// Written with [`barograph_burn::ops`] its operations are named when one of them breaks.
///
/// ```
/// use barograph_burn::ops;
/// use barograph_train::{Loss, TargetTensor};
/// use burn::prelude::*;
///
/// let log_cosh = |outputs: Tensor<2>, targets: &TargetTensor| {
///     let error = ops::sub(outputs.clone(), targets.like(&outputs));
///     // log(cosh(x)) = x + softplus(-2x) - log(2)
///     let terms = ops::add(error.clone(), ops::softplus(ops::mul_scalar(error, -2.0), 1.0));
///     ops::sub_scalar(ops::mean(terms), std::f64::consts::LN_2)
/// };
/// # fn is_loss(_: impl Loss) {}
/// # is_loss(log_cosh);
/// ```
pub trait Loss: Send {
    /// The loss of a batch, shape `[1]`.
    fn loss(&self, outputs: Tensor<2>, targets: &TargetTensor) -> Tensor<1>;

    /// What is known of the loss besides its values. Nothing, for a custom one.
    fn describe(&self) -> LossFacts {
        LossFacts::default()
    }
}

impl<F: Fn(Tensor<2>, &TargetTensor) -> Tensor<1> + Send> Loss for F {
    fn loss(&self, outputs: Tensor<2>, targets: &TargetTensor) -> Tensor<1> {
        self(outputs, targets)
    }
}

/// What a loss says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LossFacts {
    /// Its name, `custom` for one that is not of the library.
    pub name: String,
    /// What it expects the network to put out.
    pub takes: Option<LossTakes>,
    /// How the examples of a batch become one number.
    pub reduction: Option<Reduction>,
}

impl Default for LossFacts {
    fn default() -> Self {
        Self { name: "custom".to_owned(), takes: None, reduction: None }
    }
}

impl Loss for LossSpec {
    fn loss(&self, outputs: Tensor<2>, targets: &TargetTensor) -> Tensor<1> {
        let terms = terms(self.kind, outputs, targets);
        match self.reduction {
            Reduction::Mean => ops::mean(terms),
            Reduction::Sum => ops::sum(terms),
        }
    }

    fn describe(&self) -> LossFacts {
        if self.kind == LossKind::NaiveCrossEntropy {
            // Nobody would be told what a loss written by hand is, so neither is the diagnosis.
            return LossFacts::default();
        }
        LossFacts { name: self.kind.name().to_owned(), takes: Some(self.kind.takes()), reduction: Some(self.reduction) }
    }
}

/// The terms of a loss before they become one number: one an example `[batch, 1]`, or one an output `[batch, outputs]`.
fn terms(kind: LossKind, outputs: Tensor<2>, targets: &TargetTensor) -> Tensor<2> {
    match kind {
        LossKind::CrossEntropy => cross_entropy::of_logits(outputs, targets),
        LossKind::CategoricalCrossEntropy => cross_entropy::of_distribution(outputs, targets),
        LossKind::SparseCategoricalCrossEntropy => cross_entropy::of_clamped_probabilities(outputs, targets),
        LossKind::NaiveCrossEntropy => cross_entropy::of_distribution_naively(outputs, targets),
        LossKind::NegativeLogLikelihood => cross_entropy::of_log_probabilities(outputs, targets),
        LossKind::BinaryCrossEntropy => binary_cross_entropy::of_probabilities(outputs, targets),
        LossKind::BinaryCrossEntropyLogits => binary_cross_entropy::of_logits(outputs, targets),
        LossKind::Mse => distance::squared(outputs, targets),
        LossKind::HalfMse => ops::mul_scalar(distance::squared(outputs, targets), 0.5),
        LossKind::Mae => distance::absolute(outputs, targets),
        LossKind::Huber { delta } => distance::huber(outputs, targets, delta),
        LossKind::Hinge => hinge::hinge(outputs, targets),
    }
}
