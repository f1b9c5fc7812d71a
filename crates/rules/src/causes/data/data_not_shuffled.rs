use crate::clues::UNLIKELY;
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// Each batch holds one class. The network learns the class of the moment and forgets the others.
    ///
    /// ## How it is weighed
    /// Neighbours that share their class speak for it, if the loss jumps or the result is poor.
    ///
    /// ## Example
    /// ```trace
    /// step   loss     accuracy  chance_loss
    /// 0..99  0.2|3.0  0.3       1.1
    /// data: targets.class_counts=300,300,300 targets.distinct=3 targets.repeated=0.99 targets.repeated_expected=0.33
    /// cause
    /// ```
    /// ```trace
    /// step   loss      accuracy   chance_loss
    /// 0..99  2.3->0.1  0.3->0.97  1.1
    /// data: targets.class_counts=300,300,300 targets.distinct=3 targets.repeated=0.35 targets.repeated_expected=0.33
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Shuffle the rows anew before each epoch.
    ///
    /// ## References
    /// - Bottou, *Stochastic Gradient Descent Tricks*, 2012
    pub(crate) static DATA_NOT_SHUFFLED: CauseRule = CauseRule {
        slug: "data-not-shuffled",
        title: "Batches ordered by label",
        explains: &[
            "batches-ordered", "loss-oscillating", "loss-spike", "loss-at-chance", "worse-than-neighbours",
            "loss-diverging",
        ],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    case.weigh(UNLIKELY)
        .symptom("batches-ordered", 3.5)
        .first_symptom(&[
            ("loss-oscillating", 1.5),
            ("worse-than-neighbours", 1.0),
            ("loss-at-chance", 1.0),
            ("loss-diverging", 0.5),
            ("loss-spike", 0.5),
        ])
        .when(!case.has("batches-ordered"), -4.0, || {
            Evidence::plain("the order of the rows is random, or not known", 0.0)
        })
        .unless_in_trouble(3.0)
        .done()
}

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::set("shuffle the rows before each epoch", "data.shuffle", EditValue::Flag(true))]
}
