//! The kinds of layer.
use super::visit::{Counts, Kind, Limits, Visitor, words};
use super::{
    Activation, ConstraintKind, CustomSpec, Initializer, LayerSpec, RecurrentSpec, RegularizerKind, TransformerSpec,
    WeightSpec,
};

/// Largest width, channel count or kernel that a recipe may ask for: our choice, far above any use, so that a slip of the
/// keyboard is an error message and not an allocation.
pub const LARGEST_LAYER: u64 = 1 << 20;

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
    /// How the outputs of branches become one.
    Merge, "merge", {
        /// One after the other along the channels.
        Concat = "concat",
        /// Their sum.
        Add = "add",
        /// Their product: one branch gates the other.
        Multiply = "multiply",
        /// Their mean.
        Average = "average",
        /// The largest of them at each place.
        Maximum = "maximum",
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
        /// `initializer` and the other keys of weights, below.
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
        /// `initializer` and the other keys of weights, below.
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
    /// `group_norm`: each group of channels of an example to mean 0 and variance 1, then a learned scale and shift per channel. Of a sequence it takes all
    /// time steps together; those that only fill up count, as in Keras.
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
        /// `mask_zero`: whether 0 fills up sequences that are shorter: recurrent layers carry their state past it, attention does not see
        /// it, and `global_average_pool`, the statistics of `batch_norm` and losses with a target for each time step leave it out. Default false.
        mask_zero: bool,
        /// `regularizer`: a penalty that is added to the loss. Default `none`.
        regularizer: RegularizerKind,
        /// `constraint`: what they are brought back to after each update; a norm is that of one row. Default `none`.
        constraint: ConstraintKind,
    },
    /// `position_embedding`: adds a learned row of numbers to each time step of a sequence.
    PositionEmbedding {
        /// `initializer`. Default `uniform`, with a bound of 0.05.
        initializer: Initializer,
        /// `trainable`: whether the optimizer changes them. Default true.
        trainable: bool,
    },
    /// `masking`: time steps of which every feature is `value` only fill up a sequence that is shorter: recurrent layers carry their state past them,
    /// attention does not see them, and `global_average_pool`, the statistics of `batch_norm` and losses with a target for each time step leave them out.
    Masking {
        /// `value`. Default 0.
        value: f64,
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
        /// `initializer` and the other keys of weights, below.
        weights: WeightSpec,
    },
    /// `max_pool1d`: the largest value of each feature over neighbouring time steps of a sequence.
    MaxPool1d {
        /// `size`: time steps. Default 2.
        size: u64,
        /// `stride`: time steps between two of its positions. Default `size`.
        stride: Option<u64>,
    },
    /// `avg_pool1d`: the mean of each feature over neighbouring time steps of a sequence.
    AvgPool1d {
        /// `size`: time steps. Default 2.
        size: u64,
        /// `stride`: time steps between two of its positions. Default `size`.
        stride: Option<u64>,
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
        /// `initializer` and the other keys of weights, below.
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
        /// `units` and the other keys of recurrents and of weights, below.
        recurrent: RecurrentSpec,
    },
    /// `lstm`: long short-term memory over a sequence.
    Lstm {
        /// `forget_bias`: added to the first bias of the forget gate, so that it remembers from the start. Default 1.
        forget_bias: f64,
        /// `units` and the other keys of recurrents and of weights, below.
        recurrent: RecurrentSpec,
    },
    /// `gru`: the gated recurrent unit over a sequence.
    Gru {
        /// `units` and the other keys of recurrents and of weights, below.
        recurrent: RecurrentSpec,
    },
    /// `multi_head_attention`: each time step takes a weighted mean of all of them.
    MultiHeadAttention {
        /// `heads`: they must divide the features. Required.
        heads: u64,
        /// `causal`: whether a time step sees no later one. Default false.
        causal: bool,
        /// `initializer` and the other keys of weights, below.
        weights: WeightSpec,
    },
    /// `transformer_encoder`: attention to the whole sequence and a feed-forward network, each with a residual connection and a layer norm.
    TransformerEncoder {
        /// `heads` and the other keys of transformers and of weights, below.
        block: TransformerSpec,
    },
    /// `transformer_decoder`: the same, where a time step sees no later one. In the decoder of an `encoder_decoder` it attends to the encoder, too.
    TransformerDecoder {
        /// `heads` and the other keys of transformers and of weights, below.
        block: TransformerSpec,
    },
    /// `leaky_relu`: `x` above 0, else `slope` times `x`.
    LeakyRelu {
        /// `slope`. Default 0.01.
        slope: f64,
    },
    /// `rrelu`: `x` above 0, else `x` times a slope that is drawn anew for each value while training, and is the mean of the bounds otherwise.
    RRelu {
        /// `lower`: the least slope. Default 0.125.
        lower: f64,
        /// `upper`: the largest slope. Default 1/3.
        upper: f64,
    },
    /// `threshold`: `x` above `threshold`, else `value`.
    Threshold {
        /// `threshold`. Default 1.
        threshold: f64,
        /// `value`. Default 0.
        value: f64,
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
    /// `encoder_decoder`: two branches, such as for a text and its translation. The first, the encoder, reads the first `source` time steps, or values of
    /// a row; the second, the decoder, reads the others, and each `transformer_decoder` in it attends to all that the encoder puts out, too. What the
    /// decoder puts out is what comes out. Its part of the inputs is what it may know: of a text, each token stands one step later there than among the targets.
    EncoderDecoder {
        /// `source`: time steps, or values of a row, for the encoder. Required.
        source: u64,
        /// `layers`: the encoder and the decoder, each a `[[layers.layers]]`; of several layers, a `sequential`. In the first layer of a recipe each
        /// may begin with an `embedding` of its own. Required.
        layers: Vec<LayerSpec>,
    },
    /// `activation`: an activation function as a layer of its own.
    Activation {
        /// `activation`. Default `relu`.
        activation: Activation,
    },
    /// `custom`: a layer that is written in Rust. Only code can put one into a recipe, with `LayerSpec::custom`; a file holds no more than its name.
    Custom {
        /// `layer`: what it is called, which also names its site. Default `custom`.
        layer: CustomSpec,
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
            Self::Residual { layers }
            | Self::Parallel { layers, .. }
            | Self::Sequential { layers }
            | Self::EncoderDecoder { layers, .. } => Some(layers),
            _ => None,
        }
    }

    /// The same, to be changed; empty for a kind that has none.
    pub(crate) fn layers_mut(&mut self) -> &mut [LayerSpec] {
        match self {
            Self::Residual { layers }
            | Self::Parallel { layers, .. }
            | Self::Sequential { layers }
            | Self::EncoderDecoder { layers, .. } => layers,
            _ => &mut [],
        }
    }

    /// The constraints of its weights, by their keys.
    pub(super) fn constraints(&self) -> Vec<(&'static str, ConstraintKind)> {
        let of = |weights: &WeightSpec| {
            vec![("constraint", weights.constraint), ("bias_constraint", weights.bias_constraint)]
        };
        match self {
            Self::Embedding { constraint, .. } => vec![("constraint", *constraint)],
            Self::Rnn { recurrent, .. } | Self::Lstm { recurrent, .. } | Self::Gru { recurrent } => {
                let mut all = of(&recurrent.weights);
                all.push(("recurrent_constraint", recurrent.recurrent_constraint));
                all
            }
            _ => self.weights().map(of).unwrap_or_default(),
        }
    }

    /// What is said of it as a recurrent layer, where it is one.
    pub(crate) const fn recurrent(&self) -> Option<&RecurrentSpec> {
        match self {
            Self::Rnn { recurrent, .. } | Self::Lstm { recurrent, .. } | Self::Gru { recurrent } => Some(recurrent),
            _ => None,
        }
    }

    /// What is said of its weights, where it has such.
    pub(crate) const fn weights(&self) -> Option<&WeightSpec> {
        match self {
            Self::Dense { weights, .. }
            | Self::Conv2d { weights, .. }
            | Self::Conv1d { weights, .. }
            | Self::Conv2dTranspose { weights, .. }
            | Self::Rnn { recurrent: RecurrentSpec { weights, .. }, .. }
            | Self::Lstm { recurrent: RecurrentSpec { weights, .. }, .. }
            | Self::Gru { recurrent: RecurrentSpec { weights, .. } }
            | Self::MultiHeadAttention { weights, .. }
            | Self::TransformerEncoder { block: TransformerSpec { weights, .. } }
            | Self::TransformerDecoder { block: TransformerSpec { weights, .. } } => Some(weights),
            _ => None,
        }
    }

    pub(super) const fn embedding(vocabulary: u64, dimension: u64) -> Self {
        Self::Embedding {
            vocabulary,
            dimension,
            initializer: EMBEDDING,
            trainable: true,
            mask_zero: false,
            regularizer: RegularizerKind::None,
            constraint: ConstraintKind::None,
        }
    }

    pub(super) fn activation_mut(&mut self) -> Option<&mut Activation> {
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
    pub(super) const fn stem(&self) -> &str {
        match self {
            Self::Dense { .. } => "dense",
            Self::Conv2d { .. } | Self::Conv1d { .. } | Self::Conv2dTranspose { .. } => "conv",
            Self::MaxPool2d { .. }
            | Self::AvgPool2d { .. }
            | Self::MaxPool1d { .. }
            | Self::AvgPool1d { .. }
            | Self::GlobalMaxPool
            | Self::GlobalAveragePool => "pool",
            Self::Dropout { .. } => "dropout",
            Self::BatchNorm { .. } | Self::LayerNorm { .. } | Self::GroupNorm { .. } | Self::RmsNorm { .. } => "norm",
            Self::Flatten => "flatten",
            Self::Activation { .. }
            | Self::LeakyRelu { .. }
            | Self::RRelu { .. }
            | Self::Threshold { .. }
            | Self::Prelu { .. }
            | Self::Glu => "activation",
            Self::Reshape { .. } => "reshape",
            Self::Embedding { .. } => "embedding",
            Self::PositionEmbedding { .. } => "position",
            Self::Masking { .. } => "masking",
            Self::Rnn { .. } => "rnn",
            Self::Lstm { .. } => "lstm",
            Self::Gru { .. } => "gru",
            Self::MultiHeadAttention { .. } => "attention",
            Self::TransformerEncoder { .. } => "encoder",
            Self::TransformerDecoder { .. } => "decoder",
            Self::Residual { .. } => "residual",
            Self::Parallel { .. } => "parallel",
            Self::Sequential { .. } => "sequential",
            Self::EncoderDecoder { .. } => "encoder_decoder",
            Self::Custom { layer } => layer.name.as_str(),
        }
    }
}

