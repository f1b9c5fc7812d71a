//! What is added to the loss for the weights, or the outputs, of one layer.
use super::visit::{Kind, Limits, Visitor, words};

words! {
    /// Which vectors of a matrix `[inputs, units]` an orthogonal regularizer compares.
    OrthogonalMode, "mode", {
        /// What each input gives to the units.
        Rows = "rows",
        /// What each unit takes from the inputs.
        Columns = "columns",
    }
}

/// What is added to the loss for the weights, or the outputs, of one layer, so that it stays small or keeps a form.
///
/// A recipe says `"l2"`, or `{ kind = "l2", factor = 1e-4 }`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RegularizerKind {
    /// `none`.
    None,
    /// `l1`: `factor` times the sum of the magnitudes, which drives many to 0 (Tibshirani 1996).
    L1 {
        /// Default 0.01.
        factor: f64,
    },
    /// `l2`: `factor` times the sum of the squares (Hoerl and Kennard 1970).
    L2 {
        /// Default 0.01.
        factor: f64,
    },
    /// `l1_l2`: both (Zou and Hastie 2005).
    L1L2 {
        /// Factor of the magnitudes. Default 0.01.
        l1: f64,
        /// Factor of the squares. Default 0.01.
        l2: f64,
    },
    /// `orthogonal`: `factor` times the mean magnitude of the cosine between two vectors of a weight (Brock et al. 2017). Not of biases.
    Orthogonal {
        /// Default 0.01.
        factor: f64,
        /// Which vectors. Default `rows`, as in Keras.
        mode: OrthogonalMode,
    },
}

impl Kind for RegularizerKind {
    const WHAT: &'static str = "regularizer";

    fn all() -> Vec<Self> {
        vec![
            Self::None,
            Self::L1 { factor: 0.01 },
            Self::L2 { factor: 0.01 },
            Self::L1L2 { l1: 0.01, l2: 0.01 },
            Self::Orthogonal { factor: 0.01, mode: OrthogonalMode::Rows },
        ]
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::L1 { .. } => "l1",
            Self::L2 { .. } => "l2",
            Self::L1L2 { .. } => "l1_l2",
            Self::Orthogonal { .. } => "orthogonal",
        }
    }

    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        match self {
            Self::None => {}
            Self::L1 { factor } | Self::L2 { factor } => visitor.number("factor", factor, Limits::NOT_NEGATIVE),
            Self::L1L2 { l1, l2 } => {
                visitor.number("l1", l1, Limits::NOT_NEGATIVE);
                visitor.number("l2", l2, Limits::NOT_NEGATIVE);
            }
            Self::Orthogonal { factor, mode } => {
                visitor.number("factor", factor, Limits::NOT_NEGATIVE);
                visitor.word("mode", mode);
            }
        }
    }
}
