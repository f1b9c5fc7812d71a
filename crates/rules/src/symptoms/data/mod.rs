//! Inputs and targets.
pub(super) mod batches_ordered;
pub(super) mod class_labels_out_of_range;
pub(super) mod classes_imbalanced;
pub(super) mod inputs_nearly_constant;
pub(super) mod inputs_not_finite;
pub(super) mod inputs_not_normalized;
pub(super) mod one_class_only;
pub(super) mod targets_not_finite;
pub(super) mod targets_not_normalized;
pub(super) mod targets_unrelated;
