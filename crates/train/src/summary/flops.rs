//! Floating point operations of a layer, for one example on its way forward, by the convention of [`super::Cost`].
use crate::recipe::{Activation, LayerKind, Merge, RecurrentSpec, Shape, TransformerSpec, WeightSpec};

/// Of a multiply-add.
const MULTIPLY_ADD: u64 = 2;
/// A value of a softmax: maximum, difference, exponential, sum, quotient.
const SOFTMAX: u64 = 5;
/// A value of a layer or group norm: sum, difference, square and its sum, product with the deviation, scale and shift.
const LAYER_NORM: u64 = 7;
/// A value of an RMS norm: square and its sum, product with the root, scale.
const RMS_NORM: u64 = 4;
/// A value of a batch norm in evaluation, where all is one factor and one summand.
const BATCH_NORM: u64 = 2;
/// Beside its products, a unit of an LSTM: 4 sums, 5 activation functions, 3 products, 1 sum.
const LSTM_UNIT: u64 = 13;
/// Beside its products, a unit of a GRU: 3 sums, 3 activation functions, 2 products, 2 sums and a difference.
const GRU_UNIT: u64 = 11;
/// Beside its products, a unit of a plain recurrent layer: a sum and an activation function.
const RNN_UNIT: u64 = 2;

/// The product of factors, as large as it gets.
fn product(factors: &[u64]) -> u64 {
    factors.iter().fold(1, |product, &factor| product.saturating_mul(factor))
}

/// The operations of a layer by itself, without those of layers inside of it.
pub(super) fn of(kind: &LayerKind, input: Shape, output: Shape) -> u64 {
    let (values, out) = (input.values(), output.values());
    let channels = input.channels() as u64;
    let [time, features] = sequence(input);
    match kind {
        LayerKind::Dense { activation, weights, .. } => {
            let inputs = if matches!(input, Shape::Sequence(_)) { features } else { values };
            product(&[MULTIPLY_ADD, inputs, out]).saturating_add(bias_and(weights, *activation, out))
        }
        LayerKind::Conv2d { kernel, activation, weights, .. } => {
            product(&[MULTIPLY_ADD, channels, *kernel, *kernel, out]).saturating_add(bias_and(
                weights,
                *activation,
                out,
            ))
        }
        LayerKind::Conv1d { kernel, activation, weights, .. } => {
            product(&[MULTIPLY_ADD, channels, *kernel, out]).saturating_add(bias_and(weights, *activation, out))
        }
        LayerKind::Conv2dTranspose { kernel, activation, weights, .. } => {
            let units = output.channels() as u64;
            product(&[MULTIPLY_ADD, values, *kernel, *kernel, units]).saturating_add(bias_and(
                weights,
                *activation,
                out,
            ))
        }
        LayerKind::MaxPool2d { size, .. } | LayerKind::AvgPool2d { size, .. } => product(&[*size, *size, out]),
        LayerKind::MaxPool1d { size, .. } | LayerKind::AvgPool1d { size, .. } => product(&[*size, out]),
        LayerKind::GlobalMaxPool | LayerKind::GlobalAveragePool => values,
        LayerKind::BatchNorm { .. } => product(&[BATCH_NORM, values]),
        LayerKind::LayerNorm { .. } | LayerKind::GroupNorm { .. } => product(&[LAYER_NORM, values]),
        LayerKind::RmsNorm { .. } => product(&[RMS_NORM, values]),
        LayerKind::Rnn { recurrent, .. } => over_time(recurrent, [time, features], 1, 1, RNN_UNIT),
        LayerKind::Lstm { recurrent, .. } => over_time(recurrent, [time, features], 4, 1, LSTM_UNIT),
        LayerKind::Gru { recurrent } => over_time(recurrent, [time, features], 3, 2, GRU_UNIT),
        LayerKind::MultiHeadAttention { heads, weights, .. } => attention([time, features], *heads, weights),
        LayerKind::TransformerEncoder { block } | LayerKind::TransformerDecoder { block } => {
            transformer([time, features], block)
        }
        LayerKind::Activation { activation } => activated(*activation, out),
        // A comparison.
        LayerKind::Masking { .. }
        | LayerKind::PositionEmbedding { .. }
        | LayerKind::LeakyRelu { .. }
        | LayerKind::RRelu { .. }
        | LayerKind::Threshold { .. }
        | LayerKind::Prelu { .. }
        | LayerKind::Residual { .. } => out,
        // The sigmoid, and the product with it.
        LayerKind::Glu => product(&[2, out]),
        LayerKind::Parallel { merge: Merge::Add | Merge::Multiply | Merge::Average | Merge::Maximum, layers } => {
            product(&[out, (layers.len() as u64).saturating_sub(1)])
        }
        // A row that is looked up, values that are seen in another shape, and dropout outside of training compute nothing.
        LayerKind::Embedding { .. }
        | LayerKind::Dropout { .. }
        | LayerKind::Flatten
        | LayerKind::Reshape { .. }
        | LayerKind::Parallel { .. }
        | LayerKind::Sequential { .. }
        | LayerKind::EncoderDecoder { .. }
        // What a custom layer computes is not known.
        | LayerKind::Custom { .. } => 0,
    }
}

