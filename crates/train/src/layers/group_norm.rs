//! Normalization over groups of channels of one example.
use super::tap_as;
use crate::recipe::Shape;
use barograph_burn::{from_slice, ops};
use barograph_vocab::Role;
use burn::module::{Module, Param};
use burn::prelude::*;

/// Each group of channels of an example to mean 0 and variance 1, over the pixels of an image or the time of a sequence too,
/// then a learned scale and shift per channel (Wu and He, 2018).
#[derive(Module, Debug)]
pub struct GroupNorm {
    /// `[channels]`.
    pub scale: Param<Tensor<1>>,
    /// `[channels]`.
    pub shift: Param<Tensor<1>>,
    #[module(skip)]
    input: Shape,
    groups: usize,
    epsilon: f64,
}

impl GroupNorm {
    /// Scale 1 and shift 0. The channels must be a multiple of `groups`.
    #[must_use]
    pub fn new(input: Shape, groups: usize, epsilon: f64, trainable: bool, device: &Device) -> Self {
        let channels = input.channels();
        let filled = |value| {
            Param::from_tensor(from_slice(vec![value; channels], [channels], device)).set_require_grad(trainable)
        };
        Self { scale: filled(1.0), shift: filled(0.0), input, groups, epsilon }
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        let [batch, values] = x.dims();
        let [time, channels, pixels] = self.input.view();
        let (groups, per_group) = (self.groups, channels / self.groups.max(1));
        let x = ops::reshape(x, [batch, time, groups, per_group * pixels]);
        let centred = ops::sub(x.clone(), ops::mean_dim(ops::mean_dim(x, 3), 1));
        let variance = ops::mean_dim(ops::mean_dim(ops::square(centred.clone()), 3), 1);
        let normalized = ops::div(centred, ops::sqrt(ops::add_scalar(variance, self.epsilon)));
        let normalized = ops::reshape(normalized, [batch, time, channels, pixels]);
        let scaled = ops::mul(normalized, self.scale.val().reshape([1, 1, channels, 1]));
        let shifted = ops::add(scaled, self.shift.val().reshape([1, 1, channels, 1]));
        tap_as(site, Role::Activation, ops::reshape(shifted, [batch, values]), self.input)
    }
}
