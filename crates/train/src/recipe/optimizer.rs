//! How weights move: the optimizer, penalties on weights, and clipping of gradients.
use super::visit::{Counts, Kind, Limits, Section, Visitor};

/// Learning rate of a recipe that gives none; 0.001 is the default of Keras and torch for Adam.
pub const DEFAULT_LEARNING_RATE: f64 = 0.001;

/// An optimizer with the keys of its kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OptimizerKind {
    /// `sgd`: stochastic gradient descent.
    Sgd {
        /// `momentum`: share of the last step that is kept. Default 0; below 1.
        momentum: f64,
        /// `nesterov`: look ahead along the momentum. Default false; needs momentum.
        nesterov: bool,
    },
    /// `sgdw` (Loshchilov and Hutter 2019): gradient descent with momentum, and weight decay apart from the gradient.
    SgdW {
        /// `momentum`: share of the last step that is kept. Default 0.9; below 1.
        momentum: f64,
        /// `nesterov`: look ahead along the momentum. Default false; needs momentum.
        nesterov: bool,
        /// `decay_all`: whether weight decay also takes from biases and from the scale and shift of normalization layers, the weights of
        /// one dimension. Default false.
        decay_all: bool,
    },
    /// `adam` (Kingma and Ba 2015). Weight decay is added to the gradient.
    Adam {
        /// `beta1`: decay of the mean of gradients. Default 0.9; below 1.
        beta1: f64,
        /// `beta2`: decay of the mean of squared gradients. Default 0.999; below 1.
        beta2: f64,
        /// `epsilon`: added to the denominator. Default 1e-8.
        epsilon: f64,
    },
    /// `adamw` (Loshchilov and Hutter 2019): Adam with weight decay apart from the gradient.
    AdamW {
        /// `beta1`: decay of the mean of gradients. Default 0.9; below 1.
        beta1: f64,
        /// `beta2`: decay of the mean of squared gradients. Default 0.999; below 1.
        beta2: f64,
        /// `epsilon`: added to the denominator. Default 1e-8.
        epsilon: f64,
        /// `decay_all`: whether weight decay also takes from biases and from the scale and shift of normalization layers, the weights of
        /// one dimension. Default false.
        decay_all: bool,
    },
    /// `radam` (Liu et al. 2020): Adam that takes plain steps until its mean of squares can be trusted. Weight decay is added to the
    /// gradient.
    RAdam {
        /// `beta1`: decay of the mean of gradients. Default 0.9; below 1.
        beta1: f64,
        /// `beta2`: decay of the mean of squared gradients. Default 0.999; below 1.
        beta2: f64,
        /// `epsilon`: added to the denominator. Default 1e-8.
        epsilon: f64,
    },
    /// `nadam` (Dozat 2016): Adam with Nesterov's look ahead. Weight decay is added to the gradient.
    NAdam {
        /// `beta1`: decay of the mean of gradients. Default 0.9; below 1.
        beta1: f64,
        /// `beta2`: decay of the mean of squared gradients. Default 0.999; below 1.
        beta2: f64,
        /// `epsilon`: added to the denominator. Default 1e-8.
        epsilon: f64,
        /// `momentum_decay`: how fast the momentum grows from half of `beta1` to all of it. Default 0.004; 0 or more.
        momentum_decay: f64,
    },
    /// `qhadam` (Ma and Yarats 2019): Adam with each mean averaged with what goes into it. Weight decay is added to the gradient.
    QHAdam {
        /// `beta1`: decay of the mean of gradients. Default 0.995, as the authors advise; below 1.
        beta1: f64,
        /// `beta2`: decay of the mean of squared gradients. Default 0.999; below 1.
        beta2: f64,
        /// `nu1`: share of the mean of gradients beside the gradient itself. Default 0.7, as the authors advise; 0 to 1, where 1 is Adam.
        nu1: f64,
        /// `nu2`: share of the mean of squares beside the square itself. Default 1; 0 to 1, where 1 is Adam.
        nu2: f64,
        /// `epsilon`: added to the denominator. Default 1e-8.
        epsilon: f64,
    },
    /// `rmsprop` (Hinton 2012).
    RmsProp {
        /// `alpha`: decay of the mean of squared gradients. Default 0.9 as in Keras (torch has 0.99); below 1.
        alpha: f64,
        /// `epsilon`: added to the denominator. Default 1e-8.
        epsilon: f64,
        /// `momentum`: share of the last step that is kept. Default 0; below 1.
        momentum: f64,
    },
}