/// How embeddings are drawn unless a recipe says otherwise: as in Keras.
pub(super) const EMBEDDING: Initializer = Initializer::Uniform { bound: 0.05 };

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
            Self::embedding(0, 0),
            Self::PositionEmbedding { initializer: EMBEDDING, trainable: true },
            Self::Masking { value: 0.0 },
            Self::Conv1d { channels: 0, kernel: 3, stride: 1, padding: Padding::Same, activation, weights },
            Self::MaxPool1d { size: 2, stride: None },
            Self::AvgPool1d { size: 2, stride: None },
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
            Self::RRelu { lower: 0.125, upper: 1.0 / 3.0 },
            Self::Threshold { threshold: 1.0, value: 0.0 },
            Self::Prelu { slope: 0.25, trainable: true },
            Self::Glu,
            Self::Residual { layers: Vec::new() },
            Self::Parallel { merge: Merge::Concat, layers: Vec::new() },
            Self::Sequential { layers: Vec::new() },
            Self::EncoderDecoder { source: 0, layers: Vec::new() },
            Self::Custom { layer: CustomSpec::default() },
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
            Self::Masking { .. } => "masking",
            Self::Conv1d { .. } => "conv1d",
            Self::MaxPool1d { .. } => "max_pool1d",
            Self::AvgPool1d { .. } => "avg_pool1d",
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
            Self::RRelu { .. } => "rrelu",
            Self::Threshold { .. } => "threshold",
            Self::Prelu { .. } => "prelu",
            Self::Glu => "glu",
            Self::Residual { .. } => "residual",
            Self::Parallel { .. } => "parallel",
            Self::Sequential { .. } => "sequential",
            Self::EncoderDecoder { .. } => "encoder_decoder",
            Self::Custom { .. } => "custom",
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
            Self::MaxPool2d { size, stride }
            | Self::AvgPool2d { size, stride }
            | Self::MaxPool1d { size, stride }
            | Self::AvgPool1d { size, stride } => {
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
            Self::Custom { layer } => visitor.text("layer", &mut layer.name),
            Self::Reshape { shape } => visitor.sizes("shape", shape, sizes, [1, 3]),
            Self::Embedding { vocabulary, dimension, initializer, trainable, mask_zero, regularizer, constraint } => {
                visitor.count("vocabulary", vocabulary, sizes, true);
                visitor.count("dimension", dimension, sizes, true);
                visitor.choice("initializer", initializer);
                visitor.flag("trainable", trainable);
                visitor.flag("mask_zero", mask_zero);
                visitor.choice("regularizer", regularizer);
                visitor.choice("constraint", constraint);
            }
            Self::PositionEmbedding { initializer, trainable } => {
                visitor.choice("initializer", initializer);
                visitor.flag("trainable", trainable);
            }
            Self::Masking { value } => visitor.number("value", value, Limits::ANY),
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
            Self::EncoderDecoder { source, layers } => {
                visitor.count("source", source, Counts::from(1), true);
                visitor.sections("layers", layers);
            }
            Self::LeakyRelu { slope } => visitor.number("slope", slope, Limits::ANY),
            Self::RRelu { lower, upper } => {
                visitor.number("lower", lower, Limits::ANY);
                visitor.number("upper", upper, Limits::ANY);
            }
            Self::Threshold { threshold, value } => {
                visitor.number("threshold", threshold, Limits::ANY);
                visitor.number("value", value, Limits::ANY);
            }
            Self::Prelu { slope, trainable } => {
                visitor.number("slope", slope, Limits::ANY);
                visitor.flag("trainable", trainable);
            }
        }
    }
}
