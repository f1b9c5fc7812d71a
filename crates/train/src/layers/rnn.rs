//! The plain recurrent cell.
use super::activate;
use crate::recipe::Activation;
use barograph_burn::ops;
use burn::prelude::*;

/// The next state (Elman, 1990), given what the inputs and the last state contribute, each `[batch, units]`.
pub(super) fn step(x: Tensor<2>, recurrent: Tensor<2>, activation: Activation) -> Tensor<2> {
    activate(ops::add(x, recurrent), activation)
}
