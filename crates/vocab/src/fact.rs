//! What is known of a run besides its readings.
use crate::site::SiteId;
use std::fmt;

/// Where a fact comes from; the order is that of trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Provenance {
    /// A recipe says so.
    Declared = 0,
    /// Read off the running program: its module tree, optimizer object or autograd graph.
    Inferred = 1,
    /// Computed from the tensors themselves.
    Measured = 2,
}

impl Provenance {
    /// The name used in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Inferred => "inferred",
            Self::Measured => "measured",
        }
    }

    /// The provenance with this code, as written in a log.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::Declared, Self::Inferred, Self::Measured].get(usize::from(code)).copied()
    }
}

macro_rules! fact_keys {
    ($($(#[$doc:meta])+ $Key:ident = $code:literal, $name:literal;)+) => {
        /// What a fact is about. Facts about one layer carry its site.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum FactKey { $($(#[$doc])+ $Key = $code),+ }

        impl FactKey {
            /// Every key, in the order of their codes.
            pub const ALL: &'static [Self] = &[$(Self::$Key),+];

            /// The name used in logs and traces.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$Key => $name),+ }
            }
        }
    };
}

fact_keys! {
    /// Text: `binary`, `multiclass`, `multilabel` or `regression`.
    Task = 0, "task";
    /// Text: the loss of the library, such as `cross_entropy`, `mse`, or `custom`.
    Loss = 1, "loss";
    /// Text: what the loss takes: `logits`, `probabilities`, `distribution` (rows that sum to 1), `real` or `unknown`.
    LossTakes = 2, "loss_takes";
    /// Text: `mean` or `sum` over the batch.
    LossReduction = 3, "loss_reduction";
    /// Text: `sgd`, `adam`, `adamw`, `rmsprop`.
    Optimizer = 4, "optimizer";
    /// Number: the base learning rate.
    LearningRate = 5, "learning_rate";
    /// Number: momentum, or beta1.
    Momentum = 6, "momentum";
    /// Number: the optimizer's epsilon.
    Epsilon = 7, "epsilon";
    /// Number: decoupled weight decay.
    WeightDecay = 8, "weight_decay";
    /// Number: the coefficient of an L2 penalty.
    L2 = 9, "l2";
    /// Number: the limit of the global gradient norm.
    ClipNorm = 10, "clip_norm";
    /// Number: rows of a batch.
    BatchSize = 11, "batch_size";
    /// Number: planned epochs.
    Epochs = 12, "epochs";
    /// Number: planned steps.
    Steps = 13, "steps";
    /// Number: rows of the training set.
    Rows = 14, "rows";
    /// Number: classes of the targets.
    Classes = 15, "classes";
    /// Text, per site: the activation function, such as `relu`.
    Activation = 16, "activation";
    /// Text, per site: the kind of layer, such as `dense`.
    Layer = 17, "layer";
    /// Text, per site: the initializer of the weights.
    Initializer = 18, "initializer";
    /// Number: trainable parameters (elements).
    Parameters = 19, "parameters";
    /// Flag, per site: whether the weight takes part in training.
    Trainable = 20, "trainable";
    /// Text: the schedule of the learning rate.
    Schedule = 21, "schedule";
    /// Number: the limit of each gradient value.
    ClipValue = 22, "clip_value";
    /// Number: coefficient of an L1 penalty.
    L1 = 23, "l1";
    /// Text: how the inputs are normalized.
    Normalize = 24, "normalize";
    /// Flag: whether batches are drawn in a new random order each epoch.
    Shuffle = 25, "shuffle";
    /// Number: the seed of the run.
    Seed = 26, "seed";
    /// Number: validation rows.
    ValidationRows = 27, "validation_rows";
    /// Number, per site: inputs that one unit sums over.
    FanIn = 28, "fan_in";
    /// Number: the rank of the process that wrote the log, from 0.
    Rank = 29, "rank";
    /// Number: processes that train together.
    WorldSize = 30, "world_size";
    /// Text: what keeps the ranks of a distributed run together: `replicated` (equal weights, gradients averaged), `sharded`
    /// (each rank holds a part of the weights) or `none` that is known.
    Parallel = 31, "parallel";
    /// Text: the element type that the forward pass computes in: `float32`, `float64`, `bfloat16` or `float16`.
    Precision = 32, "precision";
    /// Flag: whether gradients are reset before a step adds to them.
    GradientsReset = 33, "gradients_reset";
    /// Flag: whether the model was in training mode (dropout at work, batch norm over the batch) as it was trained.
    TrainingMode = 34, "training_mode";
    /// Flag, per site: whether an optimizer has the weight among its parameters.
    Optimized = 35, "optimized";
    /// Number: losses that are minimized in turn, each by an optimizer of its own, as where two models are trained against each other.
    Objectives = 36, "objectives";
}

impl FactKey {
    /// The key with this code, as written in a log.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|key| *key as u8 == code)
    }

    /// The key with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|key| key.name() == name)
    }
}

/// The value of a fact.
#[derive(Clone, Debug, PartialEq)]
pub enum FactValue {
    /// A word.
    Text(String),
    /// A number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
}

impl FactValue {
    /// The word, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is one.
    #[must_use]
    pub const fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The flag, if it is one.
    #[must_use]
    pub const fn flag(&self) -> Option<bool> {
        match self {
            Self::Flag(flag) => Some(*flag),
            _ => None,
        }
    }
}

impl fmt::Display for FactValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
            Self::Flag(flag) => write!(f, "{flag}"),
        }
    }
}

/// One thing known of the run besides its readings.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// What it is about.
    pub key: FactKey,
    /// The layer it is about, or the run.
    pub site: Option<SiteId>,
    /// The value.
    pub value: FactValue,
    /// Where it comes from.
    pub provenance: Provenance,
}
