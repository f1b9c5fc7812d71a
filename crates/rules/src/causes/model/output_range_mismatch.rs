use crate::clues::{self, UNLIKELY};
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// A sigmoid or softmax in front of unbounded targets, or a ReLU where scores must be able to fall below zero.
    ///
    /// ## How it is weighed
    /// Outputs that stay within a bound beyond which targets lie speak for it, and so do outputs of exactly zero in a
    /// run that is in trouble.
    ///
    /// ## Example
    /// ```trace
    /// step   loss  r2   out/output.min  out/output.max  y/target.min  y/target.max
    /// 0..29  5900  -11  0.1             1               3             100
    /// cause
    /// ```
    /// ```trace
    /// step   loss    r2      out/output.min  out/output.max  y/target.min  y/target.max
    /// 0..29  1->0.1  0->0.9  -3              3               -3            3
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Leave the last layer linear for real targets; for classes let the loss apply softmax or sigmoid.
    ///
    /// ## References
    /// - Bishop, *Pattern Recognition and Machine Learning*, 2006, section 5.2
    pub(crate) static OUTPUT_RANGE_MISMATCH: CauseRule = CauseRule {
        slug: "output-range-mismatch",
        title: "The last activation cannot produce the targets",
        explains: &["output-range-too-narrow", "output-zero", "output-constant"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    case.weigh(UNLIKELY)
        .symptom("output-range-too-narrow", 5.0)
        .symptom("output-zero", if case.in_trouble() { 3.5 } else { 0.0 })
        .symptom("loss-negative", -2.0)
        .when(case.has("output-constant") && !case.has_any(&["output-zero", "output-range-too-narrow"]), -2.0, || {
            Evidence::plain("the output is constant, not bounded", 0.0)
        })
        .at(clues::last_layer(case).map(|(site, _)| site))
        .unless_in_trouble(2.0)
        .done()
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::activation(case, clues::last_layer(case).map(|(site, _)| site), "linear")]
}
