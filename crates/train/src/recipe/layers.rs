//! The layers of a network, in order.
use super::visit::{Counts, Kind, Limits, Section, Visitor, words};

/// Largest width, channel count or kernel that a recipe may ask for: our choice, far above any use, so that a slip of the
/// keyboard is an error message and not an allocation.
pub const LARGEST_LAYER: u64 = 1 << 20;

words! {
    /// A function applied to each value (or, for the softmaxes, along an axis) of a layer's output.
    Activation, "activation", {
        /// `x`.
        Linear = "linear",
        /// `max(x, 0)`.
        Relu = "relu",
        /// `x` above 0, else `0.01 x`.
        LeakyRelu = "leaky_relu",
        /// `x` above 0, else `exp(x) - 1`.
        Elu = "elu",
        /// Self-normalizing ELU: `1.0507 x` above 0, else `1.7581 (exp(x) - 1)`.
        Selu = "selu",
        /// `x Phi(x)`, with the exact normal distribution function.
        Gelu = "gelu",
        /// `x sigmoid(x)`.
        Silu = "silu",
        /// `1 / (1 + exp(-x))`.
        Sigmoid = "sigmoid",
        /// Hyperbolic tangent.
        Tanh = "tanh",
        /// Exponentials over their sum along the outputs of one example.
        Softmax = "softmax",
        /// Logarithm of `softmax`, computed stably; what `negative_log_likelihood` takes.
        LogSoftmax = "log_softmax",
        /// Softmax along the batch: nearly always a mistake, kept so that it can be studied.
        SoftmaxBatch = "softmax_batch",
        /// `ln(1 + exp(x))`.
        Softplus = "softplus",
        /// `exp(x)`: grows without bound.
        Exponential = "exponential",
    }
}

words! {
    /// How a convolution treats the border.
    Padding, "padding", {
        /// Zeros around the image, so that stride 1 keeps its size.
        Same = "same",
        /// None: the image shrinks by the kernel less one.
        Valid = "valid",
    }
}

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
            Self::Uniform { .. } => "uniform",
            Self::Constant { .. } => "constant",
        }
    }

    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        match self {
            Self::Normal { std } => visitor.number("std", std, Limits::NOT_NEGATIVE),
            Self::Uniform { bound } => visitor.number("bound", bound, Limits::NOT_NEGATIVE),
            Self::Constant { value } => visitor.number("value", value, Limits::ANY),
            _ => {}
        }
    }
}

/// The weights of a dense layer or a convolution.
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
    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        visitor.choice("initializer", &mut self.initializer);
        visitor.flag("bias", &mut self.bias);
        visitor.choice("bias_initializer", &mut self.bias_initializer);
        visitor.flag("trainable", &mut self.trainable);
    }
}

/// What a layer is, with the keys of its kind.
#[derive(Clone, Debug, PartialEq)]
pub enum LayerKind {
    /// `dense`: every output sums over every input. Flattens an image by itself.
    Dense {
        /// `units`: outputs. Required.
        units: u64,
        /// `activation`. Default `linear`.
        activation: Activation,
        /// `initializer`, `bias`, `bias_initializer`, `trainable`.
        weights: WeightSpec,
    },
    /// `conv2d`: a square convolution over an image.
    Conv2d {
        /// `channels`: outputs. Required.
        channels: u64,
        /// `kernel`: side of the square it sums over, in pixels. Default 3.
        kernel: u64,
        /// `stride`: pixels between two of its positions. Default 1.
        stride: u64,
        /// `padding`. Default `same`.
        padding: Padding,
        /// `activation`. Default `linear`.
        activation: Activation,
        /// `initializer`, `bias`, `bias_initializer`, `trainable`.
        weights: WeightSpec,
    },
    /// `max_pool2d`: the largest value of each square.
    MaxPool2d {
        /// `size`: side of the square, in pixels. Default 2.
        size: u64,
        /// `stride`: pixels between two squares. Default `size`.
        stride: Option<u64>,
    },
    /// `avg_pool2d`: the mean of each square.
    AvgPool2d {
        /// `size`: side of the square, in pixels. Default 2.
        size: u64,
        /// `stride`: pixels between two squares. Default `size`.
        stride: Option<u64>,
    },
    /// `dropout`: zeros a share of the values while training, and scales the others up.
    Dropout {
        /// `rate`: the share. Default 0.5; below 1.
        rate: f64,
    },
    /// `batch_norm`: each channel to mean 0 and variance 1 over the batch, then a learned scale and shift.
    BatchNorm {
        /// `momentum`: weight of the new batch in the running statistics. Default 0.1, as in torch (Keras counts the other way round).
        momentum: f64,
        /// `epsilon`: added to the variance. Default 1e-5.
        epsilon: f64,
        /// `trainable`: whether the optimizer changes scale and shift. Default true.
        trainable: bool,
    },
    /// `layer_norm`: each example to mean 0 and variance 1 over its values, then a learned scale and shift.
    LayerNorm {
        /// `epsilon`: added to the variance. Default 1e-5.
        epsilon: f64,
        /// `trainable`: whether the optimizer changes scale and shift. Default true.
        trainable: bool,
    },
    /// `flatten`: an image to one row of values.
    Flatten,
    /// `activation`: an activation function as a layer of its own.
    Activation {
        /// `activation`. Default `relu`.
        activation: Activation,
    },
}

