use crate::clues::UNLIKELY;
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// Gradients below 6e-8 are zero in fp16, and an update below half the distance to the next number changes no weight:
    /// 1/512 of it in bfloat16, 1/4096 in fp16.
    ///
    /// ## How it is weighed
    /// In half precision, gradients that are mostly zero and otherwise tiny speak for it, and updates that are lost in
    /// rounding, if the network learns little.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=100 precision=bfloat16
    /// step   loss       accuracy  chance_loss  fc1/weight.rms  fc1/gradient.rms  fc1/update.rms  fc1/update.zero_share
    /// 0..99  2.31|2.30  0.1       2.3          0.1             0.01              1e-5            0.97
    /// cause
    /// ```
    /// ```trace
    /// facts: steps=100 precision=float16
    /// step   loss       accuracy  chance_loss  fc1/gradient.rms  fc1/gradient.abs_max  fc1/gradient.zero_share
    /// 0..99  2.31|2.30  0.1       2.3          1e-8              2e-7                  0.9
    /// cause
    /// ```
    /// ```trace
    /// facts: steps=100 precision=bfloat16
    /// step   loss      accuracy   chance_loss  fc1/weight.rms  fc1/gradient.rms  fc1/update.rms  fc1/update.zero_share
    /// 0..99  2.3->0.1  0.1->0.97  2.3          0.1             0.01              1e-5            0.97
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Keep the weights in `f32`, and scale the loss (automatic mixed precision).
    ///
    /// ## References
    /// - Micikevicius et al., *Mixed Precision Training*, 2018, section 3, arXiv:1710.03740
    pub(crate) static HALF_PRECISION_UNDERFLOW: CauseRule = CauseRule {
        slug: "half-precision-underflow",
        title: "Gradients or updates below what half precision can hold",
        explains: &["update-rounded-away", "gradient-underflow", "gradient-all-zero"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    let half = case.facts.is(FactKey::Precision, &["float16", "bfloat16"]);
    case.weigh(UNLIKELY)
        .symptom("update-rounded-away", 3.5)
        .symptom("gradient-underflow", 3.5)
        .when(half && case.has("gradient-all-zero") && !case.has("units-dead"), 1.0, || {
            Evidence::plain("gradients are exactly zero, and no units are dead", 0.0)
        })
        .first_symptom(&[
            ("loss-flat", 1.5),
            ("loss-at-chance", 1.5),
            ("loss-still-falling", 1.5),
            ("worse-than-neighbours", 1.0),
        ])
        .when(!half, -9.0, || Evidence::plain("the run is not known to compute in half precision", 0.0))
        .when(!case.has_any(&["update-rounded-away", "gradient-underflow"]), -1.5, || {
            Evidence::plain("updates and gradients are large enough", 0.0)
        })
        .symptom("units-dead", -2.0)
        .symptom("weight-zero", -3.0)
        .symptom("output-constant", -1.0)
        .unless_in_trouble(4.0)
        .done()
}

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![
        remedy::advice("keep the weights in float32 and only compute in half precision (automatic mixed precision)"),
        remedy::advice("scale the loss before the backward pass (a gradient scaler)"),
    ]
}
