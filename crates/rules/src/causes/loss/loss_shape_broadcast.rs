use crate::clues::UNLIKELY;
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// The loss subtracts targets of shape `(N)` from outputs of shape `(N, 1)` and gets `(N, N)`. Every output is drawn to the
    /// mean of all targets.
    ///
    /// ## How it is weighed
    /// A loss that compares each row with several rows speaks for it, the more so if the network learns next to nothing: a
    /// skill below `POOR`, a flat loss, outputs that do not vary. Losses over pairs of rows do so on purpose, and train well.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=100
    /// step   loss      r2    loss_rows_compared  fc1/weight.rms  fc1/update.rms
    /// 0..99  1.3->1.0  0.01  32                  0.1             0.001
    /// cause
    /// ```
    /// A loss over pairs of rows:
    /// ```trace
    /// facts: steps=100
    /// step   loss      accuracy   chance_loss  loss_rows_compared
    /// 0..99  3.4->0.1  0.1->0.97  2.3          32
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Give outputs and targets the same shape.
    ///
    /// ## References
    /// - PyTorch, `mse_loss`: a target size that differs from the input size leads to incorrect results by broadcasting
    pub(crate) static LOSS_SHAPE_BROADCAST: CauseRule = CauseRule {
        slug: "loss-shape-broadcast",
        title: "Every output is held against the targets of all rows",
        explains: &["loss-broadcast"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

/// Skill of a network that has learned next to nothing. Our choice.
const POOR: f64 = 0.3;

fn weigh(case: &Case<'_>) -> Weighing {
    let skill = case.digest.skill();
    case.weigh(UNLIKELY)
        .symptom("loss-broadcast", 5.0)
        .first_symptom(&[
            ("loss-at-chance", 1.5),
            ("loss-flat", 1.5),
            ("output-constant", 1.5),
            ("worse-than-neighbours", 1.0),
            ("loss-still-falling", 0.5),
        ])
        .when(skill.is_some_and(|skill| skill < POOR), 1.5, || {
            Evidence::against("skill", skill.unwrap_or_default(), POOR)
        })
        .symptom("inputs-not-finite", -4.0)
        .symptom("loss-not-finite", -2.0)
        .when(!case.has("loss-broadcast"), -8.0, || Evidence::plain("each row is compared with one row", 1.0))
        .unless_in_trouble(3.0)
        .done()
}

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::advice("give outputs and targets the same shape: `output.squeeze(-1)`, or `target.unsqueeze(-1)`")]
}
