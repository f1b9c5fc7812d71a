use crate::clues::UNLIKELY;
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// The first layer multiplies the scale of its inputs into everything after it: the loss starts far out, gradients
    /// are long and of unequal size, and bounded activations saturate.
    ///
    /// ## How it is weighed
    /// Inputs of a large scale speak for it if training is in trouble; trained well, raw inputs are healthy. Other
    /// faults of the data or of the output speak against it.
    ///
    /// ## Example
    /// ```trace
    /// step  loss        r2
    /// 0..5  7000=>1e30  0
    /// 6     NaN         0
    /// data: features.rms=57 features.scale_max=29 features.scale_min=28
    /// cause
    /// ```
    /// Raw and healthy:
    /// ```trace
    /// step    loss      accuracy   chance_loss
    /// 0..199  2.3->0.1  0.1->0.97  2.3
    /// data: features.rms=57 features.scale_max=29 features.scale_min=28
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Subtract each column's mean and divide by its standard deviation, both taken from the training rows.
    ///
    /// ## References
    /// - LeCun, Bottou, Orr, Müller, *Efficient BackProp*, 1998, section 4.3
    pub(crate) static INPUT_NOT_NORMALIZED: CauseRule = CauseRule {
        slug: "input-not-normalized",
        title: "Inputs far from zero mean and unit scale",
        explains: &[
            "inputs-not-normalized", "loss-not-finite", "activation-not-finite", "weight-not-finite",
            "loss-diverging", "loss-flat", "loss-at-chance", "worse-than-neighbours", "loss-oscillating",
            "loss-still-falling",
        ],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    case.weigh(UNLIKELY)
        .symptom("inputs-not-normalized", 2.5)
        .first_symptom(&[
            ("loss-not-finite", 2.0),
            ("activation-not-finite", 2.0),
            ("weight-not-finite", 2.0),
            ("loss-diverging", 2.0),
            ("worse-than-neighbours", 2.0),
            ("loss-at-chance", 1.5),
            ("loss-flat", 1.5),
            ("loss-oscillating", 1.5),
            ("loss-still-falling", 1.0),
        ])
        .symptom("output-range-too-narrow", -1.5)
        .symptom("output-constant", -1.0)
        .symptom("inputs-not-finite", -4.0)
        .symptom("no-weight-changes", -4.0)
        .symptom("weight-symmetric", -2.0)
        .when(!case.has("inputs-not-normalized"), -4.0, || {
            Evidence::plain("the inputs are of unit scale, or not known", 0.0)
        })
        .unless_in_trouble(4.0)
        .done()
}

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::normalize_inputs()]
}
