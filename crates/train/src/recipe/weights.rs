//! The keys that all layers with weights share.
use super::visit::Visitor;
use super::{ConstraintKind, Initializer, RegularizerKind};

/// The weights of a layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightSpec {
    /// `initializer`: of the weight. Default `glorot_uniform`.
    pub initializer: Initializer,
    /// `bias`: whether there is one. Default true.
    pub bias: bool,
    /// `bias_initializer`: of the bias. Default `zeros`.
    pub bias_initializer: Initializer,
    /// `trainable`: whether the optimizer changes them. Default true.
    pub trainable: bool,
    /// `regularizer`: of the weight; a penalty that is added to the loss. Default `none`.
    pub regularizer: RegularizerKind,
    /// `bias_regularizer`: of the bias. Default `none`.
    pub bias_regularizer: RegularizerKind,
    /// `activity_regularizer`: of what the layer puts out; the sum over a batch is divided by its rows. Default `none`.
    pub activity_regularizer: RegularizerKind,
    /// `constraint`: of the weight; what it is brought back to after each update. Default `none`.
    pub constraint: ConstraintKind,
    /// `bias_constraint`: of the bias. Default `none`.
    pub bias_constraint: ConstraintKind,
}

impl Default for WeightSpec {
    fn default() -> Self {
        Self {
            initializer: Initializer::GlorotUniform,
            bias: true,
            bias_initializer: Initializer::Zeros,
            trainable: true,
            regularizer: RegularizerKind::None,
            bias_regularizer: RegularizerKind::None,
            activity_regularizer: RegularizerKind::None,
            constraint: ConstraintKind::None,
            bias_constraint: ConstraintKind::None,
        }
    }
}

impl WeightSpec {
    pub(crate) fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        visitor.choice("initializer", &mut self.initializer);
        visitor.flag("bias", &mut self.bias);
        visitor.choice("bias_initializer", &mut self.bias_initializer);
        visitor.flag("trainable", &mut self.trainable);
        visitor.choice("regularizer", &mut self.regularizer);
        visitor.choice("bias_regularizer", &mut self.bias_regularizer);
        visitor.choice("activity_regularizer", &mut self.activity_regularizer);
        visitor.choice("constraint", &mut self.constraint);
        visitor.choice("bias_constraint", &mut self.bias_constraint);
    }
}