impl LayerKind {
    /// The word that a recipe uses.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.kind()
    }

    /// What a layer of this kind is called when the recipe gives it no name, before its number.
    #[must_use]
    const fn stem(&self) -> &'static str {
        match self {
            Self::Dense { .. } => "dense",
            Self::Conv2d { .. } => "conv",
            Self::MaxPool2d { .. } | Self::AvgPool2d { .. } => "pool",
            Self::Dropout { .. } => "dropout",
            Self::BatchNorm { .. } | Self::LayerNorm { .. } => "norm",
            Self::Flatten => "flatten",
            Self::Activation { .. } => "activation",
        }
    }
}

impl Kind for LayerKind {
    const WHAT: &'static str = "layer";

    fn all() -> Vec<Self> {
        let (activation, weights) = (Activation::Linear, WeightSpec::default());
        vec![
            Self::Dense { units: 0, activation, weights },
            Self::Conv2d { channels: 0, kernel: 3, stride: 1, padding: Padding::Same, activation, weights },
            Self::MaxPool2d { size: 2, stride: None },
            Self::AvgPool2d { size: 2, stride: None },
            Self::Dropout { rate: 0.5 },
            Self::BatchNorm { momentum: 0.1, epsilon: 1e-5, trainable: true },
            Self::LayerNorm { epsilon: 1e-5, trainable: true },
            Self::Flatten,
            Self::Activation { activation: Activation::Relu },
        ]
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Dense { .. } => "dense",
            Self::Conv2d { .. } => "conv2d",
            Self::MaxPool2d { .. } => "max_pool2d",
            Self::AvgPool2d { .. } => "avg_pool2d",
            Self::Dropout { .. } => "dropout",
            Self::BatchNorm { .. } => "batch_norm",
            Self::LayerNorm { .. } => "layer_norm",
            Self::Flatten => "flatten",
            Self::Activation { .. } => "activation",
        }
    }

    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        let sizes = Counts::between(1, LARGEST_LAYER);
        match self {
            Self::Dense { units, activation, weights } => {
                visitor.count("units", units, sizes, true);
                visitor.word("activation", activation);
                weights.visit(visitor);
            }
            Self::Conv2d { channels, kernel, stride, padding, activation, weights } => {
                visitor.count("channels", channels, sizes, true);
                visitor.count("kernel", kernel, sizes, false);
                visitor.count("stride", stride, sizes, false);
                visitor.word("padding", padding);
                visitor.word("activation", activation);
                weights.visit(visitor);
            }
            Self::MaxPool2d { size, stride } | Self::AvgPool2d { size, stride } => {
                visitor.count("size", size, sizes, false);
                visitor.count_or_none("stride", stride, sizes);
            }
            Self::Dropout { rate } => visitor.number("rate", rate, Limits::BELOW_ONE),
            Self::BatchNorm { momentum, epsilon, trainable } => {
                visitor.number("momentum", momentum, Limits::SHARE);
                visitor.number("epsilon", epsilon, Limits::NOT_NEGATIVE);
                visitor.flag("trainable", trainable);
            }
            Self::LayerNorm { epsilon, trainable } => {
                visitor.number("epsilon", epsilon, Limits::NOT_NEGATIVE);
                visitor.flag("trainable", trainable);
            }
            Self::Flatten => {}
            Self::Activation { activation } => visitor.word("activation", activation),
        }
    }
}

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

    /// With this name as its site path.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// With this activation function, where the kind has one.
    #[must_use]
    pub fn with_activation(mut self, to: Activation) -> Self {
        if let LayerKind::Dense { activation, .. }
        | LayerKind::Conv2d { activation, .. }
        | LayerKind::Activation { activation } = &mut self.kind
        {
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

    /// With weights that the optimizer leaves alone, where the kind has any.
    #[must_use]
    pub fn frozen(mut self) -> Self {
        match &mut self.kind {
            LayerKind::Dense { weights, .. } | LayerKind::Conv2d { weights, .. } => weights.trainable = false,
            LayerKind::BatchNorm { trainable, .. } | LayerKind::LayerNorm { trainable, .. } => *trainable = false,
            _ => {}
        }
        self
    }

    fn weights_mut(&mut self) -> Option<&mut WeightSpec> {
        match &mut self.kind {
            LayerKind::Dense { weights, .. } | LayerKind::Conv2d { weights, .. } => Some(weights),
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
    let mut numbers = std::collections::BTreeMap::<&str, u32>::new();
    let mut next = |stem: &'static str| loop {
        let number = numbers.entry(stem).or_default();
        *number += 1;
        let name = format!("{stem}{number}");
        if !given.contains(&name.as_str()) {
            return name;
        }
    };
    layers.iter().map(|layer| layer.name.clone().unwrap_or_else(|| next(layer.kind.stem()))).collect()
}
