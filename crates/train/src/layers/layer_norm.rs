//! Normalization over one example.
use crate::recipe::Shape;
use barograph_burn::{from_slice, ops, tap_channels};
use barograph_vocab::Role;
use burn::module::{Module, Param};
use burn::prelude::*;

/// Each example to mean 0 and variance 1 over its values, then a learned scale and shift per value (Ba et al., 2016).
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// `[features]`.
    pub scale: Param<Tensor<1>>,
    /// `[features]`.
    pub shift: Param<Tensor<1>>,
    epsilon: f64,
    channels: usize,
}

impl LayerNorm {
    /// Scale 1 and shift 0.
    #[must_use]
    pub fn new(input: Shape, epsilon: f64, trainable: bool, device: &Device) -> Self {
        let features = input.values() as usize;
        let filled = |value| {
            Param::from_tensor(from_slice(vec![value; features], [features], device)).set_require_grad(trainable)
        };
        Self { scale: filled(1.0), shift: filled(0.0), epsilon, channels: input.channels() }
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        let features = x.dims()[1];
        let centred = ops::sub(x.clone(), ops::mean_dim(x, 1));
        let variance = ops::mean_dim(ops::square(centred.clone()), 1);
        let normalized = ops::div(centred, ops::sqrt(ops::add_scalar(variance, self.epsilon)));
        let scaled = ops::mul(normalized, self.scale.val().reshape([1, features]));
        let shifted = ops::add(scaled, self.shift.val().reshape([1, features]));
        tap_channels(site, Role::Activation, shifted, self.channels)
    }
}
