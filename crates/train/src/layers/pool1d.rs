//! Maximum or mean of neighbouring time steps.
use super::{Pool, tap_as};
use crate::recipe::Shape;
use barograph_burn::ops;
use barograph_vocab::Role;
use burn::module::Module;
use burn::prelude::*;

/// Maximum or mean, for each feature, of `size` time steps that follow one another: `[time, features]` to `[positions, features]`.
#[derive(Module, Debug)]
pub struct Pool1d {
    #[module(skip)]
    pool: Pool,
    #[module(skip)]
    input: Shape,
    #[module(skip)]
    output: Shape,
    size: usize,
    stride: usize,
}

impl Pool1d {
    /// A pool of `size` time steps, `stride` apart, from `input` to `output` sequences.
    #[must_use]
    pub fn new(pool: Pool, [input, output]: [Shape; 2], [size, stride]: [usize; 2]) -> Self {
        Self { pool, input, output, size, stride }
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        let batch = x.dims()[0];
        let [time, features] = self.input.sequence();
        // An image of one channel, whose columns are the features.
        let image = ops::reshape(x, [batch, 1, time, features]);
        let (size, stride) = ([self.size, 1], [self.stride, 1]);
        let pooled = match self.pool {
            Pool::Max => ops::max_pool2d(image, size, stride, [0; 2]),
            Pool::Average => ops::avg_pool2d(image, size, stride, [0; 2]),
        };
        let flat = ops::reshape(pooled, [batch, self.output.values() as usize]);
        tap_as(site, Role::Activation, flat, self.output)
    }
}
