//! Causes in the precision of numbers.
pub(super) mod half_precision_overflow;
pub(super) mod half_precision_underflow;
pub(super) mod loss_scale_collapsed;
