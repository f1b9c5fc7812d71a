//! One layer of a recipe, and how code makes one.
use super::CustomSpec;
use super::layers::{EMBEDDING, LayerKind, Merge, Padding};
use super::visit::{Section, Visitor};
use super::{Activation, ConstraintKind, Initializer, RecurrentSpec, RegularizerKind, TransformerSpec, WeightSpec};
use crate::layers::{CustomLayer, Function};
use burn::prelude::*;
use std::sync::Arc;

/// `[[layers]]`: one layer. Data runs through the layers in the order of the recipe.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSpec {
    /// `name`: the site path of the layer. Default: its kind and number, `dense1`.
    pub name: Option<String>,
    /// `kind`, and the keys of that kind.
    pub kind: LayerKind,
}

impl Default for LayerSpec {
    fn default() -> Self {
        Self::flatten()
    }
}

impl Section for LayerSpec {
    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        visitor.text_or_none("name", &mut self.name);
        visitor.kind(&mut self.kind, true);
    }
}

impl From<LayerKind> for LayerSpec {
    fn from(kind: LayerKind) -> Self {
        Self { name: None, kind }
    }
}

impl LayerSpec {
    /// A dense layer of `units` outputs, linear until told otherwise.
    #[must_use]
    pub fn dense(units: u64) -> Self {
        LayerKind::Dense { units, activation: Activation::Linear, weights: WeightSpec::default() }.into()
    }

    /// A 3x3 convolution to `channels` channels that keeps the image's size, linear until told otherwise.
    #[must_use]
    pub fn conv2d(channels: u64) -> Self {
        let (activation, weights) = (Activation::Linear, WeightSpec::default());
        LayerKind::Conv2d { channels, kernel: 3, stride: 1, padding: Padding::Same, activation, weights }.into()
    }

    /// The largest value of each `size` x `size` square.
    #[must_use]
    pub fn max_pool2d(size: u64) -> Self {
        LayerKind::MaxPool2d { size, stride: None }.into()
    }

    /// The largest value of each feature over `size` time steps that follow one another.
    #[must_use]
    pub fn max_pool1d(size: u64) -> Self {
        LayerKind::MaxPool1d { size, stride: None }.into()
    }

    /// The mean of each feature over `size` time steps that follow one another.
    #[must_use]
    pub fn avg_pool1d(size: u64) -> Self {
        LayerKind::AvgPool1d { size, stride: None }.into()
    }

    /// The mean of each `size` x `size` square.
    #[must_use]
    pub fn avg_pool2d(size: u64) -> Self {
        LayerKind::AvgPool2d { size, stride: None }.into()
    }

    /// Zeros a share of `rate` of the values while training.
    #[must_use]
    pub fn dropout(rate: f64) -> Self {
        LayerKind::Dropout { rate }.into()
    }

    /// Batch normalization with its defaults.
    #[must_use]
    pub fn batch_norm() -> Self {
        LayerKind::BatchNorm { momentum: 0.1, epsilon: 1e-5, trainable: true }.into()
    }

    /// Layer normalization with its defaults.
    #[must_use]
    pub fn layer_norm() -> Self {
        LayerKind::LayerNorm { epsilon: 1e-5, trainable: true }.into()
    }

    /// An image to one row of values.
    #[must_use]
    pub fn flatten() -> Self {
        LayerKind::Flatten.into()
    }

    /// An activation function as a layer of its own.
    #[must_use]
    pub fn activation(activation: Activation) -> Self {
        LayerKind::Activation { activation }.into()
    }

    /// The same values in another shape: `[values]`, `[time, features]` or `[channels, height, width]`.
    #[must_use]
    pub fn reshape(shape: impl Into<Vec<u64>>) -> Self {
        LayerKind::Reshape { shape: shape.into() }.into()
    }

    /// Each whole number below `vocabulary` to a learned row of `dimension` numbers.
    #[must_use]
    pub fn embedding(vocabulary: u64, dimension: u64) -> Self {
        LayerKind::embedding(vocabulary, dimension).into()
    }

    /// A learned row of numbers added to each time step.
    #[must_use]
    pub fn position_embedding() -> Self {
        LayerKind::PositionEmbedding { initializer: EMBEDDING, trainable: true }.into()
    }

