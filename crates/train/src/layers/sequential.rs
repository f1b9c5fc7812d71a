//! Layers one after the other, as one layer.
use super::{Layer, chain};
use burn::module::Module;
use burn::prelude::*;

/// Layers one after the other: a branch of several layers.
#[derive(Module, Debug)]
pub struct Sequential {
    /// The layers.
    pub layers: Vec<Layer>,
    /// The name of each within this one.
    names: Vec<String>,
}

impl Sequential {
    /// These layers, which have these names.
    #[must_use]
    pub fn new(layers: Vec<Layer>, names: Vec<String>) -> Self {
        Self { layers, names }
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        chain(site, &self.names, &self.layers, x)
    }

    pub(super) fn inner(&self) -> (&[String], &[Layer]) {
        (&self.names, &self.layers)
    }
}
