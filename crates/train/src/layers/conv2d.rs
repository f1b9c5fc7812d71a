//! A convolution over an image.
use super::{Fans, activate_and_tap, drawn};
use crate::random::Random;
use crate::recipe::{Activation, Shape, WeightSpec};
use barograph_burn::ops;
use burn::module::{Module, Param};
use burn::prelude::*;

/// `activation(weight convolved with x, plus bias)` with a square kernel.
#[derive(Module, Debug)]
pub struct Conv2d {
    /// `[channels, input channels, kernel, kernel]`.
    pub weight: Param<Tensor<4>>,
    /// `[channels]`.
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    input: Shape,
    #[module(skip)]
    output: Shape,
    stride: usize,
    #[module(skip)]
    padding: [(usize, usize); 2],
}

impl Conv2d {
    /// A layer from `input` to `output` images, with weights drawn from `random`.
    #[must_use]
    pub fn new(
        [input, output]: [Shape; 2],
        [kernel, stride]: [usize; 2],
        activation: Activation,
        spec: &WeightSpec,
        random: &mut Random,
        device: &Device,
    ) -> Self {
        let [channels_in, height_in, width_in] = input.image();
        let [channels, height, width] = output.image();
        let fans = Fans { fan_in: channels_in * kernel * kernel, fan_out: channels * kernel * kernel };
        let shape = [channels, channels_in, kernel, kernel];
        let (weight, bias) = drawn(spec, shape, channels, fans, random, device);
        let padding = [zeros(height_in, height, kernel, stride), zeros(width_in, width, kernel, stride)];
        Self { weight, bias, activation, input, output, stride, padding }
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        let batch = x.dims()[0];
        let [channels, height, width] = self.input.image();
        let image = ops::reshape(x, [batch, channels, height, width]);
        let bias = self.bias.as_ref().map(Param::val);
        let z = ops::conv2d(image, self.weight.val(), bias, [self.stride; 2], self.padding);
        let z = ops::reshape(z, [batch, self.output.values() as usize]);
        activate_and_tap(site, z, self.activation, self.output)
    }
}

/// Zeros before and after an axis of `pixels`, so that a kernel takes `positions` places; the odd one goes to the end, as in
/// Keras' `same`.
pub(super) fn zeros(pixels: usize, positions: usize, kernel: usize, stride: usize) -> (usize, usize) {
    let needed = (positions.saturating_sub(1) * stride + kernel).saturating_sub(pixels);
    (needed / 2, needed - needed / 2)
}
