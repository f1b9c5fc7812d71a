use crate::clues::UNLIKELY;
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// Always answering the frequent class is right so often that the gradient of the rare ones is lost in it.
    ///
    /// ## How it is weighed
    /// Class counts that are far apart speak for it if the network answers no better than the most frequent class
    /// would.
    ///
    /// ## Example
    /// ```trace
    /// step   loss      accuracy  chance_loss
    /// 0..99  0.7->0.2  0.95      0.2
    /// data: targets.class_counts=950,30,20 targets.distinct=3
    /// cause
    /// ```
    /// ```trace
    /// step   loss       accuracy     chance_loss
    /// 0..99  0.7->0.01  0.95->0.999  0.2
    /// data: targets.class_counts=950,30,20 targets.distinct=3
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Weigh the loss by class, or draw batches with equal shares.
    ///
    /// ## References
    /// - He, Garcia, *Learning from Imbalanced Data*, 2009
    pub(crate) static CLASS_IMBALANCE: CauseRule = CauseRule {
        slug: "class-imbalance",
        title: "The loss falls by ignoring rare classes",
        explains: &["classes-imbalanced", "loss-at-chance"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    case.weigh(UNLIKELY)
        .symptom("classes-imbalanced", 2.0)
        .symptom("loss-at-chance", 2.5)
        .symptom("output-constant", -1.0)
        .symptom("no-weight-changes", -2.0)
        .when(!case.has("classes-imbalanced"), -4.0, || {
            Evidence::plain("no class is rare, or classes were not counted", 0.0)
        })
        .unless_in_trouble(3.0)
        .done()
}

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::advice("weigh the loss by class, or draw batches with equal shares of the classes")]
}
