//! Every output sums over every input.
use super::{Fans, activate_units, drawn};
use crate::random::Random;
use crate::recipe::{Activation, WeightSpec};
use barograph_burn::ops;
use burn::module::{Module, Param};
use burn::prelude::*;

/// `activation(x * weight + bias)`; the same for each time step of a sequence.
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
        let (weight, bias) = drawn(spec, [inputs, units], units, fans, random, device);
        Self { weight, bias, activation, units }
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        let ([batch, values], inputs) = (x.dims(), self.weight.dims()[0]);
        if values == inputs {
            return self.apply(site, x);
        }
        // More values than a unit sums over are time steps, each of which goes through the layer.
        let time = values / inputs.max(1);
        let y = self.apply(site, ops::reshape(x, [batch, time, inputs]));
        ops::reshape(y, [batch, time * self.units])
    }

    /// Runs the layer on the last axis of `[.., inputs]`.
    pub(super) fn apply<const D: usize>(&self, site: &str, x: Tensor<D>) -> Tensor<D> {
        let z = ops::linear(x, self.weight.val(), self.bias.as_ref().map(Param::val));
        activate_units(site, z, self.activation, self.units)
    }
}
