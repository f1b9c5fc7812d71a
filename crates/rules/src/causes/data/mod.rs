//! Causes in the data.
pub(super) mod class_imbalance;
pub(super) mod data_not_shuffled;
pub(super) mod input_not_finite;
pub(super) mod input_not_normalized;
pub(super) mod input_scale_collapsed;
pub(super) mod labels_invalid;
pub(super) mod labels_misaligned;
pub(super) mod target_not_finite;
pub(super) mod target_not_normalized;
