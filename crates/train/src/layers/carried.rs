//! The state that a recurrent layer keeps from one batch to the next.
use barograph_burn::{cpu, from_slice, to_vec};
use burn::prelude::*;
use std::sync::{Mutex, PoisonError};

/// What a recurrent layer carries from one time step to the next, each `[batch, units]`; the memory is used by the LSTM alone.
#[derive(Clone, Debug)]
pub(super) struct Carry {
    pub(super) state: Tensor<2>,
    pub(super) memory: Tensor<2>,
}

/// The same as numbers, for a backup.
#[derive(Clone, Debug, PartialEq)]
pub struct CarriedState {
    /// The layer.
    pub site: String,
    /// The epoch that it was carried in.
    pub epoch: u64,
    /// Sequences of the batch.
    pub rows: usize,
    /// Units of the layer.
    pub units: usize,
    /// `[rows, units]`.
    pub state: Vec<f32>,
    /// `[rows, units]`.
    pub memory: Vec<f32>,
}

/// The state behind the last batch, where a layer is stateful. A clone is a copy, so that a snapshot of the model does not change with it.
#[derive(Debug, Default)]
pub(crate) struct Carried(Mutex<Kept>);

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

    /// The state as numbers; `None` where there is none.
    pub(crate) fn save(&self, site: &str) -> Option<CarriedState> {
        let kept = self.lock();
        let Carry { state, memory } = kept.carry.as_ref()?;
        let [rows, units] = state.dims();
        let (state, memory) = (to_vec(state), to_vec(memory));
        Some(CarriedState { site: site.to_owned(), epoch: kept.epoch, rows, units, state, memory })
    }

    /// Takes a saved state back; without one there is none.
    pub(crate) fn restore(&self, saved: Option<&CarriedState>) {
        let mut kept = self.lock();
        kept.carry = saved.map(|saved| {
            let tensor = |values: &[f32]| from_slice(values.to_vec(), [saved.rows, saved.units], &cpu(false));
            Carry { state: tensor(&saved.state), memory: tensor(&saved.memory) }
        });
        if let Some(saved) = saved {
            kept.epoch = saved.epoch;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
