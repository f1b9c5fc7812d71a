use crate::clues::UNLIKELY;
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// Without a reset, each backward pass adds to the gradient of all steps before. The direction is stale and the
    /// step grows with every batch.
    ///
    /// ## How it is weighed
    /// A gradient norm that grows by the same amount in step after step speaks for it; so does a loss that then
    /// diverges.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=60
    /// step    loss      fc1/gradient.l2
    /// 0..15   2.3->2.2  0.4->6.4
    /// 16..59  2.2=>200  6.4->30
    /// cause
    /// ```
    /// ```trace
    /// step   loss      accuracy   chance_loss  fc1/gradient.l2
    /// 0..99  2.3->0.1  0.1->0.97  2.3          0.5|0.4
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Call `optimizer.zero_grad()` before each backward pass.
    ///
    /// ## References
    /// - PyTorch, `torch.optim.Optimizer.zero_grad`
    pub(crate) static GRADIENTS_NOT_ZEROED: CauseRule = CauseRule {
        slug: "gradients-not-zeroed",
        title: "Gradients of earlier steps add up",
        explains: &["gradient-accumulating", "loss-diverging", "loss-not-finite", "loss-oscillating", "loss-at-chance"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    case.weigh(UNLIKELY)
        .symptom("gradient-accumulating", 3.5)
        .first_symptom(&[
            ("loss-diverging", 1.5),
            ("loss-not-finite", 0.8),
            ("loss-oscillating", 1.0),
            ("loss-at-chance", 0.8),
        ])
        .when(!case.has("gradient-accumulating"), -2.0, || Evidence::plain("the gradient norm does not add up", 0.0))
        .unless_in_trouble(3.0)
        .done()
}

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::advice("reset the gradients before each backward pass: optimizer.zero_grad()")]
}
