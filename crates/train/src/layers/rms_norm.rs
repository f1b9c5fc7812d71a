//! Normalization by the root mean square.
use super::tap_as;
use crate::recipe::Shape;
use barograph_burn::{from_slice, ops};
use barograph_vocab::Role;
use burn::module::{Module, Param};
use burn::prelude::*;

/// The values of an example (of each time step, for a sequence) over their root mean square, then a learned scale per value
/// (Zhang and Sennrich, 2019).
#[derive(Module, Debug)]
pub struct RmsNorm {
    /// `[features]`.
    pub scale: Param<Tensor<1>>,
    #[module(skip)]
    input: Shape,
    epsilon: f64,
}

impl RmsNorm {
    /// Scale 1.
    #[must_use]
    pub fn new(input: Shape, epsilon: f64, trainable: bool, device: &Device) -> Self {
        let features = input.normalized();
        let scale = Param::from_tensor(from_slice(vec![1.0; features], [features], device));
        Self { scale: scale.set_require_grad(trainable), input, epsilon }
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        let [batch, values] = x.dims();
        let features = self.input.normalized();
        let x = ops::reshape(x, [batch, values / features.max(1), features]);
        let mean_square = ops::mean_dim(ops::square(x.clone()), 2);
        let normalized = ops::div(x, ops::sqrt(ops::add_scalar(mean_square, self.epsilon)));
        let scaled = ops::mul(normalized, self.scale.val().reshape([1, 1, features]));
        tap_as(site, Role::Activation, ops::reshape(scaled, [batch, values]), self.input)
    }
}
