//! Losses: what training makes small.

mod binary_cross_entropy;
mod class_options;
mod cosine;
mod cross_entropy;
pub(crate) mod ctc;
mod distance;
mod focal;
mod generalized_cross_entropy;
mod hinge;
mod huber;
mod kl_divergence;
mod log_cosh;
mod overlap;
mod parts;
mod poisson;
mod quantile;
mod relative;
mod targets;

pub(crate) use parts::OutputLosses;
pub use parts::recipe_loss;
pub use parts::{LossPart, Output};
pub use targets::TargetTensor;

use crate::recipe::{LossKind, LossSpec, LossTakes, LossWants, Reduction};
use barograph_burn::{Scope, ops};
use burn::prelude::*;
use class_options::ClassOptions;

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

    /// The terms that the loss is the sum of, each times its weight: one without a name, unless the loss knows better.
    fn parts(&self, outputs: Tensor<2>, targets: &TargetTensor) -> Vec<LossPart> {
        vec![LossPart::whole(self.loss(outputs, targets))]
    }

    /// Whether [`Loss::weighted_parts`] can be asked for. A function that gives one number for the whole batch cannot weigh its examples.
    fn weighs_examples(&self) -> bool {
        false
    }

    /// The terms of a batch whose examples count by their weights, `[batch, 1]`: the loss of each is multiplied by its weight, and a mean is
    /// divided by what it is divided by without them, the number of examples, as Keras does with a `sample_weight`. Only asked for where
    /// [`Loss::weighs_examples`].
    fn weighted_parts(&self, outputs: Tensor<2>, targets: &TargetTensor, _weights: &Tensor<2>) -> Vec<LossPart> {
        self.parts(outputs, targets)
    }

    /// The outputs of a recipe that has several.
    #[doc(hidden)]
    fn outputs(&self) -> &[Output] {
        &[]
    }

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

/// The loss of its kind, the mean over the examples.
impl Loss for LossKind {
    fn loss(&self, outputs: Tensor<2>, targets: &TargetTensor) -> Tensor<1> {
        LossSpec::from(*self).loss(outputs, targets)
    }

    fn weighs_examples(&self) -> bool {
        true
    }

    fn weighted_parts(&self, outputs: Tensor<2>, targets: &TargetTensor, weights: &Tensor<2>) -> Vec<LossPart> {
        LossSpec::from(*self).weighted_parts(outputs, targets, weights)
    }

    fn describe(&self) -> LossFacts {
        LossSpec::from(*self).describe()
    }
}

impl Loss for LossSpec {
    fn loss(&self, outputs: Tensor<2>, targets: &TargetTensor) -> Tensor<1> {
        self.value(outputs, targets, None)
    }

    fn weighs_examples(&self) -> bool {
        true
    }

    fn weighted_parts(&self, outputs: Tensor<2>, targets: &TargetTensor, weights: &Tensor<2>) -> Vec<LossPart> {
        vec![LossPart::whole(self.value(outputs, targets, Some(weights)))]
    }

    fn describe(&self) -> LossFacts {
        if self.kind == LossKind::NaiveCrossEntropy {
            // Nobody would be told what a loss written by hand is, so neither is the diagnosis.
            return LossFacts::default();
        }
        LossFacts { name: self.kind.name().to_owned(), takes: Some(self.kind.takes()), reduction: Some(self.reduction) }
    }
}

/// A mask of time steps `[batch, time]` for outputs `[batch, time * features]`.
fn over_features(mask: Tensor<2>, outputs: &Tensor<2>) -> Option<Tensor<2>> {
    let ([batch, width], [rows, time]) = (outputs.dims(), mask.dims());
    if rows != batch || time == 0 || !width.is_multiple_of(time) {
        return None;
    }
    let wide = ops::reshape(mask, [batch, time, 1]).expand([batch, time, width / time]);
    Some(ops::reshape(wide, [batch, width]))
}

/// The weights of examples `[batch, 1]` for terms of which each example has several that follow one another: one a time step.
fn over_steps(weights: &Tensor<2>, rows: usize) -> Tensor<2> {
    let batch = weights.dims()[0];
    if rows == batch || batch == 0 {
        return weights.clone();
    }
    ops::reshape(weights.clone().expand([batch, rows / batch]), [rows, 1])
}

impl LossSpec {
    /// The loss of a batch, whose examples count by their weights `[batch, 1]` where there are some.
    pub(super) fn value(&self, outputs: Tensor<2>, targets: &TargetTensor, weights: Option<&Tensor<2>>) -> Tensor<1> {
        let unrolled = if self.kind.wants() == LossWants::Classes { targets.unrolled(&outputs) } else { None };
        let mask = Scope::mask();
        match unrolled {
            None => {
                let counts = mask.and_then(|mask| over_features(mask, &outputs));
                self.reduced(outputs, targets, counts, weights)
            }
            Some((outputs, targets, counts)) => {
                let steps = counts.dims();
                let mask = mask.filter(|mask| mask.dims()[0] * mask.dims()[1] == steps[0]);
                let counts = match mask {
                    Some(mask) => ops::mul(counts, ops::reshape(mask, steps)),
                    None => counts,
                };
                self.reduced(outputs, &targets, Some(counts), weights)
            }
        }
    }

