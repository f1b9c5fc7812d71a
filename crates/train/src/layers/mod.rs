//! The layers of a recipe's network, one file each.
//!
//! Between layers runs one tensor `[batch, features]`; a layer that works on images knows their shape and sees the features as
//! `[channels, height, width]`, and one that works on sequences sees them as `[time, features]`. Each layer reads its pre-activation
//! and its activation at its own site.

mod activation;
mod batch_norm;
mod carried;
mod conv1d;
mod conv2d;
mod conv2d_transpose;
mod custom;
mod dense;
mod drawn;
mod dropout;
mod embedding;
mod encoder_decoder;
mod global_pool;
mod glu;
mod group_norm;
mod gru;
mod head;
mod initializer;
mod layer_norm;
mod leaky_relu;
mod lstm;
mod masking;
mod multi_head_attention;
mod parallel;
mod pool1d;
mod pool2d;
mod position_embedding;
mod prelu;
mod recurrent;
mod residual;
mod rms_norm;
mod rnn;
mod rrelu;
mod sequential;
mod threshold;
mod transformer;

pub use activation::{ActivationLayer, activate};
pub(crate) use batch_norm::measuring;
pub use batch_norm::{BatchNorm, Statistics};
pub use carried::CarriedState;
pub use conv1d::Conv1d;
pub use conv2d::Conv2d;
pub use conv2d_transpose::Conv2dTranspose;
pub(crate) use custom::Function;
pub use custom::{Custom, CustomLayer, LayerWeights, NewWeight};
pub use dense::Dense;
use drawn::drawn;
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use encoder_decoder::EncoderDecoder;
pub use global_pool::GlobalPool;
pub use glu::Glu;
pub use group_norm::GroupNorm;
pub use head::Head;
pub use initializer::{Fans, Initialize, initialize};
pub use layer_norm::LayerNorm;
pub use leaky_relu::LeakyRelu;
pub use masking::Masking;
pub use multi_head_attention::MultiHeadAttention;
pub use parallel::{Branch, Parallel};
pub use pool1d::Pool1d;
pub use pool2d::{Pool, Pool2d};
pub use position_embedding::PositionEmbedding;
pub use prelu::Prelu;
pub use recurrent::{Cell, Direction, Recurrent};
pub use residual::Residual;
pub use rms_norm::RmsNorm;
pub use rrelu::RRelu;
pub use sequential::Sequential;
pub use threshold::Threshold;
pub use transformer::Transformer;

use barograph_burn::{Scope, ops, tap_channels};
use barograph_vocab::Role;
use burn::module::Module;
use burn::prelude::*;

use crate::recipe::{Activation, Shape};

impl Shape {
    /// Channels of an image, features of a time step, or values of a row.
    #[must_use]
    pub const fn channels(self) -> usize {
        self.view()[1]
    }

    /// Pixels of one channel, or time steps; 1 for a row.
    #[must_use]
    pub const fn pixels(self) -> usize {
        let [time, _, pixels] = self.view();
        time * pixels
    }

    /// Axes before the channels, the channels, and axes behind them, in the order in which the values lie.
    const fn view(self) -> [usize; 3] {
        match self {
            Self::Row(values) => [1, values as usize, 1],
            Self::Sequence([time, features]) => [time as usize, features as usize, 1],
            Self::Image([channels, height, width]) => [1, channels as usize, (height * width) as usize],
        }
    }

    /// Channels, height and width; a row is an image of one pixel.
    const fn image(self) -> [usize; 3] {
        match self {
            Self::Image([channels, height, width]) => [channels as usize, height as usize, width as usize],
            Self::Row(_) | Self::Sequence(_) => [self.values() as usize, 1, 1],
        }
    }

    /// Time steps and features of each; anything else is a sequence of one step.
    const fn sequence(self) -> [usize; 2] {
        match self {
            Self::Sequence([time, features]) => [time as usize, features as usize],
            Self::Row(_) | Self::Image(_) => [1, self.values() as usize],
        }
    }

