//! Every symptom rule, one file each, grouped by the part of training it watches.
//!
//! To add one: write the file, then add it to [`SYMPTOMS`]. Nothing else.
use crate::rule::Rule;

mod activation;
mod data;
mod gradient;
mod loss;
mod numeric;
mod precision;
mod rank;
mod update;
mod weight;

/// All symptom rules, in the order the catalogue lists them.
pub static SYMPTOMS: &[&Rule] = &[
    &loss::not_finite::LOSS_NOT_FINITE,
    &loss::spike::LOSS_SPIKE,
    &loss::diverging::LOSS_DIVERGING,
    &loss::flat::LOSS_FLAT,
    &loss::at_chance::LOSS_AT_CHANCE,
    &loss::oscillating::LOSS_OSCILLATING,
    &loss::still_falling::LOSS_STILL_FALLING,
    &loss::negative::LOSS_NEGATIVE,
    &loss::validation_gap::VALIDATION_GAP,
    &loss::worse_than_neighbours::WORSE_THAN_NEIGHBOURS,
    &loss::climbing::LOSS_CLIMBING,
    &loss::output_exploding::OUTPUT_LOSS_EXPLODING,
    &loss::outputs_unbalanced::OUTPUTS_UNBALANCED,
    &loss::broadcast::LOSS_BROADCAST,
    &loss::rewards_errors::LOSS_REWARDS_ERRORS,
    &loss::rough_start::LOSS_ROUGH_START,
    &gradient::not_finite::GRADIENT_NOT_FINITE,
    &gradient::exploding::GRADIENT_EXPLODING,
    &gradient::growing_over_depth::GRADIENT_GROWING,
    &gradient::vanishing_over_depth::GRADIENT_VANISHING,
    &gradient::all_zero::GRADIENT_ALL_ZERO,
    &gradient::accumulating::GRADIENT_ACCUMULATING,
    &gradient::geometric_over_depth::GEOMETRIC_OVER_DEPTH,
    &weight::not_finite::WEIGHT_NOT_FINITE,
    &weight::unchanged::WEIGHT_UNCHANGED,
    &weight::none_changes::NO_WEIGHT_CHANGES,
    &weight::symmetric::WEIGHT_SYMMETRIC,
    &weight::growing::WEIGHT_GROWING,
    &weight::zero::WEIGHT_ZERO,
    &activation::units_dead::UNITS_DEAD,
    &activation::saturated::ACTIVATION_SATURATED,
    &activation::constant_output::OUTPUT_CONSTANT,
    &activation::growing_over_depth::ACTIVATION_GROWING,
    &activation::shrinking_over_depth::ACTIVATION_SHRINKING,
    &activation::output_range::OUTPUT_RANGE_TOO_NARROW,
    &activation::rows_not_one::OUTPUT_ROWS_NOT_ONE,
    &activation::output_zero::OUTPUT_ZERO,
    &activation::not_finite::ACTIVATION_NOT_FINITE,
    &activation::normalization_constant::NORMALIZATION_CONSTANT,
    &update::too_large::UPDATE_TOO_LARGE,
    &update::too_small::UPDATE_TOO_SMALL,
    &update::always_clipped::ALWAYS_CLIPPED,
    &update::learning_rate_collapsed::LEARNING_RATE_COLLAPSED,
    &update::of_noise::UPDATE_OF_NOISE,
    &data::inputs_not_finite::INPUTS_NOT_FINITE,
    &data::inputs_not_normalized::INPUTS_NOT_NORMALIZED,
    &data::inputs_nearly_constant::INPUTS_NEARLY_CONSTANT,
    &data::targets_not_finite::TARGETS_NOT_FINITE,
    &data::class_labels_out_of_range::CLASS_LABELS_OUT_OF_RANGE,
    &data::one_class_only::ONE_CLASS_ONLY,
    &data::targets_not_normalized::TARGETS_NOT_NORMALIZED,
    &data::classes_imbalanced::CLASSES_IMBALANCED,
    &data::batches_ordered::BATCHES_ORDERED,
    &data::targets_unrelated::TARGETS_UNRELATED,
    &numeric::logarithm::BAD_LOGARITHM,
    &numeric::division::BAD_DIVISION,
    &numeric::root::BAD_ROOT,
    &numeric::exponential::BAD_EXPONENTIAL,
    &numeric::other::BAD_OPERATION,
    &numeric::masked_row::MASKED_ROW,
    &precision::loss_scale_falling::LOSS_SCALE_FALLING,
    &precision::near_half_limit::NEAR_HALF_LIMIT,
    &precision::update_rounded_away::UPDATE_ROUNDED_AWAY,
    &precision::gradient_underflow::GRADIENT_UNDERFLOW,
    &rank::differ::RANKS_DIFFER,
    &rank::straggles::RANK_STRAGGLES,
    &rank::not_finite_first::RANK_NOT_FINITE_FIRST,
];

#[cfg(test)]
pub(crate) mod tests;
