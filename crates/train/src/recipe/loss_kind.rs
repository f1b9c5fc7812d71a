//! The losses of the library.
use super::LossTakes;
use super::visit::{Counts, Kind, Limits, Visitor};

/// A loss of the library. `x` or `p` is an output, `t` its target; classes are compared one-hot. Of losses with one term an output the
/// mean over the outputs is taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LossKind {
    /// `cross_entropy`: `-sum(t ln softmax(x))` in one stable step. Takes logits; 0 or more. Of several target columns that are no classes, one
    /// for each output, each row is a distribution.
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
    /// `focal`: `-(1 - p)^gamma ln p` of the right class, with `p = softmax(x)`: examples that are easy count little (Lin et al. 2017).
    /// Takes logits; 0 or more.
    Focal {
        /// `gamma`: how little; 0 is `cross_entropy`. Default 2.
        gamma: f64,
    },
    /// `generalized_cross_entropy`: `(1 - p^q) / q` of the right class, with `p = softmax(x)`: bears wrong labels (Zhang and Sabuncu 2018).
    /// Takes logits; from 0 to `1 / q`.
    GeneralizedCrossEntropy {
        /// `q`: towards 0 it is `cross_entropy`, at 1 the mean absolute error of `p`. Default 0.5; above 0 and at most 1.
        q: f64,
    },
    /// `kl_divergence`: `sum(t ln(t / softmax(x)))` to the distribution in the target columns (Kullback and Leibler 1951), where a `t` of
    /// 0 adds 0. Takes logits; 0 or more.
    KlDivergence,
    /// `categorical_hinge`: `max(0, 1 + x' - x)`, with `x` of the right class and `x'` the largest of the others (Crammer and Singer
    /// 2001). Takes scores.
    CategoricalHinge,
    /// `binary_cross_entropy`: takes probabilities, clamped to 1e-7 ..= 1 - 1e-7; the mean over the outputs.
    BinaryCrossEntropy,
    /// `binary_cross_entropy_logits`: sigmoid and logarithm in one stable step. Takes logits.
    BinaryCrossEntropyLogits,
    /// `binary_focal`: `-(1 - p)^gamma ln p` with `p = sigmoid(x)`, or 1 less that where the target is 0 (Lin et al. 2017). Takes logits.
    BinaryFocal {
        /// `gamma`: how little easy examples count. Default 2.
        gamma: f64,
        /// `alpha`: weight of targets 1; those of 0 get 1 less it. Default: none, both count alike; from 0 to 1.
        alpha: Option<f64>,
    },
    /// `hinge`: `max(0, 1 - t x)` with targets -1 and 1 (0 is read as -1). Takes scores.
    Hinge,
    /// `squared_hinge`: the square of `hinge`.
    SquaredHinge,
    /// `dice`: `1 - (2 sum(t p) + 1e-7) / (sum(t) + sum(p) + 1e-7)` over the outputs of an example (Milletari et al. 2016). Takes
    /// probabilities; from 0 to 1.
    Dice,
    /// `tversky`: `1 - (sum(t p) + 1e-7) / (sum(t p) + alpha sum((1 - t) p) + beta sum(t (1 - p)) + 1e-7)` over the outputs of an example
    /// (Salehi et al. 2017). Takes probabilities; from 0 to 1.
    Tversky {
        /// `alpha`: weight of what is wrongly found. Default 0.5.
        alpha: f64,
        /// `beta`: weight of what is missed. Default 0.5.
        beta: f64,
    },
    /// `mse`: `(p - t)^2`, the mean over the outputs.
    Mse,
    /// `half_mse`: half of `mse`.
    HalfMse,
    /// `mae`: `|p - t|`, the mean over the outputs.
    Mae,
    /// `mape`: `100 |p - t| / |t|`, in percent, where a `|t|` below 1e-7 counts as that.
    Mape,
    /// `msle`: `(ln(1 + p) - ln(1 + t))^2`, where numbers below 1e-7 count as that, as in Keras.
    Msle,
    /// `huber`: `(p - t)^2 / 2` up to `delta`, then linear (Huber 1964); the mean over the outputs.
    Huber {
        /// `delta`: where the square turns into a line. Default 1.
        delta: f64,
    },
    /// `smooth_l1`: `huber` divided by its `delta`, here `beta` (Girshick 2015): near 0 for a small `beta` it is `mae`.
    SmoothL1 {
        /// `beta`: where the square turns into a line. Default 1.
        beta: f64,
    },
    /// `log_cosh`: `ln cosh(p - t)`: about half the square near 0 and a line far out.
    LogCosh,
    /// `quantile`: `max(q (t - p), (q - 1)(t - p))`, whose smallest mean is at that quantile of the targets (Koenker and Bassett 1978).
    Quantile {
        /// `q`: 0.5 learns the median, 0.9 what nine of ten targets stay below. Default 0.5; above 0 and below 1.
        q: f64,
    },
    /// `poisson`: `p - t ln(p + 1e-7)` for counts, less a constant. Takes rates, which must not be negative: end in `softplus`.
    Poisson,
    /// `poisson_log`: `exp(x) - t x`: the same of logarithms of rates.
    PoissonLog,
    /// `cosine_distance`: 1 less the cosine of the angle between outputs and targets of an example; a vector of zeros is at 1 from every
    /// other. From 0 to 2: Keras' cosine similarity loss plus 1.
    CosineDistance,
    /// `ctc`: minus the log-probability of all alignments of the labels to the time steps (Graves et al. 2006). Takes logits, `[time, classes]`,
    /// as a dense layer on a sequence puts them out. The target columns hold the labels in order; after the last of them, cells hold
    /// -1 or the blank.
    Ctc {
        /// `classes`: of one time step, the blank among them. Required.
        classes: u64,
        /// `blank`: the class that is no label. Default 0.
        blank: u64,
    },
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
            Self::CrossEntropy
            | Self::Focal { .. }
            | Self::GeneralizedCrossEntropy { .. }
            | Self::KlDivergence
            | Self::BinaryCrossEntropyLogits
            | Self::BinaryFocal { .. } => LossTakes::Logits,
            Self::CategoricalCrossEntropy | Self::SparseCategoricalCrossEntropy | Self::NaiveCrossEntropy => {
                LossTakes::Distribution
            }
            Self::NegativeLogLikelihood => LossTakes::LogProbabilities,
            Self::BinaryCrossEntropy | Self::Dice | Self::Tversky { .. } => LossTakes::Probabilities,
            Self::Ctc { .. } => LossTakes::StepLogits,
            _ => LossTakes::Real,
        }
    }

    /// What the targets of the loss are.
    #[must_use]
    pub const fn wants(&self) -> LossWants {
        match self {
            Self::CrossEntropy
            | Self::CategoricalCrossEntropy
            | Self::SparseCategoricalCrossEntropy
            | Self::NaiveCrossEntropy
            | Self::NegativeLogLikelihood
            | Self::Focal { .. }
            | Self::GeneralizedCrossEntropy { .. }
            | Self::KlDivergence
            | Self::CategoricalHinge => LossWants::Classes,
            Self::BinaryCrossEntropy
            | Self::BinaryCrossEntropyLogits
            | Self::BinaryFocal { .. }
            | Self::Hinge
            | Self::SquaredHinge
            | Self::Dice
            | Self::Tversky { .. } => LossWants::Flags,
            Self::Ctc { .. } => LossWants::Labels,
            _ => LossWants::Numbers,
        }
    }

    /// Whether the targets of the loss can be smoothed.
    pub(crate) const fn smooths(&self) -> bool {
        matches!(
            self,
            Self::CrossEntropy
                | Self::CategoricalCrossEntropy
                | Self::SparseCategoricalCrossEntropy
                | Self::NegativeLogLikelihood
                | Self::BinaryCrossEntropy
                | Self::BinaryCrossEntropyLogits
        )
    }

    /// Whether the loss can weigh its classes.
    pub(crate) const fn weighs(&self) -> bool {
        self.smooths()
            || matches!(self, Self::Focal { .. } | Self::GeneralizedCrossEntropy { .. } | Self::CategoricalHinge)
    }
}

