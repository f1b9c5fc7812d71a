//! What training makes small.
use super::visit::{Kind, Limits, Section, Visitor, words};

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
    }
}

/// A loss of the library. `p` is an output, `t` its target; classes are compared one-hot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LossKind {
    /// `cross_entropy`: softmax and logarithm in one stable step. Takes logits.
    CrossEntropy,
    /// `categorical_cross_entropy`: `-sum(t ln p)` over one-hot classes. Takes probabilities; like Keras, each row is divided by its
    /// sum and clamped to 1e-7 ..= 1 - 1e-7.
    CategoricalCrossEntropy,
    /// `sparse_categorical_cross_entropy`: the same for class numbers. Like Keras, probabilities are clamped, then their logarithms
    /// go through a log-softmax.
    SparseCategoricalCrossEntropy,
    /// `naive_cross_entropy`: `-sum(t ln p)` as it is often written by hand, without a clamp: a probability of 0 makes it NaN. Takes
    /// probabilities. It is here to be studied; train with `cross_entropy`. Like any loss written by hand it is `custom` to the diagnosis.
    NaiveCrossEntropy,
    /// `negative_log_likelihood`: minus the output of the right class. Takes logarithms of probabilities (`log_softmax`).
    NegativeLogLikelihood,
    /// `binary_cross_entropy`: takes probabilities, clamped to 1e-7 ..= 1 - 1e-7; the mean over the outputs.
    BinaryCrossEntropy,
    /// `binary_cross_entropy_logits`: sigmoid and logarithm in one stable step. Takes logits.
    BinaryCrossEntropyLogits,
    /// `mse`: `(p - t)^2`, the mean over the outputs.
    Mse,
    /// `half_mse`: half of `mse`.
    HalfMse,
    /// `mae`: `|p - t|`, the mean over the outputs.
    Mae,
    /// `huber`: `(p - t)^2 / 2` up to `delta`, then linear; the mean over the outputs.
    Huber {
        /// `delta`: where the square turns into a line. Default 1.
        delta: f64,
    },
    /// `hinge`: `max(0, 1 - t p)` with targets -1 and 1 (0 is read as -1).
    Hinge,
}

impl LossKind {
    /// The word that a recipe uses.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.kind()
    }

    /// What the loss expects the network to put out.
    #[must_use]
    pub const fn takes(&self) -> LossTakes {
        match self {
            Self::CrossEntropy | Self::BinaryCrossEntropyLogits => LossTakes::Logits,
            Self::CategoricalCrossEntropy | Self::SparseCategoricalCrossEntropy | Self::NaiveCrossEntropy => {
                LossTakes::Distribution
            }
            Self::NegativeLogLikelihood => LossTakes::LogProbabilities,
            Self::BinaryCrossEntropy => LossTakes::Probabilities,
            Self::Mse | Self::HalfMse | Self::Mae | Self::Huber { .. } | Self::Hinge => LossTakes::Real,
        }
    }
}

impl Kind for LossKind {
    const WHAT: &'static str = "loss";

    fn all() -> Vec<Self> {
        vec![
            Self::CrossEntropy,
            Self::CategoricalCrossEntropy,
            Self::SparseCategoricalCrossEntropy,
            Self::NaiveCrossEntropy,
            Self::NegativeLogLikelihood,
            Self::BinaryCrossEntropy,
            Self::BinaryCrossEntropyLogits,
            Self::Mse,
            Self::HalfMse,
            Self::Mae,
            Self::Huber { delta: 1.0 },
            Self::Hinge,
        ]
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::CrossEntropy => "cross_entropy",
            Self::CategoricalCrossEntropy => "categorical_cross_entropy",
            Self::SparseCategoricalCrossEntropy => "sparse_categorical_cross_entropy",
            Self::NaiveCrossEntropy => "naive_cross_entropy",
            Self::NegativeLogLikelihood => "negative_log_likelihood",
            Self::BinaryCrossEntropy => "binary_cross_entropy",
            Self::BinaryCrossEntropyLogits => "binary_cross_entropy_logits",
            Self::Mse => "mse",
            Self::HalfMse => "half_mse",
            Self::Mae => "mae",
            Self::Huber { .. } => "huber",
            Self::Hinge => "hinge",
        }
    }

    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        if let Self::Huber { delta } = self {
            visitor.number("delta", delta, Limits::POSITIVE);
        }
    }
}

/// `[loss]`: what training makes small.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossSpec {
    /// `kind`, and the keys of that kind. Required in a recipe.
    pub kind: LossKind,
    /// `reduction`: over the examples of a batch. Default `mean`.
    /// With `sum`, `mse` and `mae` also sum over the outputs: the summed squared error.
    pub reduction: Reduction,
}

impl Default for LossSpec {
    fn default() -> Self {
        Self::from(LossKind::Mse)
    }
}

impl From<LossKind> for LossSpec {
    fn from(kind: LossKind) -> Self {
        Self { kind, reduction: Reduction::Mean }
    }
}

impl Section for LossSpec {
    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        visitor.kind(&mut self.kind, true);
        visitor.word("reduction", &mut self.reduction);
    }
}
