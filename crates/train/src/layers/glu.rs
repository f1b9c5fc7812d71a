//! One half of the channels gates the other.
use super::tap_as;
use crate::recipe::Shape;
use barograph_burn::ops;
use barograph_vocab::Role;
use burn::module::Module;
use burn::prelude::*;

/// The first half of the channels times the sigmoid of the second half (Dauphin et al., 2016): half as many channels come out.
#[derive(Module, Debug)]
pub struct Glu {
    #[module(skip)]
    input: Shape,
    #[module(skip)]
    output: Shape,
}

impl Glu {
    /// A gate from `input` to `output`, which has half the channels.
    #[must_use]
    pub fn new([input, output]: [Shape; 2]) -> Self {
        Self { input, output }
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        let batch = x.dims()[0];
        let [time, channels, pixels] = self.input.view();
        let half = channels / 2;
        let x = tap_as(site, Role::PreActivation, x, self.input);
        let x = ops::reshape(x, [batch, time, channels, pixels]);
        let gate = ops::sigmoid(ops::narrow(x.clone(), 2, half, half));
        let y = ops::mul(ops::narrow(x, 2, 0, half), gate);
        tap_as(site, Role::Activation, ops::reshape(y, [batch, self.output.values() as usize]), self.output)
    }
}