    /// The mean of each channel or feature.
    #[must_use]
    pub fn global_average_pool() -> Self {
        LayerKind::GlobalAveragePool.into()
    }

    /// The plain recurrent layer, which puts out the state of the last time step.
    #[must_use]
    pub fn rnn(units: u64) -> Self {
        let recurrent = RecurrentSpec { units, ..RecurrentSpec::default() };
        LayerKind::Rnn { activation: Activation::Tanh, recurrent }.into()
    }

    /// Long short-term memory, which puts out the state of the last time step.
    #[must_use]
    pub fn lstm(units: u64) -> Self {
        LayerKind::Lstm { forget_bias: 1.0, recurrent: RecurrentSpec { units, ..RecurrentSpec::default() } }.into()
    }

    /// The gated recurrent unit, which puts out the state of the last time step.
    #[must_use]
    pub fn gru(units: u64) -> Self {
        LayerKind::Gru { recurrent: RecurrentSpec { units, ..RecurrentSpec::default() } }.into()
    }

    /// Attention to the whole sequence.
    #[must_use]
    pub fn multi_head_attention(heads: u64) -> Self {
        LayerKind::MultiHeadAttention { heads, causal: false, weights: WeightSpec::default() }.into()
    }

    /// A transformer block that sees the whole sequence.
    #[must_use]
    pub fn transformer_encoder(heads: u64) -> Self {
        LayerKind::TransformerEncoder { block: TransformerSpec { heads, ..TransformerSpec::default() } }.into()
    }

    /// A transformer block in which a time step sees no later one.
    #[must_use]
    pub fn transformer_decoder(heads: u64) -> Self {
        LayerKind::TransformerDecoder { block: TransformerSpec { heads, ..TransformerSpec::default() } }.into()
    }

    /// Adds to its input what these layers make of it.
    #[must_use]
    pub fn residual(layers: impl Into<Vec<Self>>) -> Self {
        LayerKind::Residual { layers: layers.into() }.into()
    }

    /// Gives its input to each of these layers and joins their outputs along the channels.
    #[must_use]
    pub fn parallel(layers: impl Into<Vec<Self>>) -> Self {
        LayerKind::Parallel { merge: Merge::Concat, layers: layers.into() }.into()
    }

    /// An encoder for the first `source` time steps or values, and a decoder for the others, whose transformer blocks attend to what the encoder
    /// puts out.
    ///
    /// ```
    /// # use barograph_train::recipe::LayerSpec;
    /// // Six tokens of one language, then those of the other.
    /// let read = [LayerSpec::embedding(90, 16), LayerSpec::position_embedding(), LayerSpec::transformer_encoder(4)];
    /// let write = [LayerSpec::embedding(70, 16), LayerSpec::position_embedding(), LayerSpec::transformer_decoder(4)];
    /// let layers = [
    ///     LayerSpec::encoder_decoder(6, LayerSpec::sequential(read), LayerSpec::sequential(write)),
    ///     LayerSpec::dense(70),
    /// ];
    /// # assert_eq!(layers[0].kind.layers().map(<[_]>::len), Some(2));
    /// ```
    #[must_use]
    pub fn encoder_decoder(source: u64, encoder: Self, decoder: Self) -> Self {
        LayerKind::EncoderDecoder { source, layers: vec![encoder, decoder] }.into()
    }

    /// These layers one after the other.
    #[must_use]
    pub fn sequential(layers: impl Into<Vec<Self>>) -> Self {
        LayerKind::Sequential { layers: layers.into() }.into()
    }

    /// A layer that is written in Rust; `name` is written into recipe files, and names its site: `scale1`.
    #[must_use]
    pub fn custom(name: impl Into<String>, layer: impl CustomLayer + 'static) -> Self {
        LayerKind::Custom { layer: CustomSpec::new(name, Arc::new(layer)) }.into()
    }

    /// A function from `[batch, values]` to the same shape as a layer, such as an activation function of one's own.
    #[must_use]
    pub fn function(
        name: impl Into<String>,
        function: impl Fn(Tensor<2>) -> Tensor<2> + Send + Sync + 'static,
    ) -> Self {
        Self::custom(name, Function(function))
    }

    /// With this name as its site path.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// With this activation function, where the kind has one.
    #[must_use]
    pub fn with_activation(mut self, to: Activation) -> Self {
        if let Some(activation) = self.kind.activation_mut() {
            *activation = to;
        }
        self
    }

