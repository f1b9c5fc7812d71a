//! The keys that all layers with weights share.
use super::Initializer;
use super::visit::Visitor;

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
}

impl Default for WeightSpec {
    fn default() -> Self {
        Self {
            initializer: Initializer::GlorotUniform,
            bias: true,
            bias_initializer: Initializer::Zeros,
            trainable: true,
        }
    }
}

impl WeightSpec {
    pub(crate) fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        visitor.choice("initializer", &mut self.initializer);
        visitor.flag("bias", &mut self.bias);
        visitor.choice("bias_initializer", &mut self.bias_initializer);
        visitor.flag("trainable", &mut self.trainable);
    }
}
