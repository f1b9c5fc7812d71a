//! Every symptom rule, one file each, grouped by the part of training it watches.
//!
//! To add one: write the file, then add it to [`SYMPTOMS`]. Nothing else.
use crate::rule::Rule;

mod activation;
mod gradient;
mod loss;
mod weight;

/// All symptom rules, in the order the catalogue lists them.
pub static SYMPTOMS: &[&Rule] = &[
    &loss::not_finite::LOSS_NOT_FINITE, //
    &loss::spike::LOSS_SPIKE,
    &gradient::not_finite::GRADIENT_NOT_FINITE,
    &weight::not_finite::WEIGHT_NOT_FINITE,
    &activation::dead_relu::DEAD_RELU,
];

#[cfg(test)]
pub(crate) mod tests;
