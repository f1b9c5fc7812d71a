//! A rectifier with a fixed slope below 0.
use super::tap_as;
use crate::recipe::Shape;
use barograph_burn::ops;
use barograph_vocab::Role;
use burn::module::Module;
use burn::prelude::*;

/// `x`, or `slope * x` below 0 (Maas et al., 2013).
#[derive(Module, Debug)]
pub struct LeakyRelu {
    #[module(skip)]
    input: Shape,
    slope: f64,
}

impl LeakyRelu {
    /// The function on values of this shape.
    #[must_use]
    pub fn new(input: Shape, slope: f64) -> Self {
        Self { input, slope }
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        let x = tap_as(site, Role::PreActivation, x, self.input);
        tap_as(site, Role::Activation, ops::leaky_relu(x, self.slope), self.input)
    }
}
