//! Causes in the loss.
pub(super) mod division_by_zero;
pub(super) mod exp_overflow;
pub(super) mod log_of_nonpositive;
pub(super) mod loss_activation_mismatch;
pub(super) mod loss_not_averaged;
pub(super) mod loss_shape_broadcast;
pub(super) mod loss_sign_flipped;
pub(super) mod loss_weight_unbalanced;
pub(super) mod root_gradient_at_zero;
pub(super) mod wrong_loss_for_task;
