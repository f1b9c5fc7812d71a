//! A rectifier with a learned slope below 0.
use super::tap_as;
use crate::recipe::Shape;
use barograph_burn::{from_slice, ops};
use barograph_vocab::Role;
use burn::module::{Module, Param};
use burn::prelude::*;

/// `x`, or below 0 `slope * x` with a learned slope per channel (He et al., 2015).
#[derive(Module, Debug)]
pub struct Prelu {
    /// `[channels]`.
    pub slope: Param<Tensor<1>>,
    #[module(skip)]
    input: Shape,
}

impl Prelu {
    /// Every slope begins as `slope`.
    #[must_use]
    pub fn new(input: Shape, slope: f64, trainable: bool, device: &Device) -> Self {
        let channels = input.channels();
        let slope = Param::from_tensor(from_slice(vec![slope as f32; channels], [channels], device));
        Self { slope: slope.set_require_grad(trainable), input }
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        let [batch, values] = x.dims();
        let [time, channels, pixels] = self.input.view();
        let x = tap_as(site, Role::PreActivation, x, self.input);
        let x = ops::reshape(x, [batch, time, channels, pixels]);
        let below = ops::mul(ops::relu(ops::neg(x.clone())), self.slope.val().reshape([1, 1, channels, 1]));
        let y = ops::sub(ops::relu(x), below);
        tap_as(site, Role::Activation, ops::reshape(y, [batch, values]), self.input)
    }
}
