//! Causes in the optimization.
pub(super) mod adam_epsilon_too_small;
pub(super) mod batch_too_small;
pub(super) mod gradient_clip_too_tight;
pub(super) mod gradients_not_zeroed;
pub(super) mod learning_rate_schedule_collapsed;
pub(super) mod learning_rate_too_high;
pub(super) mod learning_rate_too_low;
pub(super) mod missing_warmup;
pub(super) mod momentum_too_high;
pub(super) mod optimizer_has_other_parameters;
pub(super) mod overfitting;
pub(super) mod ranks_diverged;
pub(super) mod too_few_steps;
pub(super) mod underfitting;
pub(super) mod weight_decay_too_high;