    /// The terms as one number. `counts` says how much each term counts, where not all count alike, and `examples` how much each example
    /// does, which is not divided by.
    fn reduced(
        &self,
        outputs: Tensor<2>,
        targets: &TargetTensor,
        counts: Option<Tensor<2>>,
        examples: Option<&Tensor<2>>,
    ) -> Tensor<1> {
        let options = ClassOptions::new(self);
        let weights = options.of_terms(&self.kind, targets, &outputs);
        let mut terms = terms(self.kind, outputs, targets, &options);
        if let (Some(weights), true) = (&weights, !self.kind.smooths() || self.kind.wants() == LossWants::Flags) {
            // The cross-entropies of classes have weighed their terms already: smoothing puts a part of each on other classes.
            terms = ops::mul(terms, weights.clone());
        }
        // Terms that are one for a whole example count all.
        let counts = counts.filter(|counts| counts.dims() == terms.dims());
        if let Some(counts) = &counts {
            terms = ops::mul(terms, counts.clone());
        }
        if let Some(examples) = examples {
            let rows = terms.dims()[0];
            terms = ops::mul(terms, over_steps(examples, rows));
        }
        let weights = match (weights, counts) {
            (Some(weights), Some(counts)) => Some(ops::mul(weights, counts)),
            (weights, counts) => weights.or(counts),
        };
        match (self.reduction, weights) {
            (Reduction::Sum, _) => ops::sum(terms),
            (Reduction::Mean, None) => ops::mean(terms),
            (Reduction::Mean, Some(weights)) => {
                // Where nothing counts the loss is 0.
                ops::div(ops::sum(terms), ops::clamp_min(ops::sum(weights), f64::from(f32::MIN_POSITIVE)))
            }
        }
    }
}

/// The terms of a loss before they become one number: one an example `[batch, 1]`, or one an output `[batch, outputs]`.
fn terms(kind: LossKind, outputs: Tensor<2>, targets: &TargetTensor, options: &ClassOptions<'_>) -> Tensor<2> {
    let flags = |outputs: &Tensor<2>| options.smoothed_flags(targets.like(outputs));
    match kind {
        LossKind::CrossEntropy => cross_entropy::of_logits(outputs, targets, options),
        LossKind::CategoricalCrossEntropy => cross_entropy::of_distribution(outputs, targets, options),
        LossKind::SparseCategoricalCrossEntropy => cross_entropy::of_clamped_probabilities(outputs, targets, options),
        LossKind::NaiveCrossEntropy => cross_entropy::of_distribution_naively(outputs, targets),
        LossKind::NegativeLogLikelihood => cross_entropy::of_log_probabilities(outputs, targets, options),
        LossKind::Focal { gamma } => focal::of_classes(outputs, targets, gamma),
        LossKind::GeneralizedCrossEntropy { q } => generalized_cross_entropy::of_logits(outputs, targets, q),
        LossKind::KlDivergence => kl_divergence::of_logits(outputs, targets),
        LossKind::CategoricalHinge => hinge::categorical(outputs, targets),
        LossKind::BinaryCrossEntropy => binary_cross_entropy::of_probabilities(outputs.clone(), flags(&outputs)),
        LossKind::BinaryCrossEntropyLogits => binary_cross_entropy::of_logits(outputs.clone(), flags(&outputs)),
        LossKind::BinaryFocal { gamma, alpha } => focal::of_flags(outputs, targets, gamma, alpha),
        LossKind::Hinge => hinge::hinge(outputs, targets),
        LossKind::SquaredHinge => ops::square(hinge::hinge(outputs, targets)),
        LossKind::Dice => overlap::dice(outputs, targets),
        LossKind::Tversky { alpha, beta } => overlap::tversky(outputs, targets, alpha, beta),
        LossKind::Mse => distance::squared(outputs, targets),
        LossKind::HalfMse => ops::mul_scalar(distance::squared(outputs, targets), 0.5),
        LossKind::Mae => distance::absolute(outputs, targets),
        LossKind::Mape => relative::percentage(outputs, targets),
        LossKind::Msle => relative::squared_logarithmic(outputs, targets),
        LossKind::Huber { delta } => huber::huber(outputs, targets, delta),
        LossKind::SmoothL1 { beta } => ops::div_scalar(huber::huber(outputs, targets, beta), beta),
        LossKind::LogCosh => log_cosh::log_cosh(outputs, targets),
        LossKind::Quantile { q } => quantile::quantile(outputs, targets, q),
        LossKind::Poisson => poisson::of_rates(outputs, targets),
        LossKind::PoissonLog => poisson::of_logarithms(outputs, targets),
        LossKind::CosineDistance => cosine::distance(outputs, targets),
        LossKind::Ctc { classes, blank } => ctc::of_logits(outputs, targets, classes as usize, blank as usize),
    }
}

#[cfg(test)]
mod tests;
