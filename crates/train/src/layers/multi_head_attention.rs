//! Attention of a sequence to itself, or to another one.
use super::{Dense, masking, tap_as};
use crate::random::Random;
use crate::recipe::{Activation, Shape, WeightSpec};
use barograph_burn::{Scope, from_slice, ops, tap_channels};
use barograph_vocab::Role;
use burn::module::Module;
use burn::prelude::*;

/// Added to the score of a time step that must not be seen. Its exponential is exactly 0 beside any other, and unlike -Inf it is
/// not taken for a number that went wrong.
const UNSEEN: f32 = -1e9;

/// Each time step takes a mean of all time steps, weighted by how well its query matches their keys, in several heads at once
/// (Vaswani et al., 2017): `[time, features]` to `[time, features]`.
#[derive(Module, Debug)]
pub struct MultiHeadAttention {
    /// What a step looks for: `[features, features]`.
    pub query: Dense,
    /// What a step is found by: `[features, features]`, or from the features of the other sequence.
    pub key: Dense,
    /// What a step gives, of the same shape.
    pub value: Dense,
    /// Mixes the heads: `[features, features]`.
    pub output: Dense,
    #[module(skip)]
    input: Shape,
    heads: usize,
    is_causal: bool,
}

impl MultiHeadAttention {
    /// Attention in `heads` heads, which must divide the features. A causal one sees no later time step.
    #[must_use]
    pub fn new(
        input: Shape,
        heads: usize,
        is_causal: bool,
        spec: &WeightSpec,
        random: &mut Random,
        device: &Device,
    ) -> Self {
        Self { is_causal, ..Self::to_another([input, input], heads, spec, random, device) }
    }

    /// Attention of a sequence of the first shape to one of the second, of which every step is seen.
    #[must_use]
    pub fn to_another(
        [input, memory]: [Shape; 2],
        heads: usize,
        spec: &WeightSpec,
        random: &mut Random,
        device: &Device,
    ) -> Self {
        let (features, width) = (input.channels(), memory.channels());
        let mut project = |inputs| Dense::new(inputs, features, Activation::Linear, spec, random, device);
        let (query, key, value, output) = (project(features), project(width), project(width), project(features));
        Self { query, key, value, output, input, heads, is_causal: false }
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        let [batch, values] = x.dims();
        let [time, features] = self.input.sequence();
        let y = self.attend(site, &ops::reshape(x, [batch, time, features]));
        tap_as(site, Role::Activation, ops::reshape(y, [batch, values]), self.input)
    }

    /// `[batch, time, features]` to the same.
    pub(super) fn attend(&self, site: &str, x: &Tensor<3>) -> Tensor<3> {
        let [batch, time, _] = x.dims();
        self.mix(site, x, x, masking::of_steps(batch, time))
    }

    /// Attention of one sequence to another, as a decoder pays it to what an encoder has read: queries `[batch, time, features]` and what they are
    /// answered from, `[batch, memory time, features]`, to `[batch, time, features]`. A mask `[batch, memory time]` says with 1 which steps of the
    /// memory count, and with 0 which only fill it up. `site` is where it is read.
    #[must_use]
    pub fn attend_to(&self, site: &str, queries: &Tensor<3>, memory: &Tensor<3>, mask: Option<Tensor<2>>) -> Tensor<3> {
        let y = self.mix(site, queries, memory, mask);
        let features = y.dims()[2];
        tap_channels(site, Role::Activation, y, features)
    }

    pub(super) fn mix(
        &self,
        site: &str,
        queries: &Tensor<3>,
        memory: &Tensor<3>,
        mask: Option<Tensor<2>>,
    ) -> Tensor<3> {
        let [batch, time, features] = queries.dims();
        let width = features / self.heads.max(1);
        let project = |name: &str, dense: &Dense, x: &Tensor<3>| {
            let path = format!("{site}.{name}");
            let steps = x.dims()[1];
            let y = Scope::at(name, || dense.apply(&path, x.clone()));
            ops::swap_axes(ops::reshape(y, [batch, steps, self.heads, width]), 1, 2)
        };
        let (query, key) = (project("query", &self.query, queries), project("key", &self.key, memory));
        let scores = ops::matmul(ops::mul_scalar(query, 1.0 / (width as f64).sqrt()), ops::swap_axes(key, 2, 3));
        let scores = if self.is_causal { ops::add(scores, later_steps(time, &queries.device())) } else { scores };
        let scores = match mask {
            Some(mask) => ops::add(scores, padding(mask)),
            None => scores,
        };
        let mixed = ops::matmul(ops::softmax(scores, 3), project("value", &self.value, memory));
        let mixed = ops::reshape(ops::swap_axes(mixed, 1, 2), [batch, time, features]);
        let path = format!("{site}.output");
        Scope::at("output", || self.output.apply(&path, mixed))
    }
}

/// `[batch, 1, 1, time]`: what is added to the score of each step that only fills up.
fn padding(mask: Tensor<2>) -> Tensor<4> {
    let [batch, time] = mask.dims();
    let unseen = ops::mul_scalar(ops::add_scalar(ops::neg(mask), 1.0), f64::from(UNSEEN));
    ops::reshape(unseen, [batch, 1, 1, time])
}

/// `[1, 1, time, time]`: what is added to the score of each step (third axis) for each step that it sees (last axis).
fn later_steps(time: usize, device: &Device) -> Tensor<4> {
    let places = (0..time * time).map(|place| if place % time > place / time { UNSEEN } else { 0.0 });
    from_slice(places.collect(), [1, 1, time, time], device)
}
