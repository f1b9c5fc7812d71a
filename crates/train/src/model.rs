//! What can be trained.
use crate::layers::CarriedState;
use crate::recipe::RegularizerKind;
use crate::weight_rules::WeightRule;
use barograph_vocab::{FactKey, FactValue};
use burn::module::Module;
use burn::prelude::*;

/// A network that the [`crate::Trainer`] can train: any burn module with a forward pass over `[batch, features]`.
///
/// ```
/// use barograph_train::Model;
/// use burn::{module::Module, nn::Linear, prelude::*};
///
/// #[derive(Module, Debug)]
/// struct TwoLayers {
///     hidden: Linear,
///     output: Linear,
/// }
///
/// impl Model for TwoLayers {
///     fn forward(&self, x: Tensor<2>) -> Tensor<2> {
///         let x = barograph_burn::tap("hidden", burn::tensor::activation::relu(self.hidden.forward(x)));
///         barograph_burn::tap("output", self.output.forward(x))
///     }
/// }
/// ```
pub trait Model: Module {
    /// Maps `[batch, features]` to `[batch, outputs]`.
    fn forward(&self, inputs: Tensor<2>) -> Tensor<2>;

    /// Called before the forward pass of each training step, for models that keep something from step to step.
    fn begin_step(&self, epoch: u64) {
        let _ = epoch;
    }

    /// What the model keeps from step to step besides weights and buffers. A backup holds it.
    fn carried(&self) -> Vec<CarriedState> {
        Vec::new()
    }

    /// Takes back what [`Model::carried`] gave: all of it, so that what is not in the list is forgotten.
    fn set_carried(&self, carried: &[CarriedState]) {
        let _ = carried;
    }

    /// The site under which a weight is shown, given the dotted path of its fields. The same, unless the model knows better.
    fn site_of(&self, path: &str) -> String {
        path.to_owned()
    }

    /// What the model says of its layers.
    fn facts(&self) -> Vec<LayerFact> {
        Vec::new()
    }

    /// Whether [`Model::check_inputs`] ever refuses a row; rows are not read for it otherwise.
    fn checks_inputs(&self) -> bool {
        true
    }

    /// What is added to the loss for the activations at some sites.
    fn activity_regularizers(&self) -> Vec<(String, RegularizerKind)> {
        Vec::new()
    }

    /// What is asked of the model's weights in training besides a small loss.
    fn weight_rules(&self) -> Vec<WeightRule> {
        Vec::new()
    }

    /// Whether its inputs are numbers of things, such as tokens, and no measures: then nobody asks for their scale.
    fn takes_names(&self) -> bool {
        false
    }

    /// Whether the model can take this row of inputs; asked for every row, before the first step.
    ///
    /// # Errors
    /// What is wrong with which column, and what to do.
    fn check_inputs(&self, row: &[f32]) -> Result<(), String> {
        let _ = row;
        Ok(())
    }

    /// Values that are not weights and belong to the model, such as running means, by name. Those that burn's own layers keep need not be named.
    fn buffers(&self) -> Vec<(String, Vec<f32>)> {
        Vec::new()
    }

    /// Sets a buffer; `false` when there is none of this name and length.
    fn set_buffer(&self, name: &str, values: Vec<f32>) -> bool {
        let _ = (name, values);
        false
    }
}

/// Something a model says of one of its layers.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerFact {
    /// The layer's site.
    pub site: String,
    /// What it is about.
    pub key: FactKey,
    /// The value.
    pub value: FactValue,
}
