//! Causes in the model.
pub(super) mod dead_relu;
pub(super) mod double_softmax;
pub(super) mod hidden_activation_exponential;
pub(super) mod hidden_activation_saturating;
pub(super) mod init_symmetric;
pub(super) mod init_too_large;
pub(super) mod init_too_small;
pub(super) mod missing_output_activation;
pub(super) mod output_range_mismatch;
pub(super) mod parameters_frozen;
pub(super) mod softmax_over_one_unit;
