//! The state that a recurrent layer keeps from one batch to the next.
use burn::prelude::*;
use std::sync::{Mutex, PoisonError};

/// What a recurrent layer carries from one time step to the next, each `[batch, units]`; the memory is used by the LSTM alone.
#[derive(Clone, Debug)]
pub(super) struct Carry {
    pub(super) state: Tensor<2>,
    pub(super) memory: Tensor<2>,
}

/// The state behind the last batch, where a layer is stateful. A clone is a copy, so that a snapshot of the model does not change with it.
#[derive(Debug, Default)]
pub(super) struct Carried(Mutex<Kept>);

#[derive(Clone, Debug, Default)]
struct Kept {
    epoch: u64,
    /// Without a graph: no gradient goes back into the batch before.
    carry: Option<Carry>,
}

impl Clone for Carried {
    fn clone(&self) -> Self {
        Self(Mutex::new(self.lock().clone()))
    }
}

impl Carried {
    /// Forgets the state where another epoch begins: its first batch goes back to the beginning of the data.
    pub(super) fn begin(&self, epoch: u64) {
        let mut kept = self.lock();
        if kept.epoch != epoch {
            *kept = Kept { epoch, carry: None };
        }
    }

    /// The state for so many sequences, as tensors of this device; `None` at the beginning, and for another number of sequences.
    pub(super) fn get(&self, batch: usize, device: &Device) -> Option<Carry> {
        let carry = self.lock().carry.clone().filter(|carry| carry.state.dims()[0] == batch)?;
        let on = |x: Tensor<2>| if device.is_autodiff() { Tensor::from_inner(x) } else { x };
        Some(Carry { state: on(carry.state), memory: on(carry.memory) })
    }

    pub(super) fn set(&self, carry: Carry) {
        let Carry { state, memory } = carry;
        self.lock().carry = Some(Carry { state: state.inner(), memory: memory.inner() });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