pub(super) const fn sequence(shape: Shape) -> [u64; 2] {
    match shape {
        Shape::Sequence(sequence) => sequence,
        Shape::Row(_) | Shape::Image(_) => [1, shape.values()],
    }
}

fn bias_and(weights: &WeightSpec, activation: Activation, out: u64) -> u64 {
    u64::from(weights.bias).saturating_mul(out).saturating_add(activated(activation, out))
}

fn activated(activation: Activation, values: u64) -> u64 {
    match activation {
        Activation::Linear => 0,
        Activation::Softmax
        | Activation::QuietSoftmax
        | Activation::LogSoftmax
        | Activation::Softmin
        | Activation::SoftmaxBatch => product(&[SOFTMAX, values]),
        _ => values,
    }
}

/// A recurrent layer with so many gates and biases of each, and so many operations a unit beside its products.
fn over_time(spec: &RecurrentSpec, [time, features]: [u64; 2], gates: u64, biases: u64, unit: u64) -> u64 {
    let sums = product(&[MULTIPLY_ADD, gates, features.saturating_add(spec.units)]);
    let biases = u64::from(spec.weights.bias) * biases * gates;
    product(&[time, spec.outputs(), sums.saturating_add(biases).saturating_add(unit)])
}

fn dense(rows: u64, [inputs, units]: [u64; 2], bias: bool) -> u64 {
    product(&[MULTIPLY_ADD, rows, inputs, units])
        .saturating_add(u64::from(bias).saturating_mul(product(&[rows, units])))
}

fn attention([time, features]: [u64; 2], heads: u64, weights: &WeightSpec) -> u64 {
    attention_to([time, features], [time, features], heads, weights)
}

/// Of a sequence to another one, or to itself.
fn attention_to([time, features]: [u64; 2], [steps, width]: [u64; 2], heads: u64, weights: &WeightSpec) -> u64 {
    // Queries and outputs; keys and values.
    let own = product(&[2, dense(time, [features, features], weights.bias)]);
    let read = product(&[2, dense(steps, [width, features], weights.bias)]);
    // Queries are scaled; then all queries meet all keys, and the weights all values.
    let scaled = product(&[time, features]);
    let mixed = product(&[2, MULTIPLY_ADD, time, steps, features]);
    let softmax = product(&[SOFTMAX, heads, time, steps]);
    [own, read, scaled, mixed, softmax].into_iter().fold(0, u64::saturating_add)
}

/// What a decoder does besides to attend to an encoder: the attention, a norm and a residual connection.
pub(super) fn of_memory([time, features]: [u64; 2], memory: [u64; 2], block: &TransformerSpec) -> u64 {
    let attention = attention_to([time, features], memory, block.heads, &block.weights);
    attention.saturating_add(product(&[LAYER_NORM + 1, time, features]))
}

fn transformer([time, features]: [u64; 2], block: &TransformerSpec) -> u64 {
    let hidden = block.hidden_units(features);
    let values = product(&[time, features]);
    [
        attention([time, features], block.heads, &block.weights),
        dense(time, [features, hidden], block.weights.bias),
        activated(block.activation, product(&[time, hidden])),
        dense(time, [hidden, features], block.weights.bias),
        product(&[2, LAYER_NORM, values]),
        // Two residual connections.
        product(&[2, values]),
    ]
    .into_iter()
    .fold(0, u64::saturating_add)
}
