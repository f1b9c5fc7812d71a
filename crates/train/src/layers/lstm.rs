//! The long short-term memory.
use barograph_burn::ops;
use burn::prelude::*;

/// Places of the gates in the columns of the weights, as in torch and Keras.
const INPUT: usize = 0;
/// The gate that keeps the memory.
pub(super) const FORGET: usize = 1;
const CANDIDATE: usize = 2;
const OUTPUT: usize = 3;

/// Output and memory after a step (Hochreiter and Schmidhuber, 1997; the forget gate is from Gers et al., 2000), given what the
/// inputs and the last output contribute, each `[batch, 4 * units]`, and the memory `[batch, units]`.
pub(super) fn step(x: Tensor<2>, recurrent: Tensor<2>, memory: Tensor<2>, units: usize) -> (Tensor<2>, Tensor<2>) {
    let z = ops::add(x, recurrent);
    let gate = |place: usize| ops::narrow(z.clone(), 1, place * units, units);
    let kept = ops::mul(ops::sigmoid(gate(FORGET)), memory);
    let new = ops::mul(ops::sigmoid(gate(INPUT)), ops::tanh(gate(CANDIDATE)));
    let memory = ops::add(kept, new);
    let output = ops::mul(ops::sigmoid(gate(OUTPUT)), ops::tanh(memory.clone()));
    (output, memory)
}
