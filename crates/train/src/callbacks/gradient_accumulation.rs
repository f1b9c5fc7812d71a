//! Several batches make one step.
use super::Callback;

/// Sums the gradients of several batches before each update, so that a step sees as many rows as memory could not hold at once.
///
/// A step of `k` batches equals a step of one batch `k` times as large, up to rounding; where the loss is a mean, each batch counts by
/// its rows. What a layer draws or averages from its batch (dropout, batch norm) it does for each batch apart. The last step of an epoch
/// has fewer batches where they do not come out even. Activations are read in the first batch of a step.
#[derive(Clone, Copy, Debug)]
pub struct GradientAccumulation {
    batches: u64,
}

impl GradientAccumulation {
    /// So many batches a step; at least 1. Of several such callbacks the largest counts.
    #[must_use]
    pub fn new(batches: u64) -> Self {
        Self { batches: batches.max(1) }
    }
}

impl Callback for GradientAccumulation {
    fn batches_per_step(&self) -> u64 {
        self.batches
    }
}
