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
        /// `x` above 0, else `0.01 x`. The layer `leaky_relu` takes another slope.
        LeakyRelu = "leaky_relu",
        /// `x` above 0, else `exp(x) - 1`.
        Elu = "elu",
        /// Self-normalizing ELU: `1.0507 x` above 0, else `1.7581 (exp(x) - 1)`.
        Selu = "selu",
        /// `x Phi(x)`, with the exact normal distribution function.
        Gelu = "gelu",
        /// `gelu` by the approximation with a hyperbolic tangent.
        GeluTanh = "gelu_tanh",
        /// `x sigmoid(x)`, also called swish.
        Silu = "silu",
        /// `x tanh(softplus(x))`.
        Mish = "mish",
        /// `x / 6 + 1/2`, held between 0 and 1.
        HardSigmoid = "hard_sigmoid",
        /// `x hard_sigmoid(x)`.
        HardSwish = "hard_swish",
        /// `x`, held between -1 and 1.
        HardTanh = "hard_tanh",
        /// `x`, held between 0 and 6.
        Relu6 = "relu6",
        /// `ln(sigmoid(x))`.
        LogSigmoid = "log_sigmoid",
        /// `x / (1 + |x|)`.
        Softsign = "softsign",
        /// `x - tanh(x)`.
        TanhShrink = "tanh_shrink",
        /// `x`, and 0 where its magnitude is at most 0.5.
        HardShrink = "hard_shrink",
        /// `x` moved by 0.5 towards 0, and 0 where its magnitude is at most 0.5.
        SoftShrink = "soft_shrink",
        /// `softmax` of `-x`.
        Softmin = "softmin",
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

words! {
    /// Where a transformer block has its layer norms.
    NormPlace, "norm", {
        /// Before attention and feed-forward network: trains without a warm-up (Xiong et al. 2020).
        Pre = "pre",
        /// Behind the residual connections, as it was published first (Vaswani et al. 2017).
        Post = "post",
    }
}

words! {
    /// How the outputs of branches become one.
    Merge, "merge", {
        /// One after the other along the channels.
        Concat = "concat",
        /// Their sum.
        Add = "add",
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
    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        visitor.choice("initializer", &mut self.initializer);
        visitor.flag("bias", &mut self.bias);
        visitor.choice("bias_initializer", &mut self.bias_initializer);
        visitor.flag("trainable", &mut self.trainable);
    }
}

/// What all recurrent layers have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecurrentSpec {
    /// `units`: outputs of one direction. Required.
    pub units: u64,
    /// `bidirectional`: whether a second set of weights runs from the end to the beginning; there are twice as many outputs then. Default false.
    pub bidirectional: bool,
    /// `return_sequences`: whether the output of every time step comes out, or that of the last. Default false.
    pub return_sequences: bool,
    /// `recurrent_initializer`: of the weight that carries the state on. Default `orthogonal`.
    pub recurrent_initializer: Initializer,
    /// `initializer`, `bias`, `bias_initializer`, `trainable`.
    pub weights: WeightSpec,
}

impl Default for RecurrentSpec {
    fn default() -> Self {
        Self {
            units: 0,
            bidirectional: false,
            return_sequences: false,
            recurrent_initializer: Initializer::Orthogonal,
            weights: WeightSpec::default(),
        }
    }
}

impl RecurrentSpec {
    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        visitor.count("units", &mut self.units, Counts::between(1, LARGEST_LAYER), true);
        visitor.flag("bidirectional", &mut self.bidirectional);
        visitor.flag("return_sequences", &mut self.return_sequences);
        visitor.choice("recurrent_initializer", &mut self.recurrent_initializer);
        self.weights.visit(visitor);
    }

    /// Outputs of one time step, of both directions together.
    #[must_use]
    pub const fn outputs(&self) -> u64 {
        if self.bidirectional { 2 * self.units } else { self.units }
    }
}

/// What both transformer blocks have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TransformerSpec {
    /// `heads`: of the attention; they must divide the features. Required.
    pub heads: u64,
    /// `hidden`: units of the feed-forward network. Default four times the features.
    pub hidden: Option<u64>,
    /// `activation`: of the feed-forward network. Default `relu`.
    pub activation: Activation,
    /// `dropout`: share that is zeroed after the attention and after each layer of the feed-forward network. Default 0.1; below 1.
    pub dropout: f64,
    /// `norm`. Default `pre`.
    pub norm: NormPlace,
    /// `epsilon`: added to the variance in the layer norms. Default 1e-5.
    pub epsilon: f64,
    /// `initializer`, `bias`, `bias_initializer`, `trainable`.
    pub weights: WeightSpec,
}

