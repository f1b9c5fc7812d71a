//! Activation functions.
use super::activate_and_tap;
use crate::recipe::{Activation, Shape};
use barograph_burn::ops;
use burn::module::Module;
use burn::prelude::*;

/// Negative slope of `leaky_relu`: 0.01, the value of Maas et al., 2013.
const LEAKY_SLOPE: f64 = 0.01;

/// Up to where `thresholded_relu` gives 0: 1, the default of burn and of Keras.
const RELU_THRESHOLD: f64 = 1.0;

/// Magnitude up to which `hard_shrink` and `soft_shrink` give 0: 0.5, the default of torch.
const SHRINK_BOUND: f64 = 0.5;

/// An activation function as a layer of its own.
#[derive(Module, Debug)]
pub struct ActivationLayer {
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    input: Shape,
}

impl ActivationLayer {
    /// The function on values of this shape.
    #[must_use]
    pub fn new(activation: Activation, input: Shape) -> Self {
        Self { activation, input }
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        activate_and_tap(site, x, self.activation, self.input)
    }
}

/// Applies an activation function to `[batch, .., features]`.
#[must_use]
pub fn activate<const D: usize>(x: Tensor<D>, activation: Activation) -> Tensor<D> {
    match activation {
        Activation::Linear => x,
        Activation::Relu => ops::relu(x),
        Activation::LeakyRelu => ops::leaky_relu(x, LEAKY_SLOPE),
        // They differ in where `alpha` stands, which is 1.
        Activation::Elu | Activation::Celu => ops::elu(x, 1.0),
        Activation::Selu => ops::selu(x),
        Activation::Gelu => ops::gelu(x),
        Activation::GeluTanh => ops::gelu_tanh(x),
        Activation::Silu => ops::silu(x),
        Activation::Mish => ops::mish(x),
        Activation::HardSigmoid => ops::hard_sigmoid(x),
        Activation::HardSwish => ops::hard_swish(x),
        Activation::HardTanh => ops::clamp(x, -1.0, 1.0),
        Activation::Relu6 => ops::clamp(x, 0.0, 6.0),
        Activation::ThresholdedRelu => ops::threshold(x, RELU_THRESHOLD, 0.0),
        Activation::LogSigmoid => ops::log_sigmoid(x),
        Activation::Softsign => ops::softsign(x),
        Activation::TanhShrink => ops::tanh_shrink(x),
        Activation::HardShrink => ops::hard_shrink(x, SHRINK_BOUND),
        Activation::SoftShrink => ops::soft_shrink(x, SHRINK_BOUND),
        Activation::Softmin => ops::softmax(ops::neg(x), D - 1),
        Activation::Sigmoid => ops::sigmoid(x),
        Activation::Tanh => ops::tanh(x),
        Activation::Softmax => ops::softmax(x, D - 1),
        Activation::QuietSoftmax => ops::quiet_softmax(x, D - 1),
        Activation::LogSoftmax => ops::log_softmax(x, D - 1),
        Activation::SoftmaxBatch => ops::softmax(x, 0),
        Activation::Softplus => ops::softplus(x, 1.0),
        Activation::Exponential => ops::exp(x),
    }
}
