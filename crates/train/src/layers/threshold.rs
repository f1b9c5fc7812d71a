//! A value that stands in for small ones.
use super::tap_as;
use crate::recipe::Shape;
use barograph_burn::ops;
use barograph_vocab::Role;
use burn::module::Module;
use burn::prelude::*;

/// `x` above a threshold, else a value of its own; with 0 it is the thresholded rectifier (Konda, Memisevic and Krueger, 2014).
#[derive(Module, Debug)]
pub struct Threshold {
    #[module(skip)]
    input: Shape,
    threshold: f64,
    value: f64,
}

impl Threshold {
    /// The function on values of this shape.
    #[must_use]
    pub fn new(input: Shape, threshold: f64, value: f64) -> Self {
        Self { input, threshold, value }
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        let x = tap_as(site, Role::PreActivation, x, self.input);
        tap_as(site, Role::Activation, ops::threshold(x, self.threshold, self.value), self.input)
    }
}
