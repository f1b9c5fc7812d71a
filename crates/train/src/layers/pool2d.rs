//! Maximum or mean of squares of an image.
use super::tap_as;
use crate::recipe::Shape;
use barograph_burn::ops;
use barograph_vocab::Role;
use burn::module::Module;
use burn::prelude::*;

/// What a pool makes of a square.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// Its largest value.
    Max,
    /// Its mean.
    Average,
}

/// Maximum or mean of each square of an image.
#[derive(Module, Debug)]
pub struct Pool2d {
    #[module(skip)]
    pool: Pool,
    #[module(skip)]
    input: Shape,
    #[module(skip)]
    output: Shape,
    size: usize,
    stride: usize,
}

impl Pool2d {
    /// A pool of squares of side `size`, `stride` apart, from `input` to `output` images.
    #[must_use]
    pub fn new(pool: Pool, [input, output]: [Shape; 2], [size, stride]: [usize; 2]) -> Self {
        Self { pool, input, output, size, stride }
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        let batch = x.dims()[0];
        let [channels, height, width] = self.input.image();
        let image = ops::reshape(x, [batch, channels, height, width]);
        let pooled = match self.pool {
            Pool::Max => ops::max_pool2d(image, [self.size; 2], [self.stride; 2], [0; 2]),
            Pool::Average => ops::avg_pool2d(image, [self.size; 2], [self.stride; 2], [0; 2]),
        };
        let flat = ops::reshape(pooled, [batch, self.output.values() as usize]);
        tap_as(site, Role::Activation, flat, self.output)
    }
}
