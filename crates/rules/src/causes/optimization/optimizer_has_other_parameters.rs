use crate::clues::UNLIKELY;
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// The optimizer was built from another instance of the model, or before its layers existed. The gradients arrive
    /// and nobody reads them.
    ///
    /// ## How it is weighed
    /// Weights that keep every bit of their value while their gradient is not zero speak for it, and weights that have a
    /// gradient and are known to be in no optimizer. Training some layers alone is healthy as long as it goes well.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=50
    /// step   loss       fc1/weight.l2  fc1/gradient.l2  fc2/weight.l2  fc2/gradient.l2
    /// 0..49  2.31|2.30  8.0            0.3              8.0            0.2
    /// cause
    /// ```
    /// One that was given the last layer alone, and cannot learn with it:
    /// ```trace
    /// facts: steps=50 fc1.optimized=false fc2.optimized=true
    /// step   loss       accuracy  chance_loss  fc1/weight.l2  fc1/gradient.l2  fc2/weight.l2  fc2/gradient.l2
    /// 0..49  2.31|2.30  0.1       2.3          8.0            0.3              8.0->8.1       0.2
    /// cause
    /// ```
    /// The same on purpose:
    /// ```trace
    /// facts: steps=50 fc1.optimized=false fc2.optimized=true
    /// step   loss      accuracy   chance_loss  fc1/weight.l2  fc1/gradient.l2  fc2/weight.l2  fc2/gradient.l2
    /// 0..49  2.3->0.1  0.1->0.97  2.3          8.0            0.3              8.0->9.0       0.2
    /// no cause
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
        explains: &[
            "weight-unchanged", "no-weight-changes", "loss-flat", "loss-at-chance", "worse-than-neighbours",
            "loss-still-falling",
        ],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    let rate = case.digest.learning_rate.max;
    let has_gradient = |site: SiteId| case.digest.site(site, Role::Gradient).is_some_and(|seen| seen.l2.max > 0.0);
    let optimized = |site: &SiteId| case.facts.flag_at(FactKey::Optimized, *site).filter(|_| has_gradient(*site));
    let told: Vec<bool> = case.sites.in_order().iter().filter_map(optimized).collect();
    let left_out = told.iter().filter(|optimized| !**optimized).count();
    let all_in = !told.is_empty() && left_out == 0;
    let still = case.has("weight-unchanged");
    case.weigh(UNLIKELY)
        .symptom("weight-unchanged", 3.5)
        .symptom("no-weight-changes", 2.0)
        .first_symptom(&[
            ("loss-flat", 0.7),
            ("loss-at-chance", 0.7),
            ("worse-than-neighbours", 0.7),
            ("loss-still-falling", 0.3),
        ])
        .when(left_out > 0, 2.5, || Evidence::plain("weights with a gradient that no optimizer has", left_out as f64))
        .when(all_in, -5.0, || Evidence::plain("an optimizer has every weight", 0.0))
        .when(!still && left_out == 0, -4.0, || Evidence::plain("no weight stands still under a gradient", 0.0))
        .when(rate == 0.0, -4.0, || Evidence::plain("the learning rate is zero", rate))
        .unless_in_trouble(5.5)
        .done()
}

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::advice("build the optimizer from the parameters of the model that is trained")]
}
