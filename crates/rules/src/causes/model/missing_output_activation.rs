use crate::clues::{self, UNLIKELY};
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// The logarithm of a raw score is NaN as soon as the score is negative; where it is clamped, the gradient is zero.
    ///
    /// ## How it is weighed
    /// Outputs below 0 or above 1 speak for it if the loss is known to take probabilities, or if a logarithm of a
    /// negative number broke the run. A logarithm of something else than the outputs (or 1 minus them), to be seen from
    /// its range, speaks against it.
    ///
    /// ## Example
    /// ```trace
    /// step  loss  out/output.min  out/output.max
    /// 0..3  NaN   -2              3
    /// incident: operation=log site=loss input.min=-2 input.max=3
    /// cause
    /// ```
    /// The logarithm of another term of the loss:
    /// ```trace
    /// facts: loss_takes=real
    /// step  loss  out/output.min  out/output.max
    /// 0..3  2     -2              3
    /// 4     NaN   -2              3
    /// incident: operation=log site=loss input.min=-0.2 input.max=40
    /// no cause
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
    let logarithm = case.incident.filter(|_| case.has("bad-logarithm")).and_then(|incident| incident.inputs.first());
    let negative = logarithm.filter(|input| input.reading.min < 0.0);
    let of_outputs = logarithm.and_then(|input| clues::is_of_outputs(case, &input.reading));
    let at_once = clues::broke_at_once(case) && of_outputs != Some(false);
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
        .when(clues::scores_for_probabilities(case), 2.5, || {
            Evidence::plain("the loss takes probabilities, and outputs lie outside of 0..1", 0.0)
        })
        .when(at_once && probabilities == Some(false) && clues::classes(case) == Some(true), 1.5, || {
            Evidence::plain("the run broke at the first step, on outputs outside of 0..1", 0.0)
        })
        .when(probabilities == Some(true), -5.0, || Evidence::plain("all outputs lie in 0..1", 0.0))
        .when(of_outputs == Some(false), -4.0, || {
            Evidence::plain("the logarithm is of something else than the outputs", 0.0)
        })
        .when(takes == Some("real"), -2.0, || Evidence::plain("the loss takes real numbers", 0.0))
        .when(takes == Some("logits"), -3.0, || Evidence::plain("the loss takes scores", 0.0))
        .symptom("inputs-not-finite", -5.0)
        .unless_in_trouble(3.0)
        .done()
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        remedy::choose_for_loss(case, "use a loss that takes scores", "kind", "cross_entropy"),
        remedy::activation(case, clues::last_layer(case).map(|(site, _)| site), "softmax"),
    ]
}
