//! Every output sums over every input.
use super::{Fans, activate_and_tap, initialize};
use crate::random::Random;
use crate::recipe::{Activation, WeightSpec};
use barograph_burn::{from_slice, ops};
use burn::module::{Module, Param};
use burn::prelude::*;

/// `activation(x * weight + bias)`.
#[derive(Module, Debug)]
pub struct Dense {
    /// `[inputs, units]`.
    pub weight: Param<Tensor<2>>,
    /// `[units]`.
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    activation: Activation,
    units: usize,
}

impl Dense {
    /// A layer with weights drawn from `random`.
    #[must_use]
    pub fn new(
        inputs: usize,
        units: usize,
        activation: Activation,
        spec: &WeightSpec,
        random: &mut Random,
        device: &Device,
    ) -> Self {
        let fans = Fans { fan_in: inputs, fan_out: units };
        let weight = from_slice(initialize(spec.initializer, inputs * units, fans, random), [inputs, units], device);
        let bias = spec.bias.then(|| {
            let bias = initialize(spec.bias_initializer, units, fans, random);
            Param::from_tensor(from_slice(bias, [units], device)).set_require_grad(spec.trainable)
        });
        Self { weight: Param::from_tensor(weight).set_require_grad(spec.trainable), bias, activation, units }
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        let z = ops::linear(x, self.weight.val(), self.bias.as_ref().map(Param::val));
        activate_and_tap(site, z, self.activation, self.units)
    }
}