    /// Values that a layer norm takes together: those of a time step, or of the whole example.
    const fn normalized(self) -> usize {
        self.sequence()[1]
    }
}

/// A layer of a [`crate::Network`].
#[allow(clippy::large_enum_variant, reason = "a network has few layers, and burn has no modules behind a Box")]
#[derive(Module, Debug)]
pub enum Layer {
    /// Every output sums over every input.
    Dense(Dense),
    /// A convolution over an image.
    Conv2d(Conv2d),
    /// Maximum or mean of squares of an image.
    Pool2d(Pool2d),
    /// Maximum or mean of neighbouring time steps.
    Pool1d(Pool1d),
    /// Zeros a share of the values while training.
    Dropout(Dropout),
    /// Normalization over the batch.
    BatchNorm(BatchNorm),
    /// Normalization over one example.
    LayerNorm(LayerNorm),
    /// An activation function as a layer of its own.
    Activation(ActivationLayer),
    /// A convolution over time.
    Conv1d(Conv1d),
    /// A transposed convolution, which makes an image larger.
    Conv2dTranspose(Conv2dTranspose),
    /// Maximum or mean of each channel.
    GlobalPool(GlobalPool),
    /// Normalization over groups of channels of one example.
    GroupNorm(GroupNorm),
    /// Normalization by the root mean square.
    RmsNorm(RmsNorm),
    /// A learned row of numbers for each whole number.
    Embedding(Embedding),
    /// Learned positions in a sequence.
    PositionEmbedding(PositionEmbedding),
    /// Marks time steps that are only there to fill up a sequence.
    Masking(Masking),
    /// A layer with a state that is carried through time.
    Recurrent(Recurrent),
    /// Attention of a sequence to itself.
    MultiHeadAttention(MultiHeadAttention),
    /// Attention, then a small network for each time step.
    Transformer(Transformer),
    /// A rectifier with a fixed slope below 0.
    LeakyRelu(LeakyRelu),
    /// A rectifier with a random slope below 0.
    RRelu(RRelu),
    /// A value that stands in for small ones.
    Threshold(Threshold),
    /// A rectifier with a learned slope below 0.
    Prelu(Prelu),
    /// One half of the channels gates the other.
    Glu(Glu),
    /// Layers whose output is added to their input.
    Residual(Residual),
    /// Layers side by side.
    Parallel(Parallel),
    /// Layers one after the other, as one layer.
    Sequential(Sequential),
    /// An encoder, and a decoder that attends to it.
    EncoderDecoder(EncoderDecoder),
    /// A layer that a user wrote.
    Custom(Custom),
}