impl Default for TransformerSpec {
    fn default() -> Self {
        Self {
            heads: 0,
            hidden: None,
            activation: Activation::Relu,
            dropout: 0.1,
            norm: NormPlace::Pre,
            epsilon: 1e-5,
            weights: WeightSpec::default(),
        }
    }
}

impl TransformerSpec {
    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        let sizes = Counts::between(1, LARGEST_LAYER);
        visitor.count("heads", &mut self.heads, sizes, true);
        visitor.count_or_none("hidden", &mut self.hidden, sizes);
        visitor.word("activation", &mut self.activation);
        visitor.number("dropout", &mut self.dropout, Limits::BELOW_ONE);
        visitor.word("norm", &mut self.norm);
        visitor.number("epsilon", &mut self.epsilon, Limits::NOT_NEGATIVE);
        self.weights.visit(visitor);
    }

    /// Units of the feed-forward network of a block that takes so many features.
    #[must_use]
    pub const fn hidden_units(&self, features: u64) -> u64 {
        match self.hidden {
            Some(hidden) => hidden,
            None => features.saturating_mul(4),
        }
    }
}

/// What a layer is, with the keys of its kind.
#[derive(Clone, Debug, PartialEq)]
pub enum LayerKind {
    /// `dense`: every output sums over every input. Flattens an image by itself; of a sequence it maps each time step.
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
    /// `layer_norm`: each example to mean 0 and variance 1 over its values (each time step of a sequence), then a learned scale and shift.
    LayerNorm {
        /// `epsilon`: added to the variance. Default 1e-5.
        epsilon: f64,
        /// `trainable`: whether the optimizer changes scale and shift. Default true.
        trainable: bool,
    },
    /// `group_norm`: each group of channels of an example to mean 0 and variance 1, then a learned scale and shift per channel.
    GroupNorm {
        /// `groups`: they must divide the channels. Required.
        groups: u64,
        /// `epsilon`: added to the variance. Default 1e-5.
        epsilon: f64,
        /// `trainable`: whether the optimizer changes scale and shift. Default true.
        trainable: bool,
    },
    /// `rms_norm`: each example (each time step of a sequence) over its root mean square, then a learned scale.
    RmsNorm {
        /// `epsilon`: added to the mean square. Default 1e-5.
        epsilon: f64,
        /// `trainable`: whether the optimizer changes the scale. Default true.
        trainable: bool,
    },
    /// `flatten`: an image or a sequence to one row of values.
    Flatten,
    /// `reshape`: the same values in another shape.
    Reshape {
        /// `shape`: `[values]`, `[time, features]` for a sequence, or `[channels, height, width]` for an image. Required.
        shape: Vec<u64>,
    },
    /// `embedding`: each whole number of a row to a learned row of numbers, which makes a sequence. Only as the first layer.
    Embedding {
        /// `vocabulary`: the numbers run from 0 to below it. Required.
        vocabulary: u64,
        /// `dimension`: numbers that each becomes. Required.
        dimension: u64,
        /// `initializer`. Default `uniform`, with a bound of 0.05.
        initializer: Initializer,
        /// `trainable`: whether the optimizer changes them. Default true.
        trainable: bool,
    },
    /// `position_embedding`: adds a learned row of numbers to each time step of a sequence.
    PositionEmbedding {
        /// `initializer`. Default `uniform`, with a bound of 0.05.
        initializer: Initializer,
        /// `trainable`: whether the optimizer changes them. Default true.
        trainable: bool,
    },
    /// `conv1d`: a convolution along the time of a sequence.
    Conv1d {
        /// `channels`: outputs of each position. Required.
        channels: u64,
        /// `kernel`: time steps that it sums over. Default 3.
        kernel: u64,
        /// `stride`: time steps between two of its positions. Default 1.
        stride: u64,
        /// `padding`. Default `same`.
        padding: Padding,
        /// `activation`. Default `linear`.
        activation: Activation,
        /// `initializer`, `bias`, `bias_initializer`, `trainable`.
        weights: WeightSpec,
    },
    /// `conv2d_transpose`: a transposed convolution, which makes an image larger.
    Conv2dTranspose {
        /// `channels`: outputs. Required.
        channels: u64,
        /// `kernel`: side of the square that each pixel adds to, in pixels. Default 3.
        kernel: u64,
        /// `stride`: pixels between the squares of two neighbours. Default 2.
        stride: u64,
        /// `padding`: with `same` the sides grow by the stride, with `valid` no pixel is cut off. Default `same`.
        padding: Padding,
        /// `activation`. Default `linear`.
        activation: Activation,
        /// `initializer`, `bias`, `bias_initializer`, `trainable`.
        weights: WeightSpec,
    },
    /// `global_max_pool`: the largest value of each channel of an image, or of each feature of a sequence.
    GlobalMaxPool,
    /// `global_average_pool`: the mean of each channel of an image, or of each feature of a sequence.
    GlobalAveragePool,
    /// `rnn`: the plain recurrent layer over a sequence.
    Rnn {
        /// `activation`. Default `tanh`.
        activation: Activation,
        /// `units`, `bidirectional`, `return_sequences`, `recurrent_initializer`, `initializer`, `bias`, `bias_initializer`, `trainable`.
        recurrent: RecurrentSpec,
    },
    /// `lstm`: long short-term memory over a sequence.
    Lstm {
        /// `forget_bias`: added to the first bias of the forget gate, so that it remembers from the start. Default 1.
        forget_bias: f64,
        /// `units`, `bidirectional`, `return_sequences`, `recurrent_initializer`, `initializer`, `bias`, `bias_initializer`, `trainable`.
        recurrent: RecurrentSpec,
    },
    /// `gru`: the gated recurrent unit over a sequence.
    Gru {
        /// `units`, `bidirectional`, `return_sequences`, `recurrent_initializer`, `initializer`, `bias`, `bias_initializer`, `trainable`.
        recurrent: RecurrentSpec,
    },
    /// `multi_head_attention`: each time step takes a weighted mean of all of them.
    MultiHeadAttention {
        /// `heads`: they must divide the features. Required.
        heads: u64,
        /// `causal`: whether a time step sees no later one. Default false.
        causal: bool,
        /// `initializer`, `bias`, `bias_initializer`, `trainable`.
        weights: WeightSpec,
    },
    /// `transformer_encoder`: attention to the whole sequence and a feed-forward network, each with a residual connection and a layer norm.
    TransformerEncoder {
        /// `heads`, `hidden`, `activation`, `dropout`, `norm`, `epsilon`, `initializer`, `bias`, `bias_initializer`, `trainable`.
        block: TransformerSpec,
    },
    /// `transformer_decoder`: the same, where a time step sees no later one.
    TransformerDecoder {
        /// `heads`, `hidden`, `activation`, `dropout`, `norm`, `epsilon`, `initializer`, `bias`, `bias_initializer`, `trainable`.
        block: TransformerSpec,
    },
    /// `leaky_relu`: `x` above 0, else `slope` times `x`.
    LeakyRelu {
        /// `slope`. Default 0.01.
        slope: f64,
    },
    /// `prelu`: `x` above 0, else a learned slope times `x`, one for each channel.
    Prelu {
        /// `slope`: what the slopes begin as. Default 0.25.
        slope: f64,
        /// `trainable`: whether the optimizer changes them. Default true.
        trainable: bool,
    },
    /// `glu`: the first half of the channels times the sigmoid of the second half.
    Glu,
    /// `residual`: adds to its input what its own layers make of it, which must have the same shape.
    Residual {
        /// `layers`: in order, each a `[[layers.layers]]`. Required.
        layers: Vec<LayerSpec>,
    },
    /// `parallel`: gives its input to each of its own layers and joins what they put out.
    Parallel {
        /// `merge`. Default `concat`.
        merge: Merge,
        /// `layers`: the branches, each a `[[layers.layers]]`. Required.
        layers: Vec<LayerSpec>,
    },
    /// `sequential`: its own layers one after the other, as a branch of `parallel`.
    Sequential {
        /// `layers`: in order, each a `[[layers.layers]]`. Required.
        layers: Vec<LayerSpec>,
    },
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

