//! A moving average of the weights, used where the model is looked at.
use super::{Action, Callback, StepReport, memory};
use barograph_vocab::{EpochRecord, RunEnd, Scalar};
use serde::{Deserialize, Serialize};

/// The name of the average.
const EMA: &str = "ema";

/// Keeps an exponential moving average of the weights (Polyak and Juditsky 1992; Keras' `SwapEMAWeights` with `use_ema`): after each step
/// `average = decay * average + (1 - decay) * weights`, beginning with the weights of its first step. Validation sees the average, and the
/// model has it in the end. Running statistics of normalization layers are not averaged, and weights that are not finite are left out: in Keras
/// the average would never get rid of them.
#[derive(Clone, Debug)]
pub struct SwapEmaWeights {
    decay: f64,
    start_from_epoch: u64,
    swap_on_epoch: bool,
    memory: Memory,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Memory {
    /// Whether there is an average.
    begun: bool,
    /// Whether the model has it, and the average's place the weights that are trained.
    swapped: bool,
}

impl SwapEmaWeights {
    /// Keeps `decay` of the average at each step; from 0 to below 1.
    #[must_use]
    pub const fn new(decay: f64) -> Self {
        let memory = Memory { begun: false, swapped: false };
        Self { decay, start_from_epoch: 0, swap_on_epoch: false, memory }
    }

    /// The epoch in which it begins.
    #[must_use]
    pub const fn start_from_epoch(mut self, epoch: u64) -> Self {
        self.start_from_epoch = epoch;
        self
    }

    /// Whether the model also has the average from the end of an epoch to the begin of the next, so that checkpoints hold it, and so
    /// do the best weights of early stopping.
    #[must_use]
    pub const fn swap_on_epoch(mut self, swap: bool) -> Self {
        self.swap_on_epoch = swap;
        self
    }

    /// Swaps unless it is so already.
    fn swap(&mut self, swapped: bool) -> Action {
        if !self.memory.begun || self.memory.swapped == swapped {
            return Action::Continue;
        }
        self.memory.swapped = swapped;
        Action::SwapAverage { name: EMA.to_owned() }
    }
}

impl Callback for SwapEmaWeights {
    fn epoch_begin(&mut self, _: u64) -> Action {
        self.swap(false)
    }

    fn step_end(&mut self, step: &StepReport<'_>) -> Action {
        if step.epoch < self.start_from_epoch || step.refused.is_some() {
            return Action::Continue;
        }
        self.memory.begun = true;
        Action::Average { name: EMA.to_owned(), share: 1.0 - self.decay }
    }

    fn validation_begin(&mut self, _: u64) -> Action {
        self.swap(true)
    }

    fn validation_end(&mut self, _: u64, _: &[(Scalar, f64)]) -> Action {
        self.swap(false)
    }

    fn epoch_end(&mut self, _: &EpochRecord) -> Action {
        if self.swap_on_epoch { self.swap(true) } else { Action::Continue }
    }

    fn train_end(&mut self, end: RunEnd) -> Action {
        // An interrupted training goes on with the weights that it trained.
        self.swap(end != RunEnd::Interrupted)
    }

    fn state(&self) -> String {
        memory::write(&self.memory)
    }

    fn restore(&mut self, state: &str) -> Result<(), String> {
        self.memory = memory::read(state)?;
        Ok(())
    }
}
