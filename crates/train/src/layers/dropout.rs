//! Zeros a share of the values while training.
use crate::random::{Purpose, Random};
use crate::recipe::Shape;
use barograph_burn::{Scope, from_slice, ops, tap_channels};
use barograph_vocab::Role;
use burn::module::Module;
use burn::prelude::*;

/// Zeros each value with probability `rate` while training and scales the others up, so that their mean stays (Srivastava et
/// al., 2014). The mask depends on seed, step and layer alone, so that a replay drops the same values.
#[derive(Module, Debug)]
pub struct Dropout {
    rate: f64,
    number: usize,
    channels: usize,
}

impl Dropout {
    /// The layer with this number in the network.
    #[must_use]
    pub fn new(rate: f64, number: usize, input: Shape) -> Self {
        Self { rate, number, channels: input.channels() }
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        if !Scope::is_training() || self.rate == 0.0 {
            return x;
        }
        let mask = self.mask(x.dims(), &x.device());
        tap_channels(site, Role::Activation, ops::mul(x, mask), self.channels)
    }

    fn mask(&self, shape: [usize; 2], device: &Device) -> Tensor<2> {
        let key = Scope::step_key();
        let mut random = Random::new(key.seed, Purpose::Dropout, key.step, self.number as u32);
        let keep = (1.0 / (1.0 - self.rate)) as f32;
        let rate = self.rate as f32;
        let values = (0..shape[0] * shape[1]).map(|_| if random.uniform() < rate { 0.0 } else { keep }).collect();
        from_slice(values, shape, device)
    }
}