    /// The layers inside of this one; `None` for a kind that has none.
    #[must_use]
    pub fn layers(&self) -> Option<&[LayerSpec]> {
        match self {
            Self::Residual { layers } | Self::Parallel { layers, .. } | Self::Sequential { layers } => Some(layers),
            _ => None,
        }
    }

    fn activation_mut(&mut self) -> Option<&mut Activation> {
        match self {
            Self::Dense { activation, .. }
            | Self::Conv2d { activation, .. }
            | Self::Conv1d { activation, .. }
            | Self::Conv2dTranspose { activation, .. }
            | Self::Activation { activation }
            | Self::Rnn { activation, .. }
            | Self::TransformerEncoder { block: TransformerSpec { activation, .. } }
            | Self::TransformerDecoder { block: TransformerSpec { activation, .. } } => Some(activation),
            _ => None,
        }
    }

    /// What a layer of this kind is called when the recipe gives it no name, before its number.
    #[must_use]
    const fn stem(&self) -> &'static str {
        match self {
            Self::Dense { .. } => "dense",
            Self::Conv2d { .. } | Self::Conv1d { .. } | Self::Conv2dTranspose { .. } => "conv",
            Self::MaxPool2d { .. } | Self::AvgPool2d { .. } | Self::GlobalMaxPool | Self::GlobalAveragePool => "pool",
            Self::Dropout { .. } => "dropout",
            Self::BatchNorm { .. } | Self::LayerNorm { .. } | Self::GroupNorm { .. } | Self::RmsNorm { .. } => "norm",
            Self::Flatten => "flatten",
            Self::Activation { .. } | Self::LeakyRelu { .. } | Self::Prelu { .. } | Self::Glu => "activation",
            Self::Reshape { .. } => "reshape",
            Self::Embedding { .. } => "embedding",
            Self::PositionEmbedding { .. } => "position",
            Self::Rnn { .. } => "rnn",
            Self::Lstm { .. } => "lstm",
            Self::Gru { .. } => "gru",
            Self::MultiHeadAttention { .. } => "attention",
            Self::TransformerEncoder { .. } => "encoder",
            Self::TransformerDecoder { .. } => "decoder",
            Self::Residual { .. } => "residual",
            Self::Parallel { .. } => "parallel",
            Self::Sequential { .. } => "sequential",
        }
    }
}

