//! Marks time steps that are only there to fill up a sequence.
use crate::recipe::Shape;
use barograph_burn::{Scope, ops};
use burn::module::Module;
use burn::prelude::*;

/// Marks the time steps of which every feature is `value` as padding, and zeros them. Recurrent layers behind it carry their state past these steps,
/// attention does not see them, means leave them out, and a loss with a target for each time step does too.
#[derive(Module, Debug)]
pub struct Masking {
    value: f64,
    #[module(skip)]
    input: Shape,
}

impl Masking {
    /// A layer on sequences of shape `input`.
    #[must_use]
    pub fn new(input: Shape, value: f64) -> Self {
        Self { value, input }
    }

    pub(super) fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let [batch, values] = x.dims();
        let [time, features] = self.input.sequence();
        let present = x.clone().reshape([batch, time, features]).not_equal_elem(self.value).any_dim(2);
        let mask = present.float().cast(x.dtype());
        let x = ops::mul(ops::reshape(x, [batch, time, features]), mask.clone());
        Scope::set_mask(Some(mask.reshape([batch, time])));
        ops::reshape(x, [batch, values])
    }
}

/// The mask of a batch of sequences of so many steps `[batch, time]`, 1 for a step and 0 for padding; `None` where every step counts.
pub(super) fn of_steps(batch: usize, time: usize) -> Option<Tensor<2>> {
    Scope::mask().filter(|mask| mask.dims() == [batch, time])
}
