use crate::clues::{self, UNLIKELY};
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// The logarithm of a raw score is NaN as soon as the score is negative; where it is clamped, the gradient is zero.
    ///
    /// ## How it is weighed
    /// Outputs below 0 or above 1 speak for it if the loss is known to take probabilities, or if a logarithm of a
    /// negative number broke the run.
    ///
    /// ## Example
    /// ```trace
    /// step  loss  out/output.min  out/output.max
    /// 0..3  NaN   -2              3
    /// incident: operation=log site=loss input.min=-2 input.max=3
    /// cause
    /// ```
    /// ```trace
    /// step   loss      out/output.min  out/output.max  accuracy   chance_loss
    /// 0..99  2.3->0.1  -2              3               0.1->0.97  2.3
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Use a loss on scores (`cross_entropy`), or add the softmax.
    ///
    /// ## References
    /// - PyTorch, `CrossEntropyLoss`: the input is expected to contain the unnormalized logits
    pub(crate) static MISSING_OUTPUT_ACTIVATION: CauseRule = CauseRule {
        slug: "missing-output-activation",
        title: "A loss that needs probabilities gets raw scores",
        explains: &[
            "bad-logarithm", "loss-not-finite", "loss-at-chance", "loss-flat", "worse-than-neighbours",
            "loss-diverging", "output-zero",
        ],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    let probabilities = clues::outputs_within(case, 0.0, 1.0);
    let takes = case.facts.text(FactKey::LossTakes);
    let wants = matches!(takes, Some("probabilities" | "distribution"));
    let logarithm = case.incident.filter(|_| case.has("bad-logarithm")).and_then(|incident| incident.inputs.first());
    let negative = logarithm.filter(|input| input.reading.min < 0.0);
    case.weigh(UNLIKELY)
        .first_symptom(&[
            ("bad-logarithm", 1.5),
            ("loss-not-finite", 1.5),
            ("loss-at-chance", 1.0),
            ("loss-flat", 1.0),
            ("loss-diverging", 1.0),
            ("worse-than-neighbours", 1.0),
        ])
        .given(
            negative.map(|input| Evidence::against("smallest argument of the logarithm", input.reading.min, 0.0)),
            3.0,
        )
        .when(wants && probabilities == Some(false), 2.5, || {
            Evidence::plain("the loss takes probabilities, and outputs lie outside of 0..1", 0.0)
        })
        .when(
            clues::broke_at_once(case) && probabilities == Some(false) && clues::classes(case) == Some(true),
            1.5,
            || Evidence::plain("the run broke at the first step, on outputs outside of 0..1", 0.0),
        )
        .when(probabilities == Some(true), -5.0, || Evidence::plain("all outputs lie in 0..1", 0.0))
        .when(takes == Some("logits"), -3.0, || Evidence::plain("the loss takes scores", 0.0))
        .symptom("inputs-not-finite", -5.0)
        .unless_in_trouble(3.0)
        .done()
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        remedy::choose("use a loss that takes scores", "loss.kind", "cross_entropy"),
        remedy::activation(case, clues::last_layer(case).map(|(site, _)| site), "softmax"),
    ]
}
