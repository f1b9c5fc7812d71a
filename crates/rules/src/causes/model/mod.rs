//! Causes in the model.
pub(super) mod attention_row_masked;
pub(super) mod dead_relu;
pub(super) mod double_softmax;
pub(super) mod hidden_activation_exponential;
pub(super) mod hidden_activation_saturating;
pub(super) mod hidden_activation_softmax;
pub(super) mod init_symmetric;
pub(super) mod init_too_large;
pub(super) mod init_too_small;
pub(super) mod missing_output_activation;
pub(super) mod normalization_degenerate;
pub(super) mod output_range_mismatch;
pub(super) mod parameters_frozen;
pub(super) mod recurrent_gradient_explosion;
pub(super) mod softmax_over_one_unit;
pub(super) mod too_deep_without_skip;
