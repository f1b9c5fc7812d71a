//! The keys that all recurrent layers share.
use super::layers::LARGEST_LAYER;
use super::visit::{Counts, Visitor};
use super::{ConstraintKind, Initializer, RegularizerKind, WeightSpec};

/// What all recurrent layers have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecurrentSpec {
    /// `units`: outputs of one direction. Required.
    pub units: u64,
    /// `bidirectional`: whether a second set of weights runs from the end to the beginning; there are twice as many outputs then. Default false.
    pub bidirectional: bool,
    /// `return_sequences`: whether the output of every time step comes out, or that of the last. Default false.
    pub return_sequences: bool,
    /// `stateful`: whether training reads on where the last batch ended: row for row the state is carried over, and no gradient goes back across
    /// (truncated backpropagation through time, Williams and Peng 1990). The rows must be consecutive windows, in order: set
    /// `data.shuffle = false`. Each epoch, and every evaluation, begins without a state. Default false.
    pub stateful: bool,
    /// `recurrent_initializer`: of the weight that carries the state on. Default `orthogonal`.
    pub recurrent_initializer: Initializer,
    /// `recurrent_regularizer`: of that weight. Default `none`.
    pub recurrent_regularizer: RegularizerKind,
    /// `recurrent_constraint`: of that weight. Default `none`.
    pub recurrent_constraint: ConstraintKind,
    /// `initializer` and the other keys of weights, below.
    pub weights: WeightSpec,
}

impl Default for RecurrentSpec {
    fn default() -> Self {
        Self {
            units: 0,
            bidirectional: false,
            return_sequences: false,
            stateful: false,
            recurrent_initializer: Initializer::Orthogonal,
            recurrent_regularizer: RegularizerKind::None,
            recurrent_constraint: ConstraintKind::None,
            weights: WeightSpec::default(),
        }
    }
}

impl RecurrentSpec {
    pub(crate) fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        visitor.count("units", &mut self.units, Counts::between(1, LARGEST_LAYER), true);
        visitor.flag("bidirectional", &mut self.bidirectional);
        visitor.flag("return_sequences", &mut self.return_sequences);
        visitor.flag("stateful", &mut self.stateful);
        visitor.choice("recurrent_initializer", &mut self.recurrent_initializer);
        visitor.choice("recurrent_regularizer", &mut self.recurrent_regularizer);
        visitor.choice("recurrent_constraint", &mut self.recurrent_constraint);
        self.weights.visit(visitor);
    }

    /// Outputs of one time step, of both directions together.
    #[must_use]
    pub const fn outputs(&self) -> u64 {
        if self.bidirectional { 2 * self.units } else { self.units }
    }
}
