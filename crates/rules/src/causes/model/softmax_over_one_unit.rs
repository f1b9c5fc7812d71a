use crate::clues::{self, UNLIKELY};
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// A softmax divides by the sum over the units. Over one unit that is 1 for every example, and its gradient is
    /// zero.
    ///
    /// ## How it is weighed
    /// Outputs that are exactly 1 from the first step to the last speak for it. Targets that no softmax could reach, over
    /// however many units, speak against it: then the range is the matter.
    ///
    /// ## Example
    /// ```trace
    /// step   loss  accuracy  chance_loss  out/output.mean  out/output.std  out/output.min  out/output.max  out/output.units  out/output.constant
    /// 0..29  5.9   0.62      0.66         1                0               1               1               1                 1
    /// cause
    /// ```
    /// ```trace
    /// step   loss      accuracy   chance_loss  out/output.mean  out/output.std  out/output.units  out/output.constant
    /// 0..29  0.6->0.1  0.6->0.95  0.66         0.5              0.3             1                 0
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Use a sigmoid for one unit, or two units with a softmax.
    ///
    /// ## References
    /// - Goodfellow, Bengio, Courville, *Deep Learning*, 2016, section 6.2.2
    pub(crate) static SOFTMAX_OVER_ONE_UNIT: CauseRule = CauseRule {
        slug: "softmax-over-one-unit",
        title: "The output is the constant 1",
        explains: &["output-constant", "loss-flat", "loss-at-chance"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

/// Room for rounding.
const ROUNDING: f64 = 1e-6;

fn weigh(case: &Case<'_>) -> Weighing {
    let is_one = case.output().is_some_and(|(_, output)| {
        output.min.seen() > 0 && (output.min.min - 1.0).abs() < ROUNDING && (output.max.max - 1.0).abs() < ROUNDING
    });
    case.weigh(UNLIKELY)
        .first_symptom(&[("output-constant", 2.0), ("loss-flat", 1.5), ("loss-at-chance", 1.5)])
        .when(is_one, 4.0, || Evidence::plain("every output of the run is 1", 1.0))
        .symptom("output-range-too-narrow", -2.0)
        .when(!is_one, -6.0, || Evidence::plain("outputs other than 1 were seen", 0.0))
        .at(clues::last_layer(case).map(|(site, _)| site))
        .done()
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        remedy::activation(case, clues::last_layer(case).map(|(site, _)| site), "sigmoid"),
        remedy::activation(case, clues::last_layer(case).map(|(site, _)| site), "linear"),
    ]
}
