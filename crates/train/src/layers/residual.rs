//! Layers whose output is added to their input.
use super::{Layer, chain, tap_as};
use crate::recipe::Shape;
use barograph_burn::{Scope, ops};
use barograph_vocab::Role;
use burn::module::Module;
use burn::prelude::*;

/// `x` plus what the layers make of it, which must have the same shape (He et al., 2015).
#[derive(Module, Debug)]
pub struct Residual {
    /// The layers, one after the other.
    pub layers: Vec<Layer>,
    /// The name of each within this one.
    names: Vec<String>,
    #[module(skip)]
    input: Shape,
}

impl Residual {
    /// A block around these layers, which have these names.
    #[must_use]
    pub fn new(layers: Vec<Layer>, names: Vec<String>, input: Shape) -> Self {
        Self { layers, names, input }
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        let mask = Scope::mask();
        let y = chain(site, &self.names, &self.layers, x.clone());
        Scope::set_mask(mask);
        tap_as(site, Role::Activation, ops::add(x, y), self.input)
    }

    pub(super) fn inner(&self) -> (&[String], &[Layer]) {
        (&self.names, &self.layers)
    }
}
