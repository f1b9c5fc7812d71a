use crate::clues::UNLIKELY;
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// The last layer must first grow to the scale of the targets. Until then the loss is enormous, and the rate that
    /// suits it is too high later.
    ///
    /// ## How it is weighed
    /// Large targets speak for it if training is in trouble; an output that cannot reach them at all is another cause
    /// and speaks against it.
    ///
    /// ## Example
    /// ```trace
    /// step   loss        r2
    /// 0..99  9000->8900  -1.0|-0.9
    /// data: targets.mean=90 targets.std=40 targets.min=0 targets.max=200 targets.distinct=500
    /// cause
    /// ```
    /// ```trace
    /// step   loss      r2
    /// 0..99  9000->10  0->0.99
    /// data: targets.mean=90 targets.std=40 targets.min=0 targets.max=200 targets.distinct=500
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Standardize the targets, and undo it in the predictions.
    ///
    /// ## References
    /// - LeCun, Bottou, Orr, Müller, *Efficient BackProp*, 1998, section 4.5
    pub(crate) static TARGET_NOT_NORMALIZED: CauseRule = CauseRule {
        slug: "target-not-normalized",
        title: "Regression targets far from what the network puts out",
        explains: &[
            "targets-not-normalized", "loss-not-finite", "loss-diverging", "loss-flat", "loss-at-chance",
            "worse-than-neighbours", "loss-still-falling",
        ],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    case.weigh(UNLIKELY)
        .symptom("targets-not-normalized", 2.5)
        .first_symptom(&[
            ("loss-not-finite", 1.5),
            ("loss-diverging", 1.5),
            ("loss-flat", 1.5),
            ("loss-at-chance", 1.5),
            ("worse-than-neighbours", 1.5),
            ("loss-still-falling", 1.0),
        ])
        .symptom("output-range-too-narrow", -4.0)
        .symptom("output-constant", -2.0)
        .symptom("inputs-not-normalized", -0.5)
        .when(!case.has("targets-not-normalized"), -4.0, || {
            Evidence::plain("the targets are of unit scale, or not known", 0.0)
        })
        .unless_in_trouble(4.0)
        .done()
}

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::choose("normalize the targets to zero mean and unit deviation", "data.normalize_target", "standard")]
}
