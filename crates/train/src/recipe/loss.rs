//! What training makes small.
use super::LossKind;
use super::visit::{Limits, Section, Visitor, words};

words! {
    /// How the losses of the examples of a batch become one number.
    Reduction, "reduction", {
        /// Their mean: the gradient does not depend on the size of the batch.
        Mean = "mean",
        /// Their sum: the gradient grows with the batch.
        Sum = "sum",
    }
}

words! {
    /// What a loss expects the network to put out.
    LossTakes, "output", {
        /// Raw scores; the loss applies the sigmoid or softmax itself.
        Logits = "logits",
        /// Probabilities from 0 to 1, each on its own.
        Probabilities = "probabilities",
        /// Probabilities that sum to 1 over the outputs.
        Distribution = "distribution",
        /// Logarithms of probabilities that sum to 1.
        LogProbabilities = "log_probabilities",
        /// Any number.
        Real = "real",
        /// Raw scores of each class at each time step.
        StepLogits = "step_logits",
    }
}

/// `[loss]`: what training makes small.
#[derive(Clone, Debug, PartialEq)]
pub struct LossSpec {
    /// `kind`, and the keys of that kind. Required in a recipe.
    pub kind: LossKind,
    /// `reduction`: over the examples of a batch. Default `mean`.
    /// With `sum`, `mse` and `mae` also sum over the outputs: the summed squared error.
    pub reduction: Reduction,
    /// `label_smoothing`: share of each target that is spread evenly over the classes (Szegedy et al. 2016), for the cross-entropies and
    /// `negative_log_likelihood`. Default 0; below 1.
    pub label_smoothing: f64,
    /// `class_weights`: one number for each class (for yes or no: of 0, then of 1), by which its examples count, for the losses of classes.
    /// The mean is divided by the sum of the weights, as in torch. Default: all alike.
    pub class_weights: Vec<f64>,
}

impl Default for LossSpec {
    fn default() -> Self {
        Self::from(LossKind::Mse)
    }
}

impl From<LossKind> for LossSpec {
    fn from(kind: LossKind) -> Self {
        Self { kind, reduction: Reduction::Mean, label_smoothing: 0.0, class_weights: Vec::new() }
    }
}

impl Section for LossSpec {
    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        visitor.kind(&mut self.kind, true);
        visitor.word("reduction", &mut self.reduction);
        visitor.number("label_smoothing", &mut self.label_smoothing, Limits::BELOW_ONE);
        visitor.numbers_or_none("class_weights", &mut self.class_weights, Limits::NOT_NEGATIVE);
    }
}
