//! Normalization over one example.
use crate::recipe::Shape;
use barograph_burn::{from_slice, ops, tap_channels};
use barograph_vocab::Role;
use burn::module::{Module, Param};
use burn::prelude::*;

/// Each example to mean 0 and variance 1 over its values, then a learned scale and shift per value (Ba et al., 2016). A
/// sequence is normalized in each time step.
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
        let features = input.normalized();
        let filled = |value| {
            Param::from_tensor(from_slice(vec![value; features], [features], device)).set_require_grad(trainable)
        };
        Self { scale: filled(1.0), shift: filled(0.0), epsilon, channels: input.channels() }
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        let ([batch, values], features) = (x.dims(), self.scale.dims()[0]);
        if values == features {
            return self.apply(site, x);
        }
        let y = self.apply(site, ops::reshape(x, [batch, values / features.max(1), features]));
        ops::reshape(y, [batch, values])
    }

    /// Runs the layer on the last axis of `[.., features]`.
    pub(super) fn apply<const D: usize>(&self, site: &str, x: Tensor<D>) -> Tensor<D> {
        let (scale, shift) = (self.scale.val(), self.shift.val());
        let shifted = ops::fused::layer_norm(&x, &scale, &shift, self.epsilon)
            .unwrap_or_else(|| self.step_by_step(x, scale, shift));
        tap_channels(site, Role::Activation, shifted, self.channels)
    }

    /// The same with an operation for each part of the formula.
    fn step_by_step<const D: usize>(&self, x: Tensor<D>, scale: Tensor<1>, shift: Tensor<1>) -> Tensor<D> {
        let mut shape = [1; D];
        shape[D - 1] = x.dims()[D - 1];
        let centred = ops::sub(x.clone(), ops::mean_dim(x, D - 1));
        let variance = ops::mean_dim(ops::square(centred.clone()), D - 1);
        let normalized = ops::div(centred, ops::sqrt(ops::add_scalar(variance, self.epsilon)));
        ops::add(ops::mul(normalized, scale.reshape(shape)), shift.reshape(shape))
    }
}
