//! Layers side by side.
use super::{Layer, tap_as};
use crate::recipe::{Merge, Shape};
use barograph_burn::{Scope, ops};
use barograph_vocab::Role;
use burn::module::Module;
use burn::prelude::*;

/// Branches that all get the same input; their outputs are joined along the channels (Szegedy et al., 2014), or added, multiplied, averaged or
/// compared.
#[derive(Module, Debug)]
pub struct Parallel {
    /// The branches that compute something.
    pub layers: Vec<Layer>,
    /// The name of each within this one.
    names: Vec<String>,
    #[module(skip)]
    branches: Vec<Branch>,
    #[module(skip)]
    merge: Merge,
    #[module(skip)]
    output: Shape,
}

/// What a branch puts out, and which of the layers makes it; none where values are only seen in another shape.
#[derive(Clone, Copy, Debug)]
pub struct Branch {
    /// The place among the layers.
    pub layer: Option<usize>,
    /// What it puts out.
    pub output: Shape,
}

impl Parallel {
    /// Branches made of these layers, which have these names.
    #[must_use]
    pub fn new(layers: Vec<Layer>, names: Vec<String>, branches: Vec<Branch>, merge: Merge, output: Shape) -> Self {
        Self { layers, names, branches, merge, output }
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        let (batch, mask) = (x.dims()[0], Scope::mask());
        let outputs = self.branches.iter().map(|branch| {
            Scope::set_mask(mask.clone());
            let y = match branch.layer {
                Some(place) => self.layers[place].inside(site, &self.names[place], x.clone()),
                None => x.clone(),
            };
            let [time, channels, pixels] = branch.output.view();
            ops::reshape(y, [batch, time, channels, pixels])
        });
        let joined = outputs.reduce(|first, second| match self.merge {
            Merge::Concat => ops::concat(first, second, 2),
            Merge::Add | Merge::Average => ops::add(first, second),
            Merge::Multiply => ops::mul(first, second),
            // The first, and what the second is above it.
            Merge::Maximum => ops::add(first.clone(), ops::relu(ops::sub(second, first))),
        });
        let joined = match self.merge {
            Merge::Average => joined.map(|sum| ops::div_scalar(sum, self.branches.len().max(1) as f64)),
            _ => joined,
        };
        // Behind the branches there are the time steps before them, if there are any.
        Scope::set_mask(mask.filter(|mask| self.output.sequence()[0] == mask.dims()[1]));
        let Some(joined) = joined else { return x };
        tap_as(site, Role::Activation, ops::reshape(joined, [batch, self.output.values() as usize]), self.output)
    }

    pub(super) fn inner(&self) -> (&[String], &[Layer]) {
        (&self.names, &self.layers)
    }
}