impl OptimizerKind {
    /// The word that a recipe uses.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.kind()
    }

    /// Whether weight decay also takes from weights of one dimension: biases, and the scale and shift of normalization layers.
    #[must_use]
    pub const fn decays_all(&self) -> bool {
        match *self {
            Self::AdamW { decay_all, .. } | Self::SgdW { decay_all, .. } => decay_all,
            _ => true,
        }
    }

    /// Each kind with its defaults, in the order of this page.
    #[must_use]
    pub fn all() -> Vec<Self> {
        <Self as Kind>::all()
    }

    /// Plain gradient descent.
    #[must_use]
    pub const fn sgd() -> Self {
        Self::Sgd { momentum: 0.0, nesterov: false }
    }

    /// Adam with its defaults.
    #[must_use]
    pub const fn adam() -> Self {
        Self::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }

    /// `AdamW` with its defaults.
    #[must_use]
    pub const fn adamw() -> Self {
        Self::AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay_all: false }
    }

    /// `RAdam` with its defaults.
    #[must_use]
    pub const fn radam() -> Self {
        Self::RAdam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }

    /// `NAdam` with its defaults.
    #[must_use]
    pub const fn nadam() -> Self {
        Self::NAdam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, momentum_decay: 0.004 }
    }

    /// `QHAdam` with its defaults.
    #[must_use]
    pub const fn qhadam() -> Self {
        Self::QHAdam { beta1: 0.995, beta2: 0.999, nu1: 0.7, nu2: 1.0, epsilon: 1e-8 }
    }

    /// `SGDW` with its defaults.
    #[must_use]
    pub const fn sgdw() -> Self {
        Self::SgdW { momentum: 0.9, nesterov: false, decay_all: false }
    }

    /// `RMSprop` with its defaults.
    #[must_use]
    pub const fn rmsprop() -> Self {
        Self::RmsProp { alpha: 0.9, epsilon: 1e-8, momentum: 0.0 }
    }
}

impl Kind for OptimizerKind {
    const WHAT: &'static str = "optimizer";

    fn all() -> Vec<Self> {
        vec![
            Self::sgd(),
            Self::sgdw(),
            Self::adam(),
            Self::adamw(),
            Self::radam(),
            Self::nadam(),
            Self::qhadam(),
            Self::rmsprop(),
        ]
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Sgd { .. } => "sgd",
            Self::SgdW { .. } => "sgdw",
            Self::Adam { .. } => "adam",
            Self::AdamW { .. } => "adamw",
            Self::RAdam { .. } => "radam",
            Self::NAdam { .. } => "nadam",
            Self::QHAdam { .. } => "qhadam",
            Self::RmsProp { .. } => "rmsprop",
        }
    }

    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        match self {
            Self::Sgd { momentum, nesterov } => {
                visitor.number("momentum", momentum, Limits::BELOW_ONE);
                visitor.flag("nesterov", nesterov);
            }
            Self::SgdW { momentum, nesterov, decay_all } => {
                visitor.number("momentum", momentum, Limits::BELOW_ONE);
                visitor.flag("nesterov", nesterov);
                visitor.flag("decay_all", decay_all);
            }
            Self::Adam { beta1, beta2, epsilon } | Self::RAdam { beta1, beta2, epsilon } => {
                visit_adam(visitor, beta1, beta2, epsilon);
            }
            Self::AdamW { beta1, beta2, epsilon, decay_all } => {
                visit_adam(visitor, beta1, beta2, epsilon);
                visitor.flag("decay_all", decay_all);
            }
            Self::NAdam { beta1, beta2, epsilon, momentum_decay } => {
                visit_adam(visitor, beta1, beta2, epsilon);
                visitor.number("momentum_decay", momentum_decay, Limits::NOT_NEGATIVE);
            }
            Self::QHAdam { beta1, beta2, nu1, nu2, epsilon } => {
                visit_adam(visitor, beta1, beta2, epsilon);
                visitor.number("nu1", nu1, Limits::SHARE);
                visitor.number("nu2", nu2, Limits::SHARE);
            }
            Self::RmsProp { alpha, epsilon, momentum } => {
                visitor.number("alpha", alpha, Limits::BELOW_ONE);
                visitor.number("epsilon", epsilon, Limits::NOT_NEGATIVE);
                visitor.number("momentum", momentum, Limits::BELOW_ONE);
            }
        }
    }
}

