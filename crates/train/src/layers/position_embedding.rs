//! Learned positions in a sequence.
use super::{Fans, initialize, tap_as};
use crate::random::Random;
use crate::recipe::{Initializer, Shape};
use barograph_burn::{from_slice, ops};
use barograph_vocab::Role;
use burn::module::{Module, Param};
use burn::prelude::*;

/// Adds a learned row to each time step, so that attention, which does not know the order of its inputs, can tell them apart
/// (Gehring et al., 2017).
#[derive(Module, Debug)]
pub struct PositionEmbedding {
    /// `[time, features]`.
    pub weight: Param<Tensor<2>>,
    #[module(skip)]
    input: Shape,
}

impl PositionEmbedding {
    /// A row for each time step of `input`.
    #[must_use]
    pub fn new(input: Shape, initializer: Initializer, trainable: bool, random: &mut Random, device: &Device) -> Self {
        let [time, features] = input.sequence();
        let weight = initialize(initializer, time * features, Fans { fan_in: time, fan_out: features }, random);
        let weight = Param::from_tensor(from_slice(weight, [time, features], device));
        Self { weight: weight.set_require_grad(trainable), input }
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        let [_, values] = x.dims();
        tap_as(site, Role::Activation, ops::add(x, self.weight.val().reshape([1, values])), self.input)
    }
}
