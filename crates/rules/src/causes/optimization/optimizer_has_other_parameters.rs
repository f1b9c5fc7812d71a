use crate::clues::UNLIKELY;
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// The optimizer was built from another instance of the model, or before its layers existed. The gradients arrive
    /// and nobody reads them.
    ///
    /// ## How it is weighed
    /// Weights that keep every bit of their value while their gradient is not zero speak for it.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=50
    /// step   loss       fc1/weight.l2  fc1/gradient.l2  fc2/weight.l2  fc2/gradient.l2
    /// 0..49  2.31|2.30  8.0            0.3              8.0            0.2
    /// cause
    /// ```
    /// Without a gradient the parameters are frozen:
    /// ```trace
    /// facts: steps=50
    /// step   loss       fc1/weight.l2  fc2/weight.l2
    /// 0..49  2.31|2.30  8.0            8.0
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Build the optimizer from `model.parameters()` of the model that is trained.
    ///
    /// ## References
    /// - Jiang et al., *Training with Confidence* (TrainCheck), 2025
    pub(crate) static OPTIMIZER_HAS_OTHER_PARAMETERS: CauseRule = CauseRule {
        slug: "optimizer-has-other-parameters",
        title: "The optimizer updates tensors that the model does not use",
        explains: &["weight-unchanged", "no-weight-changes"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    let rate = case.digest.learning_rate.max;
    case.weigh(UNLIKELY)
        .symptom("weight-unchanged", 3.5)
        .symptom("no-weight-changes", 2.0)
        .when(!case.has("weight-unchanged"), -4.0, || Evidence::plain("no weight stands still under a gradient", 0.0))
        .when(rate == 0.0, -4.0, || Evidence::plain("the learning rate is zero", rate))
        .done()
}

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::advice("build the optimizer from the parameters of the model that is trained")]
}
