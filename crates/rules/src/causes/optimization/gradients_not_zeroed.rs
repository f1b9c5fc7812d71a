use crate::clues::{self, UNLIKELY};
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// Without a reset, each backward pass adds to the gradient of all steps before. The direction is stale and the
    /// step grows with every batch.
    ///
    /// ## How it is weighed
    /// A gradient norm that grows by the same amount in step after step speaks for it; so does a loss that then
    /// diverges. Where it was seen whether gradients are reset before a step adds to them, that decides.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=60
    /// step    loss      fc1/gradient.l2
    /// 0..15   2.3->2.2  0.4->6.4
    /// 16..59  2.2=>200  6.4->30
    /// cause
    /// ```
    /// Where it is known, it goes before a learning rate that is too high, which looks alike:
    /// ```trace
    /// facts: steps=100 gradients_reset=false
    /// step    loss      fc1/weight.rms  fc1/update.rms  fc1/gradient.l2
    /// 0..9    2.3       0.1             0.04            1
    /// 10..99  2.3=>300  0.1->5          0.04->2         1=>1000
    /// cause
    /// ```
    /// ```trace
    /// step   loss      accuracy   chance_loss  fc1/gradient.l2
    /// 0..99  2.3->0.1  0.1->0.97  2.3          0.5|0.4
    /// no cause
    /// ```
    /// ```trace
    /// facts: steps=60 gradients_reset=true
    /// step    loss      fc1/gradient.l2
    /// 0..15   2.3->2.2  0.4->6.4
    /// 16..59  2.2=>200  6.4->30
    /// no cause
    /// ```
    /// Sums over all steps that train well are odd, and no more:
    /// ```trace
    /// facts: steps=100 gradients_reset=false
    /// step   loss      accuracy   chance_loss  fc1/gradient.l2
    /// 0..15  2.3->1.2  0.1->0.6   2.3          0.4->6.4
    /// 16..99 1.2->0.1  0.6->0.97  2.3          6.4|6
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
        explains: &[
            "gradient-accumulating", "loss-diverging", "loss-not-finite", "weight-not-finite", "activation-not-finite",
            "gradient-not-finite", "loss-oscillating", "loss-at-chance", "loss-flat", "worse-than-neighbours",
        ],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    let reset = case.facts.flag(FactKey::GradientsReset);
    let adds_up = case.has("gradient-accumulating");
    case.weigh(UNLIKELY)
        .symptom("gradient-accumulating", 3.5)
        .first_symptom(&[
            ("loss-diverging", 1.5),
            ("loss-not-finite", 0.8),
            ("weight-not-finite", 0.8),
            ("activation-not-finite", 0.8),
            ("gradient-not-finite", 0.8),
            ("loss-oscillating", 1.0),
            ("loss-at-chance", 0.8),
            ("loss-flat", 0.8),
            ("worse-than-neighbours", 0.8),
        ])
        .when(reset == Some(false), 5.0, || Evidence::plain("gradients are not reset before a step adds to them", 0.0))
        .when(reset == Some(true), -7.0, || Evidence::plain("gradients are reset before each step", 1.0))
        .when(reset.is_none() && !adds_up, -2.0, || Evidence::plain("the gradient norm does not add up", 0.0))
        .symptom("inputs-not-finite", -4.0)
        .symptom("weight-unchanged", -4.0) // What no optimizer has, none resets.
        .when(clues::broke_at_once(case), -4.0, || Evidence::plain("the run broke before the first update", 0.0))
        .unless_in_trouble(6.5)
        .done()
}

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::advice("reset the gradients before each backward pass: optimizer.zero_grad()")]
}
