use crate::clues::UNLIKELY;
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// Every row looks the same to the network: its inputs are nearly constant.
    ///
    /// ## How it is weighed
    /// Inputs that hardly deviate speak for it if the network learns little.
    ///
    /// ## Example
    /// ```trace
    /// step   loss       accuracy  chance_loss
    /// 0..99  2.31|2.30  0.1       2.3
    /// data: features.rms=0.002 features.scale_max=0.0012
    /// cause
    /// ```
    /// ```trace
    /// step   loss      accuracy   chance_loss
    /// 0..99  2.3->0.1  0.1->0.97  2.3
    /// data: features.rms=0.002 features.scale_max=0.0012
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Scale the inputs once.
    ///
    /// ## References
    /// - LeCun, Bottou, Orr, Müller, *Efficient BackProp*, 1998, section 4.3
    pub(crate) static INPUT_SCALE_COLLAPSED: CauseRule = CauseRule {
        slug: "input-scale-collapsed",
        title: "Inputs scaled down twice",
        explains: &[
            "inputs-nearly-constant", "loss-flat", "loss-at-chance", "worse-than-neighbours", "loss-still-falling",
        ],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    case.weigh(UNLIKELY)
        .symptom("inputs-nearly-constant", 4.0)
        .first_symptom(&[("loss-flat", 1.0), ("loss-at-chance", 1.0), ("worse-than-neighbours", 1.0)])
        .unless_in_trouble(3.0)
        .done()
}

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::normalize_inputs()]
}
