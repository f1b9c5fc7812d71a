//! The block of a transformer: attention, then a small network for each time step.
use super::encoder_decoder::Memory;
use super::{Dense, Dropout, LayerNorm, MultiHeadAttention, tap_as};
use crate::random::Random;
use crate::recipe::{Activation, NormPlace, Shape, TransformerSpec};
use barograph_burn::{Scope, ops};
use barograph_vocab::Role;
use burn::module::Module;
use burn::prelude::*;

/// Attention and a feed-forward network of two dense layers, each with a residual connection and a layer norm (Vaswani et al.,
/// 2017; with the norm before each of them as in Xiong et al., 2020): `[time, features]` to the same. An encoder sees the whole
/// sequence; a decoder is causal, and so can learn to predict the next step. Behind an encoder it attends to that as well, between the two.
#[derive(Module, Debug)]
pub struct Transformer {
    /// Attention of the sequence to itself.
    pub attention: MultiHeadAttention,
    /// Before the attention, or behind its residual connection.
    pub attention_norm: LayerNorm,
    /// `[features, hidden]`.
    pub feed_forward1: Dense,
    /// `[hidden, features]`.
    pub feed_forward2: Dense,
    /// Before the feed-forward network, or behind its residual connection.
    pub feed_forward_norm: LayerNorm,
    /// Attention to what an encoder puts out, where there is one.
    pub memory_attention: Option<MultiHeadAttention>,
    /// Before that attention, or behind its residual connection.
    pub memory_norm: Option<LayerNorm>,
    dropout: [Dropout; 4],
    #[module(skip)]
    norm: NormPlace,
    #[module(skip)]
    input: Shape,
}

impl Transformer {
    /// The block with this number in the network. Its heads must divide the features of `input`.
    #[must_use]
    pub fn new(
        input: Shape,
        is_causal: bool,
        spec: &TransformerSpec,
        number: usize,
        random: &mut Random,
        device: &Device,
    ) -> Self {
        let features = input.channels();
        let (hidden, weights) = (spec.hidden_units(features as u64) as usize, &spec.weights);
        let attention = MultiHeadAttention::new(input, spec.heads as usize, is_causal, weights, random, device);
        let feed_forward1 = Dense::new(features, hidden, spec.activation, weights, random, device);
        let feed_forward2 = Dense::new(hidden, features, Activation::Linear, weights, random, device);
        let norm = || LayerNorm::new(input, spec.epsilon, weights.trainable, device);
        let inner = Shape::Sequence([input.sequence()[0] as u64, hidden as u64]);
        let dropout = [(0, input), (1, inner), (2, input), (3, input)];
        let dropout = dropout.map(|(place, shape)| Dropout::inside(spec.dropout, number, place, shape));
        let (attention_norm, feed_forward_norm) = (norm(), norm());
        let (memory_attention, memory_norm, norm) = (None, None, spec.norm);
        Self {
            attention,
            attention_norm,
            feed_forward1,
            feed_forward2,
            feed_forward_norm,
            memory_attention,
            memory_norm,
            dropout,
            norm,
            input,
        }
    }

    /// A decoder that attends to a sequence of the shape `memory`, too: what the encoder puts out beside which it runs.
    #[must_use]
    pub fn attending_to(mut self, memory: Shape, spec: &TransformerSpec, random: &mut Random, device: &Device) -> Self {
        let (shapes, heads) = ([self.input, memory], spec.heads as usize);
        self.memory_attention = Some(MultiHeadAttention::to_another(shapes, heads, &spec.weights, random, device));
        self.memory_norm = Some(LayerNorm::new(self.input, spec.epsilon, spec.weights.trainable, device));
        self
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        let [batch, values] = x.dims();
        let [time, features] = self.input.sequence();
        let x = ops::reshape(x, [batch, time, features]);
        let x = self.residual(site, "attention_norm", &self.attention_norm, x, |x| {
            let path = format!("{site}.attention");
            self.dropout[0].apply(Scope::at("attention", || self.attention.attend(&path, &x)))
        });
        let x = match (&self.memory_attention, &self.memory_norm, Memory::now()) {
            (Some(attention), Some(norm), Some(Memory { steps, mask })) => {
                self.residual(site, "memory_norm", norm, x, |x| {
                    let path = format!("{site}.memory_attention");
                    let attend = || attention.mix(&path, &x, &steps, mask);
                    self.dropout[3].apply(Scope::at("memory_attention", attend))
                })
            }
            _ => x,
        };
        let x = self.residual(site, "feed_forward_norm", &self.feed_forward_norm, x, |x| self.feed_forward(site, x));
        tap_as(site, Role::Activation, ops::reshape(x, [batch, values]), self.input)
    }

    fn feed_forward(&self, site: &str, x: Tensor<3>) -> Tensor<3> {
        let run = |name: &str, dense: &Dense, x: Tensor<3>| {
            let path = format!("{site}.{name}");
            Scope::at(name, || dense.apply(&path, x))
        };
        let hidden = self.dropout[1].apply(run("feed_forward1", &self.feed_forward1, x));
        self.dropout[2].apply(run("feed_forward2", &self.feed_forward2, hidden))
    }

    /// `x` plus what `run` makes of it, with the norm before `run` or behind the sum.
    fn residual(
        &self,
        site: &str,
        name: &str,
        norm: &LayerNorm,
        x: Tensor<3>,
        run: impl FnOnce(Tensor<3>) -> Tensor<3>,
    ) -> Tensor<3> {
        let path = format!("{site}.{name}");
        let normalize = |x: Tensor<3>| Scope::at(name, || norm.apply(&path, x));
        match self.norm {
            NormPlace::Pre => ops::add(x.clone(), run(normalize(x))),
            NormPlace::Post => normalize(ops::add(x.clone(), run(x))),
        }
    }
}
