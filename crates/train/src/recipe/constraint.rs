//! What a weight is brought back to after each update.
use super::visit::{Kind, Limits, Visitor};

/// What a weight is brought back to after each update.
///
/// Norms are those of all that one unit sums over: of a column of a dense weight, of a filter of a convolution, of a row of an embedding; a
/// bias is one vector. A recipe says `"non_negative"`, or `{ kind = "max_norm", max = 3.0 }`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ConstraintKind {
    /// `none`.
    None,
    /// `max_norm`: a longer vector is cut to `max` (Srivastava et al. 2014).
    MaxNorm {
        /// The longest norm. Default 2.
        max: f64,
    },
    /// `min_max_norm`: the norm is held between two, or moved towards them by a share.
    MinMaxNorm {
        /// The shortest norm. Default 0.
        min: f64,
        /// The longest norm. Default 1.
        max: f64,
        /// Share of the way at each update. Default 1; above 0 and at most 1.
        rate: f64,
    },
    /// `unit_norm`: every vector gets length 1.
    UnitNorm,
    /// `non_negative`: what is below 0 becomes 0.
    NonNegative,
}

impl Kind for ConstraintKind {
    const WHAT: &'static str = "constraint";

    fn all() -> Vec<Self> {
        vec![
            Self::None,
            Self::MaxNorm { max: 2.0 },
            Self::MinMaxNorm { min: 0.0, max: 1.0, rate: 1.0 },
            Self::UnitNorm,
            Self::NonNegative,
        ]
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::MaxNorm { .. } => "max_norm",
            Self::MinMaxNorm { .. } => "min_max_norm",
            Self::UnitNorm => "unit_norm",
            Self::NonNegative => "non_negative",
        }
    }

    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        match self {
            Self::None | Self::UnitNorm | Self::NonNegative => {}
            Self::MaxNorm { max } => visitor.number("max", max, Limits::POSITIVE),
            Self::MinMaxNorm { min, max, rate } => {
                visitor.number("min", min, Limits::NOT_NEGATIVE);
                visitor.number("max", max, Limits::POSITIVE);
                visitor.number("rate", rate, Limits::ABOVE_ZERO_TO_ONE);
            }
        }
    }
}
