//! Weight and bias of a layer, as they are drawn.
use super::{Fans, initialize};
use crate::random::Random;
use crate::recipe::WeightSpec;
use barograph_burn::from_slice;
use burn::module::Param;
use burn::prelude::*;

/// A weight of this shape, and after it a bias for so many units where the recipe has one.
pub(super) fn drawn<const D: usize>(
    spec: &WeightSpec,
    shape: [usize; D],
    units: usize,
    fans: Fans,
    random: &mut Random,
    device: &Device,
) -> (Param<Tensor<D>>, Option<Param<Tensor<1>>>) {
    let weight = from_slice(initialize(spec.initializer, shape.iter().product(), fans, random), shape, device);
    let bias = spec.bias.then(|| {
        let bias = initialize(spec.bias_initializer, units, fans, random);
        Param::from_tensor(from_slice(bias, [units], device)).set_require_grad(spec.trainable)
    });
    (Param::from_tensor(weight).set_require_grad(spec.trainable), bias)
}