impl Layer {
    /// Runs the layer on `[batch, features]` at its site.
    #[must_use]
    pub fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        Scope::at(site, || self.run(site, x))
    }

    /// Runs a layer that lies inside of the one at `site`.
    fn inside(&self, site: &str, name: &str, x: Tensor<2>) -> Tensor<2> {
        Scope::at(name, || self.run(&format!("{site}.{name}"), x))
    }

    fn run(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        let y = self.compute(site, x);
        if self.ends_sequence() {
            Scope::set_mask(None);
        }
        y
    }

    /// Whether behind this layer there are no longer the time steps before it.
    fn ends_sequence(&self) -> bool {
        match self {
            Self::Conv1d(_)
            | Self::Conv2d(_)
            | Self::Conv2dTranspose(_)
            | Self::Pool1d(_)
            | Self::Pool2d(_)
            | Self::GlobalPool(_) => true,
            Self::Recurrent(layer) => layer.ends_sequence(),
            _ => false,
        }
    }

    /// Layers that are told where a step begins, this one or those inside.
    pub(crate) fn begin_step(&self, epoch: u64) {
        match self {
            Self::Recurrent(layer) => layer.begin_step(epoch),
            _ => self.inner().iter().flat_map(|(_, layers)| layers.iter()).for_each(|layer| layer.begin_step(epoch)),
        }
    }

    fn compute(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Dense(layer) => layer.forward(site, x),
            Self::Conv2d(layer) => layer.forward(site, x),
            Self::Pool2d(layer) => layer.forward(site, x),
            Self::Pool1d(layer) => layer.forward(site, x),
            Self::Dropout(layer) => layer.forward(site, x),
            Self::BatchNorm(layer) => layer.forward(site, x),
            Self::LayerNorm(layer) => layer.forward(site, x),
            Self::Activation(layer) => layer.forward(site, x),
            Self::Conv1d(layer) => layer.forward(site, x),
            Self::Conv2dTranspose(layer) => layer.forward(site, x),
            Self::GlobalPool(layer) => layer.forward(site, x),
            Self::GroupNorm(layer) => layer.forward(site, x),
            Self::RmsNorm(layer) => layer.forward(site, x),
            Self::Embedding(layer) => layer.forward(site, x),
            Self::PositionEmbedding(layer) => layer.forward(site, x),
            Self::Masking(layer) => layer.forward(x),
            Self::Recurrent(layer) => layer.forward(site, x),
            Self::MultiHeadAttention(layer) => layer.forward(site, x),
            Self::Transformer(layer) => layer.forward(site, x),
            Self::LeakyRelu(layer) => layer.forward(site, x),
            Self::RRelu(layer) => layer.forward(site, x),
            Self::Threshold(layer) => layer.forward(site, x),
            Self::Prelu(layer) => layer.forward(site, x),
            Self::Glu(layer) => layer.forward(site, x),
            Self::Residual(layer) => layer.forward(site, x),
            Self::Parallel(layer) => layer.forward(site, x),
            Self::Sequential(layer) => layer.forward(site, x),
            Self::EncoderDecoder(layer) => layer.forward(site, x),
            Self::Custom(layer) => layer.forward(site, x),
        }
    }

    /// The layers inside of this one, with their names.
    #[must_use]
    pub fn inner(&self) -> Option<(&[String], &[Self])> {
        match self {
            Self::Residual(block) => Some(block.inner()),
            Self::Parallel(block) => Some(block.inner()),
            Self::Sequential(block) => Some(block.inner()),
            Self::EncoderDecoder(block) => Some(block.inner()),
            _ => None,
        }
    }
}

/// Runs layers inside of the one at `site`, one after the other.
fn chain(site: &str, names: &[String], layers: &[Layer], x: Tensor<2>) -> Tensor<2> {
    names.iter().zip(layers).fold(x, |x, (name, layer)| layer.inside(site, name, x))
}

/// Reads `[batch, values]` as a layer puts it out: the units of a sequence are its features, and each time step counts as an example.
fn tap_as(site: &str, role: Role, x: Tensor<2>, shape: Shape) -> Tensor<2> {
    let Shape::Sequence(_) = shape else { return tap_channels(site, role, x, shape.channels()) };
    let ([batch, values], [time, features]) = (x.dims(), shape.sequence());
    let x = tap_channels(site, role, ops::reshape(x, [batch, time, features]), features);
    ops::reshape(x, [batch, values])
}

/// Reads what a layer computed before and after its activation function.
fn activate_and_tap(site: &str, x: Tensor<2>, activation: Activation, shape: Shape) -> Tensor<2> {
    let Shape::Sequence(_) = shape else { return activate_units(site, x, activation, shape.channels()) };
    let ([batch, values], [time, features]) = (x.dims(), shape.sequence());
    let x = activate_units(site, ops::reshape(x, [batch, time, features]), activation, features);
    ops::reshape(x, [batch, values])
}

/// Reads `[batch, .., features]` before and after an activation function, `channels` units each.
fn activate_units<const D: usize>(site: &str, x: Tensor<D>, activation: Activation, channels: usize) -> Tensor<D> {
    if activation == Activation::Linear {
        return tap_channels(site, Role::Activation, x, channels);
    }
    let x = tap_channels(site, Role::PreActivation, x, channels);
    tap_channels(site, Role::Activation, activate(x, activation), channels)
}