/// How embeddings are drawn unless a recipe says otherwise: as in Keras.
const EMBEDDING: Initializer = Initializer::Uniform { bound: 0.05 };

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
            Self::GroupNorm { groups: 0, epsilon: 1e-5, trainable: true },
            Self::RmsNorm { epsilon: 1e-5, trainable: true },
            Self::Reshape { shape: Vec::new() },
            Self::Embedding { vocabulary: 0, dimension: 0, initializer: EMBEDDING, trainable: true },
            Self::PositionEmbedding { initializer: EMBEDDING, trainable: true },
            Self::Conv1d { channels: 0, kernel: 3, stride: 1, padding: Padding::Same, activation, weights },
            Self::Conv2dTranspose { channels: 0, kernel: 3, stride: 2, padding: Padding::Same, activation, weights },
            Self::GlobalMaxPool,
            Self::GlobalAveragePool,
            Self::Rnn { activation: Activation::Tanh, recurrent: RecurrentSpec::default() },
            Self::Lstm { forget_bias: 1.0, recurrent: RecurrentSpec::default() },
            Self::Gru { recurrent: RecurrentSpec::default() },
            Self::MultiHeadAttention { heads: 0, causal: false, weights },
            Self::TransformerEncoder { block: TransformerSpec::default() },
            Self::TransformerDecoder { block: TransformerSpec::default() },
            Self::LeakyRelu { slope: 0.01 },
            Self::Prelu { slope: 0.25, trainable: true },
            Self::Glu,
            Self::Residual { layers: Vec::new() },
            Self::Parallel { merge: Merge::Concat, layers: Vec::new() },
            Self::Sequential { layers: Vec::new() },
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
            Self::GroupNorm { .. } => "group_norm",
            Self::RmsNorm { .. } => "rms_norm",
            Self::Reshape { .. } => "reshape",
            Self::Embedding { .. } => "embedding",
            Self::PositionEmbedding { .. } => "position_embedding",
            Self::Conv1d { .. } => "conv1d",
            Self::Conv2dTranspose { .. } => "conv2d_transpose",
            Self::GlobalMaxPool => "global_max_pool",
            Self::GlobalAveragePool => "global_average_pool",
            Self::Rnn { .. } => "rnn",
            Self::Lstm { .. } => "lstm",
            Self::Gru { .. } => "gru",
            Self::MultiHeadAttention { .. } => "multi_head_attention",
            Self::TransformerEncoder { .. } => "transformer_encoder",
            Self::TransformerDecoder { .. } => "transformer_decoder",
            Self::LeakyRelu { .. } => "leaky_relu",
            Self::Prelu { .. } => "prelu",
            Self::Glu => "glu",
            Self::Residual { .. } => "residual",
            Self::Parallel { .. } => "parallel",
            Self::Sequential { .. } => "sequential",
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
            Self::Conv2d { channels, kernel, stride, padding, activation, weights }
            | Self::Conv1d { channels, kernel, stride, padding, activation, weights }
            | Self::Conv2dTranspose { channels, kernel, stride, padding, activation, weights } => {
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
            Self::GroupNorm { groups, epsilon, trainable } => {
                visitor.count("groups", groups, sizes, true);
                visitor.number("epsilon", epsilon, Limits::NOT_NEGATIVE);
                visitor.flag("trainable", trainable);
            }
            Self::LayerNorm { epsilon, trainable } | Self::RmsNorm { epsilon, trainable } => {
                visitor.number("epsilon", epsilon, Limits::NOT_NEGATIVE);
                visitor.flag("trainable", trainable);
            }
            Self::Flatten | Self::GlobalMaxPool | Self::GlobalAveragePool | Self::Glu => {}
            Self::Activation { activation } => visitor.word("activation", activation),
            Self::Reshape { shape } => visitor.sizes("shape", shape, sizes, [1, 3]),
            Self::Embedding { vocabulary, dimension, initializer, trainable } => {
                visitor.count("vocabulary", vocabulary, sizes, true);
                visitor.count("dimension", dimension, sizes, true);
                visitor.choice("initializer", initializer);
                visitor.flag("trainable", trainable);
            }
            Self::PositionEmbedding { initializer, trainable } => {
                visitor.choice("initializer", initializer);
                visitor.flag("trainable", trainable);
            }
            Self::Rnn { activation, recurrent } => {
                visitor.word("activation", activation);
                recurrent.visit(visitor);
            }
            Self::Lstm { forget_bias, recurrent } => {
                visitor.number("forget_bias", forget_bias, Limits::ANY);
                recurrent.visit(visitor);
            }
            Self::Gru { recurrent } => recurrent.visit(visitor),
            Self::MultiHeadAttention { heads, causal, weights } => {
                visitor.count("heads", heads, sizes, true);
                visitor.flag("causal", causal);
                weights.visit(visitor);
            }
            Self::TransformerEncoder { block } | Self::TransformerDecoder { block } => block.visit(visitor),
            Self::Residual { layers } | Self::Sequential { layers } => visitor.sections("layers", layers),
            Self::Parallel { merge, layers } => {
                visitor.word("merge", merge);
                visitor.sections("layers", layers);
            }
            Self::LeakyRelu { slope } => visitor.number("slope", slope, Limits::ANY),
            Self::Prelu { slope, trainable } => {
                visitor.number("slope", slope, Limits::ANY);
                visitor.flag("trainable", trainable);
            }
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

    /// The same values in another shape: `[values]`, `[time, features]` or `[channels, height, width]`.
    #[must_use]
    pub fn reshape(shape: impl Into<Vec<u64>>) -> Self {
        LayerKind::Reshape { shape: shape.into() }.into()
    }

    /// Each whole number below `vocabulary` to a learned row of `dimension` numbers.
    #[must_use]
    pub fn embedding(vocabulary: u64, dimension: u64) -> Self {
        LayerKind::Embedding { vocabulary, dimension, initializer: EMBEDDING, trainable: true }.into()
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

    /// These layers one after the other.
    #[must_use]
    pub fn sequential(layers: impl Into<Vec<Self>>) -> Self {
        LayerKind::Sequential { layers: layers.into() }.into()
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

    fn weights_mut(&mut self) -> Option<&mut WeightSpec> {
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
