//! The layers of one of several outputs.
use super::{Layer, chain};
use barograph_burn::{Scope, tap_gradient};
use burn::module::Module;
use burn::prelude::*;

/// The layers of one of several outputs, which start from a layer that the outputs share.
#[derive(Module, Debug)]
pub struct Head {
    /// The layers, one after the other.
    pub layers: Vec<Layer>,
    /// The name of each within this one.
    names: Vec<String>,
    /// What the output is called.
    name: String,
    /// Layers of the network before it.
    after: usize,
    /// Values that it puts out.
    width: usize,
}

impl Head {
    /// An output of this name and so many values, made by these layers, which have these names, behind the first `after` layers of a network.
    #[must_use]
    pub fn new(layers: Vec<Layer>, names: Vec<String>, name: String, after: usize, width: usize) -> Self {
        Self { layers, names, name, after, width }
    }

    /// What the output is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Layers of the network before it.
    #[must_use]
    pub const fn after(&self) -> usize {
        self.after
    }

    /// Values that it puts out.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// The layers with their names.
    #[must_use]
    pub fn inner(&self) -> (&[String], &[Layer]) {
        (&self.names, &self.layers)
    }

    /// Runs the layers on what the shared layer puts out. What their loss sends back to it is read at the output's own site.
    #[must_use]
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        Scope::at(&self.name, || chain(&self.name, &self.names, &self.layers, tap_gradient(&self.name, x)))
    }
}
