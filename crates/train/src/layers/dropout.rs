//! Zeros a share of the values while training.
use super::tap_as;
use crate::random::{Purpose, Random};
use crate::recipe::Shape;
use barograph_burn::{Scope, from_slice, ops};
use barograph_vocab::Role;
use burn::module::Module;
use burn::prelude::*;

/// Numbers of layers that a network may have before the masks of a dropout inside a block repeat those of another layer.
const PLACES: u32 = 1 << 20;

/// Zeros each value with probability `rate` while training and scales the others up, so that their mean stays (Srivastava et
/// al., 2014). The mask depends on seed, step and layer alone, so that a replay drops the same values.
#[derive(Module, Debug)]
pub struct Dropout {
    rate: f64,
    number: usize,
    /// Which of the dropouts of its layer it is: 0 for a layer of its own.
    place: usize,
    #[module(skip)]
    input: Shape,
}

impl Dropout {
    /// The layer with this number in the network.
    #[must_use]
    pub fn new(rate: f64, number: usize, input: Shape) -> Self {
        Self::inside(rate, number, 0, input)
    }

    /// One of the dropouts inside of the layer with this number in the network.
    #[must_use]
    pub(super) fn inside(rate: f64, number: usize, place: usize, input: Shape) -> Self {
        Self { rate, number, place, input }
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        if !self.is_active() {
            return x;
        }
        tap_as(site, Role::Activation, self.apply(x), self.input)
    }

    /// Drops values of a tensor of any shape, unseen.
    pub(super) fn apply<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        if !self.is_active() {
            return x;
        }
        let mask = self.mask(x.dims(), &x.device());
        ops::mul(x, mask)
    }

    fn is_active(&self) -> bool {
        Scope::is_training() && self.rate != 0.0
    }

    fn mask<const D: usize>(&self, shape: [usize; D], device: &Device) -> Tensor<D> {
        let key = Scope::step_key();
        let site = (self.number as u32).wrapping_add(PLACES.wrapping_mul(self.place as u32));
        let mut random = Random::new(key.seed, Purpose::Dropout, key.counter(), site);
        let keep = (1.0 / (1.0 - self.rate)) as f32;
        let rate = self.rate as f32;
        let count = shape.iter().product::<usize>();
        let values = (0..count).map(|_| if random.uniform() < rate { 0.0 } else { keep }).collect();
        from_slice(values, shape, device)
    }
}
