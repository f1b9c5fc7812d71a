use crate::clues::{self, UNLIKELY};
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// A categorical cross-entropy over sigmoids, a binary one over a softmax, scores where probabilities are due, or
    /// the other way round.
    ///
    /// ## How it is weighed
    /// Outputs that are no distribution speak for it where the loss is known to take one; probabilities where it is
    /// known to take scores. It needs a result that is poor: a sigmoid per class with a binary cross-entropy is
    /// healthy.
    ///
    /// ## Example
    /// ```trace
    /// declared: loss_takes=distribution
    /// step   loss      accuracy   chance_loss  out/output.min  out/output.max  output_row_sum  output_row_sum_error
    /// 0..29  1.6->1.2  0.2->0.25  1.6          0.1             0.9             2.4             1.5
    /// data: targets.class_counts=10,10,10,10,10
    /// cause
    /// ```
    /// ```trace
    /// declared: loss_takes=probabilities
    /// step   loss      accuracy   chance_loss  out/output.min  out/output.max  output_row_sum  output_row_sum_error
    /// 0..29  1.6->0.1  0.2->0.97  1.6          0.1             0.9             2.4             1.5
    /// data: targets.class_counts=10,10,10,10,10
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Give scores to `cross_entropy`, or a softmax to a loss on probabilities.
    ///
    /// ## References
    /// - Bishop, *Pattern Recognition and Machine Learning*, 2006, section 5.2
    pub(crate) static LOSS_ACTIVATION_MISMATCH: CauseRule = CauseRule {
        slug: "loss-activation-mismatch",
        title: "Loss and last activation do not belong together",
        explains: &[
            "output-rows-not-one", "worse-than-neighbours", "loss-at-chance", "loss-flat", "loss-still-falling",
        ],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    let takes = case.facts.text(FactKey::LossTakes);
    let probabilities = clues::outputs_within(case, 0.0, 1.0);
    let no_distribution = takes == Some("distribution") && clues::rows_sum_to_one(case) == Some(false);
    let no_scores = takes == Some("logits") && probabilities == Some(true);
    case.weigh(UNLIKELY)
        .symptom("output-rows-not-one", 1.0)
        .first_symptom(&[
            ("worse-than-neighbours", 1.2),
            ("loss-at-chance", 1.0),
            ("loss-flat", 1.0),
            ("loss-still-falling", 0.7),
        ])
        .when(no_distribution, 2.5, || {
            Evidence::plain("the loss takes a distribution, and output rows do not sum to 1", 0.0)
        })
        .when(no_scores, 2.5, || Evidence::plain("the loss takes scores, and all outputs lie in 0..1", 0.0))
        .when(takes == Some("distribution") && clues::rows_sum_to_one(case) == Some(true), -3.0, || {
            Evidence::plain("the loss takes a distribution and gets one", 1.0)
        })
        .symptom("output-range-too-narrow", -2.0)
        .symptom("output-constant", -2.0)
        .symptom("no-weight-changes", -3.0)
        .at(clues::last_layer(case).map(|(site, _)| site))
        .unless_in_trouble(3.0)
        .done()
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        remedy::activation(case, clues::last_layer(case).map(|(site, _)| site), "softmax"),
        remedy::choose_for_loss(case, "use a loss that takes scores", "kind", "cross_entropy"),
    ]
}
