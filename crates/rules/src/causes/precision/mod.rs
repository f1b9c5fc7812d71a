//! Causes in the precision of numbers and in machines.
pub(super) mod half_precision_overflow;
pub(super) mod half_precision_underflow;
pub(super) mod hardware_fault;
pub(super) mod loss_scale_collapsed;