    /// With its weight drawn by this initializer, where the kind has one.
    #[must_use]
    pub fn with_initializer(mut self, to: Initializer) -> Self {
        if let Some(weights) = self.weights_mut() {
            weights.initializer = to;
        }
        self
    }

    /// With its bias drawn by this initializer, where the kind has one.
    #[must_use]
    pub fn with_bias_initializer(mut self, to: Initializer) -> Self {
        if let Some(weights) = self.weights_mut() {
            weights.bias_initializer = to;
        }
        self
    }

    /// With or without a bias, where the kind can have one.
    #[must_use]
    pub fn with_bias(mut self, to: bool) -> Self {
        if let Some(weights) = self.weights_mut() {
            weights.bias = to;
        }
        self
    }

    /// With this regularizer of its weight, where the kind has one.
    #[must_use]
    pub fn with_regularizer(mut self, to: RegularizerKind) -> Self {
        if let LayerKind::Embedding { regularizer, .. } = &mut self.kind {
            *regularizer = to;
        } else if let Some(weights) = self.weights_mut() {
            weights.regularizer = to;
        }
        self
    }

    /// With this regularizer of what it puts out, where the kind has one.
    #[must_use]
    pub fn with_activity_regularizer(mut self, to: RegularizerKind) -> Self {
        if let Some(weights) = self.weights_mut() {
            weights.activity_regularizer = to;
        }
        self
    }

    /// With this constraint of its weight, where the kind has one.
    #[must_use]
    pub fn with_constraint(mut self, to: ConstraintKind) -> Self {
        if let LayerKind::Embedding { constraint, .. } = &mut self.kind {
            *constraint = to;
        } else if let Some(weights) = self.weights_mut() {
            weights.constraint = to;
        }
        self
    }

    /// With weights that the optimizer leaves alone, where the kind has any.
    #[must_use]
    pub fn frozen(mut self) -> Self {
        match &mut self.kind {
            LayerKind::BatchNorm { trainable, .. }
            | LayerKind::LayerNorm { trainable, .. }
            | LayerKind::GroupNorm { trainable, .. }
            | LayerKind::RmsNorm { trainable, .. }
            | LayerKind::Embedding { trainable, .. }
            | LayerKind::PositionEmbedding { trainable, .. }
            | LayerKind::Prelu { trainable, .. } => *trainable = false,
            _ => {
                if let Some(weights) = self.weights_mut() {
                    weights.trainable = false;
                }
            }
        }
        self
    }

    pub(crate) fn weights_mut(&mut self) -> Option<&mut WeightSpec> {
        match &mut self.kind {
            LayerKind::Dense { weights, .. }
            | LayerKind::Conv2d { weights, .. }
            | LayerKind::Conv1d { weights, .. }
            | LayerKind::Conv2dTranspose { weights, .. }
            | LayerKind::Rnn { recurrent: RecurrentSpec { weights, .. }, .. }
            | LayerKind::Lstm { recurrent: RecurrentSpec { weights, .. }, .. }
            | LayerKind::Gru { recurrent: RecurrentSpec { weights, .. } }
            | LayerKind::MultiHeadAttention { weights, .. }
            | LayerKind::TransformerEncoder { block: TransformerSpec { weights, .. } }
            | LayerKind::TransformerDecoder { block: TransformerSpec { weights, .. } } => Some(weights),
            _ => None,
        }
    }
}

/// The site path of each layer: its own name, or its kind and number among its like from 1, `dense1`, `conv2`.
///
/// A default name that a layer has been given by hand is passed over, so the paths of a checked recipe differ.
#[must_use]
pub fn layer_names(layers: &[LayerSpec]) -> Vec<String> {
    let given: Vec<&str> = layers.iter().filter_map(|layer| layer.name.as_deref()).collect();
    let mut numbers = std::collections::BTreeMap::<String, u32>::new();
    let mut next = |stem: &str| loop {
        let number = numbers.entry(stem.to_owned()).or_default();
        *number += 1;
        let name = format!("{stem}{number}");
        if !given.contains(&name.as_str()) {
            return name;
        }
    };
    layers.iter().map(|layer| layer.name.clone().unwrap_or_else(|| next(layer.kind.stem()))).collect()
}
