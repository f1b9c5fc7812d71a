//! How the first weights are drawn.
use super::visit::{Kind, Limits, Visitor};

/// How the first weights are drawn. `fan_in` and `fan_out` count the inputs and outputs of one unit.
///
/// A recipe says `"he_normal"`, or `{ kind = "normal", std = 0.05 }` for those with a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Initializer {
    /// `glorot_uniform`: bound `sqrt(6 / (fan_in + fan_out))` (Glorot and Bengio 2010).
    GlorotUniform,
    /// `glorot_normal`: standard deviation `sqrt(2 / (fan_in + fan_out))`.
    GlorotNormal,
    /// `he_uniform`: bound `sqrt(6 / fan_in)` (He et al. 2015).
    HeUniform,
    /// `he_normal`: standard deviation `sqrt(2 / fan_in)`.
    HeNormal,
    /// `lecun_uniform`: bound `sqrt(3 / fan_in)` (`LeCun` et al. 1998).
    LecunUniform,
    /// `lecun_normal`: standard deviation `sqrt(1 / fan_in)`.
    LecunNormal,
    /// `orthogonal`: orthonormal rows or columns, whichever are fewer (Saxe et al. 2014).
    Orthogonal,
    /// `zeros`.
    Zeros,
    /// `normal` around 0.
    Normal {
        /// Standard deviation. Default 0.05.
        std: f64,
    },
    /// `truncated_normal` around 0: drawn again where it is more than two standard deviations away.
    TruncatedNormal {
        /// Standard deviation before the cut. Default 0.05.
        std: f64,
    },
    /// `uniform` from `-bound` to `bound`.
    Uniform {
        /// Largest magnitude. Default 0.05.
        bound: f64,
    },
    /// `constant`: every weight the same.
    Constant {
        /// The weight. Default 0.
        value: f64,
    },
}

impl Initializer {
    /// The word that a recipe uses.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.kind()
    }
}

impl Kind for Initializer {
    const WHAT: &'static str = "initializer";

    fn all() -> Vec<Self> {
        vec![
            Self::GlorotUniform,
            Self::GlorotNormal,
            Self::HeUniform,
            Self::HeNormal,
            Self::LecunUniform,
            Self::LecunNormal,
            Self::Orthogonal,
            Self::Zeros,
            Self::Normal { std: 0.05 },
            Self::TruncatedNormal { std: 0.05 },
            Self::Uniform { bound: 0.05 },
            Self::Constant { value: 0.0 },
        ]
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::GlorotUniform => "glorot_uniform",
            Self::GlorotNormal => "glorot_normal",
            Self::HeUniform => "he_uniform",
            Self::HeNormal => "he_normal",
            Self::LecunUniform => "lecun_uniform",
            Self::LecunNormal => "lecun_normal",
            Self::Orthogonal => "orthogonal",
            Self::Zeros => "zeros",
            Self::Normal { .. } => "normal",
            Self::TruncatedNormal { .. } => "truncated_normal",
            Self::Uniform { .. } => "uniform",
            Self::Constant { .. } => "constant",
        }
    }

    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        match self {
            Self::Normal { std } | Self::TruncatedNormal { std } => visitor.number("std", std, Limits::NOT_NEGATIVE),
            Self::Uniform { bound } => visitor.number("bound", bound, Limits::NOT_NEGATIVE),
            Self::Constant { value } => visitor.number("value", value, Limits::ANY),
            _ => {}
        }
    }
}