/// What the targets of a loss are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossWants {
    /// One class of several, or a share of each.
    Classes,
    /// Yes or no, for each output.
    Flags,
    /// Numbers.
    Numbers,
    /// Class numbers in order, fewer than there are columns.
    Labels,
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
            Self::Focal { gamma: 2.0 },
            Self::GeneralizedCrossEntropy { q: 0.5 },
            Self::KlDivergence,
            Self::CategoricalHinge,
            Self::BinaryCrossEntropy,
            Self::BinaryCrossEntropyLogits,
            Self::BinaryFocal { gamma: 2.0, alpha: None },
            Self::Hinge,
            Self::SquaredHinge,
            Self::Dice,
            Self::Tversky { alpha: 0.5, beta: 0.5 },
            Self::Mse,
            Self::HalfMse,
            Self::Mae,
            Self::Mape,
            Self::Msle,
            Self::Huber { delta: 1.0 },
            Self::SmoothL1 { beta: 1.0 },
            Self::LogCosh,
            Self::Quantile { q: 0.5 },
            Self::Poisson,
            Self::PoissonLog,
            Self::CosineDistance,
            Self::Ctc { classes: 0, blank: 0 },
        ]
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::CrossEntropy => "cross_entropy",
            Self::CategoricalCrossEntropy => "categorical_cross_entropy",
            Self::SparseCategoricalCrossEntropy => "sparse_categorical_cross_entropy",
            Self::NaiveCrossEntropy => "naive_cross_entropy",
            Self::NegativeLogLikelihood => "negative_log_likelihood",
            Self::Focal { .. } => "focal",
            Self::GeneralizedCrossEntropy { .. } => "generalized_cross_entropy",
            Self::KlDivergence => "kl_divergence",
            Self::CategoricalHinge => "categorical_hinge",
            Self::BinaryCrossEntropy => "binary_cross_entropy",
            Self::BinaryCrossEntropyLogits => "binary_cross_entropy_logits",
            Self::BinaryFocal { .. } => "binary_focal",
            Self::Hinge => "hinge",
            Self::SquaredHinge => "squared_hinge",
            Self::Dice => "dice",
            Self::Tversky { .. } => "tversky",
            Self::Mse => "mse",
            Self::HalfMse => "half_mse",
            Self::Mae => "mae",
            Self::Mape => "mape",
            Self::Msle => "msle",
            Self::Huber { .. } => "huber",
            Self::SmoothL1 { .. } => "smooth_l1",
            Self::LogCosh => "log_cosh",
            Self::Quantile { .. } => "quantile",
            Self::Poisson => "poisson",
            Self::PoissonLog => "poisson_log",
            Self::CosineDistance => "cosine_distance",
            Self::Ctc { .. } => "ctc",
        }
    }

    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        match self {
            Self::Huber { delta } => visitor.number("delta", delta, Limits::POSITIVE),
            Self::SmoothL1 { beta } => visitor.number("beta", beta, Limits::POSITIVE),
            Self::Focal { gamma } => visitor.number("gamma", gamma, Limits::NOT_NEGATIVE),
            Self::GeneralizedCrossEntropy { q } => visitor.number("q", q, Limits::ABOVE_ZERO_TO_ONE),
            Self::BinaryFocal { gamma, alpha } => {
                visitor.number("gamma", gamma, Limits::NOT_NEGATIVE);
                visitor.number_or_none("alpha", alpha, Limits::SHARE);
            }
            Self::Tversky { alpha, beta } => {
                visitor.number("alpha", alpha, Limits::NOT_NEGATIVE);
                visitor.number("beta", beta, Limits::NOT_NEGATIVE);
            }
            Self::Quantile { q } => visitor.number("q", q, Limits::SHRINKING),
            Self::Ctc { classes, blank } => {
                visitor.count("classes", classes, Counts::between(2, super::LARGEST_LAYER), true);
                visitor.count("blank", blank, Counts::between(0, super::LARGEST_LAYER), false);
            }
            _ => {}
        }
    }
}
