//! Every cause rule, one file each, grouped as in the catalogue.
//!
//! To add one: write the file, then add it to [`CAUSES`]. Nothing else.
use crate::cause::CauseRule;

mod data;
mod loss;
mod model;
mod optimization;
mod precision;

/// All causes, in the order the catalogue lists them.
pub static CAUSES: &[&CauseRule] = &[
    &data::class_imbalance::CLASS_IMBALANCE,
    &data::data_not_shuffled::DATA_NOT_SHUFFLED,
    &data::input_not_finite::INPUT_NOT_FINITE,
    &data::input_not_normalized::INPUT_NOT_NORMALIZED,
    &data::input_scale_collapsed::INPUT_SCALE_COLLAPSED,
    &data::labels_invalid::LABELS_INVALID,
    &data::labels_misaligned::LABELS_MISALIGNED,
    &data::target_not_finite::TARGET_NOT_FINITE,
    &data::target_not_normalized::TARGET_NOT_NORMALIZED,
    &model::attention_row_masked::ATTENTION_ROW_MASKED,
    &model::dead_relu::DEAD_RELU,
    &model::double_softmax::DOUBLE_SOFTMAX,
    &model::hidden_activation_exponential::HIDDEN_ACTIVATION_EXPONENTIAL,
    &model::hidden_activation_saturating::HIDDEN_ACTIVATION_SATURATING,
    &model::hidden_activation_softmax::HIDDEN_ACTIVATION_SOFTMAX,
    &model::init_symmetric::INIT_SYMMETRIC,
    &model::init_too_large::INIT_TOO_LARGE,
    &model::init_too_small::INIT_TOO_SMALL,
    &model::missing_output_activation::MISSING_OUTPUT_ACTIVATION,
    &model::normalization_degenerate::NORMALIZATION_DEGENERATE,
    &model::output_range_mismatch::OUTPUT_RANGE_MISMATCH,
    &model::parameters_frozen::PARAMETERS_FROZEN,
    &model::recurrent_gradient_explosion::RECURRENT_GRADIENT_EXPLOSION,
    &model::softmax_over_one_unit::SOFTMAX_OVER_ONE_UNIT,
    &model::too_deep_without_skip::TOO_DEEP_WITHOUT_SKIP,
    &loss::division_by_zero::DIVISION_BY_ZERO,
    &loss::exp_overflow::EXP_OVERFLOW,
    &loss::log_of_nonpositive::LOG_OF_NONPOSITIVE,
    &loss::loss_activation_mismatch::LOSS_ACTIVATION_MISMATCH,
    &loss::loss_not_averaged::LOSS_NOT_AVERAGED,
    &loss::loss_shape_broadcast::LOSS_SHAPE_BROADCAST,
    &loss::loss_sign_flipped::LOSS_SIGN_FLIPPED,
    &loss::loss_weight_unbalanced::LOSS_WEIGHT_UNBALANCED,
    &loss::root_gradient_at_zero::ROOT_GRADIENT_AT_ZERO,
    &loss::wrong_loss_for_task::WRONG_LOSS_FOR_TASK,
    &optimization::adam_epsilon_too_small::ADAM_EPSILON_TOO_SMALL,
    &optimization::batch_too_small::BATCH_TOO_SMALL,
    &optimization::gradient_clip_too_tight::GRADIENT_CLIP_TOO_TIGHT,
    &optimization::gradients_not_zeroed::GRADIENTS_NOT_ZEROED,
    &optimization::learning_rate_schedule_collapsed::LEARNING_RATE_SCHEDULE_COLLAPSED,
    &optimization::learning_rate_too_high::LEARNING_RATE_TOO_HIGH,
    &optimization::learning_rate_too_low::LEARNING_RATE_TOO_LOW,
    &optimization::missing_warmup::MISSING_WARMUP,
    &optimization::momentum_too_high::MOMENTUM_TOO_HIGH,
    &optimization::optimizer_has_other_parameters::OPTIMIZER_HAS_OTHER_PARAMETERS,
    &optimization::overfitting::OVERFITTING,
    &optimization::too_few_steps::TOO_FEW_STEPS,
    &optimization::ranks_diverged::RANKS_DIVERGED,
    &optimization::underfitting::UNDERFITTING,
    &optimization::weight_decay_too_high::WEIGHT_DECAY_TOO_HIGH,
    &precision::half_precision_overflow::HALF_PRECISION_OVERFLOW,
    &precision::half_precision_underflow::HALF_PRECISION_UNDERFLOW,
    &precision::loss_scale_collapsed::LOSS_SCALE_COLLAPSED,
    &precision::hardware_fault::HARDWARE_FAULT,
];

#[cfg(test)]
mod tests;
