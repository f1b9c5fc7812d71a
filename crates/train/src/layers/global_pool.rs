//! Maximum or mean of each channel.
use super::{Pool, masking, tap_as};
use crate::recipe::Shape;
use barograph_burn::ops;
use barograph_vocab::Role;
use burn::module::Module;
use burn::prelude::*;

/// The largest value or the mean of each channel of an image, or of each feature of a sequence: `[channels]` (Lin et al., 2013). A mean leaves
/// out time steps that only fill up.
#[derive(Module, Debug)]
pub struct GlobalPool {
    #[module(skip)]
    pool: Pool,
    #[module(skip)]
    input: Shape,
}

impl GlobalPool {
    /// A pool over all of `input`.
    #[must_use]
    pub fn new(pool: Pool, input: Shape) -> Self {
        Self { pool, input }
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        let batch = x.dims()[0];
        let [time, channels, pixels] = self.input.view();
        // A sequence has its places before the features and an image behind them; one of the two axes has length 1.
        let x = ops::reshape(x, [batch, time, channels, pixels]);
        let mask = masking::of_steps(batch, time).filter(|_| matches!(self.input, Shape::Sequence(_)));
        let pooled = match self.pool {
            Pool::Max => ops::max_dim(ops::max_dim(x, 3), 1),
            Pool::Average => match mask {
                None => ops::mean_dim(ops::mean_dim(x, 3), 1),
                Some(mask) => {
                    let mask = ops::reshape(mask, [batch, time, 1, 1]);
                    let steps = ops::clamp_min(ops::sum_dim(mask.clone(), 1), 1.0);
                    ops::div(ops::sum_dim(ops::mul(x, mask), 1), steps)
                }
            },
        };
        tap_as(site, Role::Activation, ops::reshape(pooled, [batch, channels]), Shape::Row(channels as u64))
    }
}