/// What Adam and its kin have in common.
fn visit_adam<V: Visitor>(visitor: &mut V, beta1: &mut f64, beta2: &mut f64, epsilon: &mut f64) {
    visitor.number("beta1", beta1, Limits::BELOW_ONE);
    visitor.number("beta2", beta2, Limits::BELOW_ONE);
    visitor.number("epsilon", epsilon, Limits::NOT_NEGATIVE);
}

/// `[optimizer]`: how weights move.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OptimizerSpec {
    /// `kind`, and the keys of that kind. Required in a recipe that has the table; without the table it is `adam`.
    pub kind: OptimizerKind,
    /// `learning_rate`: before any schedule. Default 0.001; 0 or more, where 0 changes nothing.
    pub learning_rate: f64,
    /// `weight_decay`: share of each weight that a step takes away, times the learning rate. Default 0. With `adamw` and `sgdw` biases and
    /// normalization layers are left out, unless `decay_all` is set; with the others it is for all weights, as in torch.
    pub weight_decay: f64,
    /// `lookahead_steps`: after this many steps slow weights follow, and the optimizer goes on from them (Lookahead: Zhang et al. 2019,
    /// who have 5 to 10). Default: no slow weights; 1 or more.
    pub lookahead_steps: Option<u64>,
    /// `lookahead_alpha`: how far the slow weights go towards the others each time. Default 0.5; 0 to 1, where 1 changes nothing.
    pub lookahead_alpha: f64,
}

impl Default for OptimizerSpec {
    fn default() -> Self {
        Self::from(OptimizerKind::adam())
    }
}

impl From<OptimizerKind> for OptimizerSpec {
    fn from(kind: OptimizerKind) -> Self {
        Self {
            kind,
            learning_rate: DEFAULT_LEARNING_RATE,
            weight_decay: 0.0,
            lookahead_steps: None,
            lookahead_alpha: 0.5,
        }
    }
}

impl OptimizerSpec {
    /// With this learning rate.
    #[must_use]
    pub const fn with_learning_rate(mut self, learning_rate: f64) -> Self {
        self.learning_rate = learning_rate;
        self
    }

    /// With this weight decay.
    #[must_use]
    pub const fn with_weight_decay(mut self, weight_decay: f64) -> Self {
        self.weight_decay = weight_decay;
        self
    }
}

impl Section for OptimizerSpec {
    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        visitor.kind(&mut self.kind, true);
        visitor.number("learning_rate", &mut self.learning_rate, Limits::NOT_NEGATIVE);
        visitor.number("weight_decay", &mut self.weight_decay, Limits::NOT_NEGATIVE);
        visitor.count_or_none("lookahead_steps", &mut self.lookahead_steps, Counts::from(1));
        visitor.number("lookahead_alpha", &mut self.lookahead_alpha, Limits::SHARE);
    }
}

/// `[penalty]`: what is added to the loss for large weights. Biases and normalization layers are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PenaltySpec {
    /// `l1`: times the sum of magnitudes of the weights. Default 0.
    pub l1: f64,
    /// `l2`: times the sum of squares of the weights. Default 0.
    pub l2: f64,
}

impl Section for PenaltySpec {
    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        visitor.number("l1", &mut self.l1, Limits::NOT_NEGATIVE);
        visitor.number("l2", &mut self.l2, Limits::NOT_NEGATIVE);
    }
}

/// `[clip]`: limits on gradients, applied before the optimizer. A gradient that is not finite is never clipped.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ClipSpec {
    /// `value`: largest magnitude of one element.
    pub value: Option<f64>,
    /// `tensor_norm`: largest L2 norm of the gradient of one weight tensor.
    pub tensor_norm: Option<f64>,
    /// `global_norm`: largest L2 norm of all gradients together. Not with `tensor_norm`.
    pub global_norm: Option<f64>,
}

impl Section for ClipSpec {
    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        visitor.number_or_none("value", &mut self.value, Limits::POSITIVE);
        visitor.number_or_none("tensor_norm", &mut self.tensor_norm, Limits::POSITIVE);
        visitor.number_or_none("global_norm", &mut self.global_norm, Limits::POSITIVE);
    }
}
