//! A convolution over time.
use super::conv2d::zeros;
use super::{Fans, activate_and_tap, drawn};
use crate::random::Random;
use crate::recipe::{Activation, Shape, WeightSpec};
use barograph_burn::ops;
use burn::module::{Module, Param};
use burn::prelude::*;

/// `activation(weight convolved with x, plus bias)` along the time of a sequence: `[time, features]` to `[positions, channels]`.
#[derive(Module, Debug)]
pub struct Conv1d {
    /// `[channels, features, kernel]`.
    pub weight: Param<Tensor<3>>,
    /// `[channels]`.
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    input: Shape,
    #[module(skip)]
    output: Shape,
    stride: usize,
    padding: (usize, usize),
}

impl Conv1d {
    /// A layer from `input` to `output` sequences, with weights drawn from `random`.
    #[must_use]
    pub fn new(
        [input, output]: [Shape; 2],
        [kernel, stride]: [usize; 2],
        activation: Activation,
        spec: &WeightSpec,
        random: &mut Random,
        device: &Device,
    ) -> Self {
        let ([time, features], [positions, channels]) = (input.sequence(), output.sequence());
        let fans = Fans { fan_in: features * kernel, fan_out: channels * kernel };
        let (weight, bias) = drawn(spec, [channels, features, kernel], channels, fans, random, device);
        let padding = zeros(time, positions, kernel, stride);
        Self { weight, bias, activation, input, output, stride, padding }
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        let batch = x.dims()[0];
        let [time, features] = self.input.sequence();
        let x = ops::swap_axes(ops::reshape(x, [batch, time, features]), 1, 2);
        let bias = self.bias.as_ref().map(Param::val);
        let z = ops::swap_axes(ops::conv1d(x, self.weight.val(), bias, self.stride, self.padding), 1, 2);
        activate_and_tap(site, ops::reshape(z, [batch, self.output.values() as usize]), self.activation, self.output)
    }
}
