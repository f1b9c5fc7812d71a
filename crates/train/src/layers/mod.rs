//! The layers of a recipe's network, one file each.
//!
//! Between layers runs one tensor `[batch, features]`; a layer that works on images knows their shape and sees the features as
//! `[channels, height, width]`. Each layer reads its pre-activation and its activation at its own site.

mod activation;
mod batch_norm;
mod conv2d;
mod dense;
mod dropout;
mod initializer;
mod layer_norm;
mod pool2d;

pub use activation::{ActivationLayer, activate};
pub use batch_norm::BatchNorm;
pub use conv2d::Conv2d;
pub use dense::Dense;
pub use dropout::Dropout;
pub use initializer::{Fans, initialize};
pub use layer_norm::LayerNorm;
pub use pool2d::{Pool, Pool2d};

use barograph_burn::{Scope, tap_channels};
use barograph_vocab::Role;
use burn::module::Module;
use burn::prelude::*;

use crate::recipe::{Activation, Shape};

impl Shape {
    /// Channels of an image, or values of a row.
    #[must_use]
    pub const fn channels(self) -> usize {
        match self {
            Self::Row(values) => values as usize,
            Self::Image([channels, ..]) => channels as usize,
        }
    }

    /// Pixels of one channel; 1 for a row.
    #[must_use]
    pub const fn pixels(self) -> usize {
        match self {
            Self::Row(_) => 1,
            Self::Image([_, height, width]) => (height * width) as usize,
        }
    }

    /// Channels, height and width; a row is an image of one pixel.
    const fn image(self) -> [usize; 3] {
        match self {
            Self::Row(values) => [values as usize, 1, 1],
            Self::Image([channels, height, width]) => [channels as usize, height as usize, width as usize],
        }
    }
}

/// A layer of a [`crate::Network`].
#[derive(Module, Debug)]
pub enum Layer {
    /// Every output sums over every input.
    Dense(Dense),
    /// A convolution over an image.
    Conv2d(Conv2d),
    /// Maximum or mean of squares of an image.
    Pool2d(Pool2d),
    /// Zeros a share of the values while training.
    Dropout(Dropout),
    /// Normalization over the batch.
    BatchNorm(BatchNorm),
    /// Normalization over one example.
    LayerNorm(LayerNorm),
    /// An activation function as a layer of its own.
    Activation(ActivationLayer),
}

impl Layer {
    /// Runs the layer on `[batch, features]` at its site.
    #[must_use]
    pub fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        Scope::at(site, || match self {
            Self::Dense(layer) => layer.forward(site, x),
            Self::Conv2d(layer) => layer.forward(site, x),
            Self::Pool2d(layer) => layer.forward(site, x),
            Self::Dropout(layer) => layer.forward(site, x),
            Self::BatchNorm(layer) => layer.forward(site, x),
            Self::LayerNorm(layer) => layer.forward(site, x),
            Self::Activation(layer) => layer.forward(site, x),
        })
    }
}

/// Reads what a layer computed before and after its activation function, `channels` units each.
fn activate_and_tap(site: &str, x: Tensor<2>, activation: Activation, channels: usize) -> Tensor<2> {
    if activation == Activation::Linear {
        return tap_channels(site, Role::Activation, x, channels);
    }
    let x = tap_channels(site, Role::PreActivation, x, channels);
    tap_channels(site, Role::Activation, activate(x, activation), channels)
}
