//! The gated recurrent unit.
use barograph_burn::ops;
use burn::prelude::*;

/// Places of the gates in the columns of the weights, as in torch (Keras has the update gate first).
const RESET: usize = 0;
const UPDATE: usize = 1;
const CANDIDATE: usize = 2;

/// The next state (Cho et al., 2014), given what the inputs and the last state contribute, each `[batch, 3 * units]`, and the last
/// state `[batch, units]`. The reset gate acts behind the recurrent product, as in torch and in Keras' `reset_after`.
pub(super) fn step(x: &Tensor<2>, recurrent: &Tensor<2>, state: Tensor<2>, units: usize) -> Tensor<2> {
    let input = |place: usize| ops::narrow(x.clone(), 1, place * units, units);
    let carried = |place: usize| ops::narrow(recurrent.clone(), 1, place * units, units);
    let reset = ops::sigmoid(ops::add(input(RESET), carried(RESET)));
    let update = ops::sigmoid(ops::add(input(UPDATE), carried(UPDATE)));
    let candidate = ops::tanh(ops::add(input(CANDIDATE), ops::mul(reset, carried(CANDIDATE))));
    // update * state + (1 - update) * candidate, with one product less.
    ops::add(candidate.clone(), ops::mul(update, ops::sub(state, candidate)))
}
