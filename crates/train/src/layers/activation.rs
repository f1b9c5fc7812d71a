//! Activation functions.
use super::activate_and_tap;
use crate::recipe::{Activation, Shape};
use barograph_burn::ops;
use burn::module::Module;
use burn::prelude::*;

/// Negative slope of `leaky_relu`: 0.01, the value of Maas et al., 2013.
const LEAKY_SLOPE: f64 = 0.01;

/// An activation function as a layer of its own.
#[derive(Module, Debug)]
pub struct ActivationLayer {
    #[module(skip)]
    activation: Activation,
    channels: usize,
}

impl ActivationLayer {
    /// The function on values of this shape.
    #[must_use]
    pub fn new(activation: Activation, input: Shape) -> Self {
        Self { activation, channels: input.channels() }
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        activate_and_tap(site, x, self.activation, self.channels)
    }
}

/// Applies an activation function to `[batch, features]`.
#[must_use]
pub fn activate(x: Tensor<2>, activation: Activation) -> Tensor<2> {
    match activation {
        Activation::Linear => x,
        Activation::Relu => ops::relu(x),
        Activation::LeakyRelu => ops::leaky_relu(x, LEAKY_SLOPE),
        Activation::Elu => ops::elu(x, 1.0),
        Activation::Selu => ops::selu(x),
        Activation::Gelu => ops::gelu(x),
        Activation::Silu => ops::silu(x),
        Activation::Sigmoid => ops::sigmoid(x),
        Activation::Tanh => ops::tanh(x),
        Activation::Softmax => ops::softmax(x, 1),
        Activation::LogSoftmax => ops::log_softmax(x, 1),
        Activation::SoftmaxBatch => ops::softmax(x, 0),
        Activation::Softplus => ops::softplus(x, 1.0),
        Activation::Exponential => ops::exp(x),
    }
}
