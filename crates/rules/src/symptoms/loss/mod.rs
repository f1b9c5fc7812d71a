pub(super) mod not_finite;
pub(super) mod spike;
