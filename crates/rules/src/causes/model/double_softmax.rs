use crate::clues::{self, UNLIKELY};
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// The softmax of probabilities is nearly uniform: for k classes the loss cannot fall below ln(1 + (k-1)/e), and
    /// its gradient is a k-th of what it should be.
    ///
    /// ## How it is weighed
    /// Output rows that sum to one speak for it if the loss is known to take scores, in a run that learns little.
    ///
    /// ## Example
    /// ```trace
    /// facts: loss_takes=logits
    /// step   loss         accuracy  chance_loss  out/output.min  out/output.max  output_row_sum  output_row_sum_error
    /// 0..99  2.311|2.310  0.1       2.302        0.01            0.4             1               1e-7
    /// cause
    /// ```
    /// ```trace
    /// step   loss      accuracy   chance_loss  out/output.min  out/output.max  output_row_sum  output_row_sum_error
    /// 0..99  2.3->0.1  0.1->0.97  2.302        0.01            0.99            1               1e-7
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Take the softmax out of the network; the loss applies it.
    ///
    /// ## References
    /// - PyTorch, `CrossEntropyLoss`: the input is expected to contain the unnormalized logits
    pub(crate) static DOUBLE_SOFTMAX: CauseRule = CauseRule {
        slug: "double-softmax",
        title: "A loss that applies softmax gets probabilities",
        explains: &["loss-at-chance", "loss-flat", "loss-still-falling", "worse-than-neighbours"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    let softmax = clues::rows_sum_to_one(case) == Some(true) && clues::outputs_within(case, 0.0, 1.0) == Some(true);
    let takes = case.facts.text(FactKey::LossTakes);
    case.weigh(UNLIKELY)
        .first_symptom(&[
            ("loss-at-chance", 1.0),
            ("loss-flat", 1.0),
            ("loss-still-falling", 1.0),
            ("worse-than-neighbours", 1.0),
        ])
        .when(softmax && takes == Some("logits"), 4.5, || {
            Evidence::plain("output rows sum to 1, and the loss applies softmax again", 1.0)
        })
        .when(!softmax, -6.0, || Evidence::plain("output rows do not sum to 1", 0.0))
        .when(takes.is_some_and(|takes| takes != "logits"), -3.0, || {
            Evidence::plain("the loss does not take scores", 0.0)
        })
        .at(clues::last_layer(case).map(|(site, _)| site))
        .unless_in_trouble(3.0)
        .done()
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::activation(case, clues::last_layer(case).map(|(site, _)| site), "linear")]
}
