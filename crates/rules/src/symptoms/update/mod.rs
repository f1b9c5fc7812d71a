//! Updates and the optimizer.
pub(super) mod always_clipped;
pub(super) mod learning_rate_collapsed;
pub(super) mod of_noise;
pub(super) mod too_large;
pub(super) mod too_small;
