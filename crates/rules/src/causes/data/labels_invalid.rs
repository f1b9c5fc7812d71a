use crate::clues::UNLIKELY;
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// The labels are not what they should be: numbers without an output, or one and the same for every row.
    ///
    /// ## How it is weighed
    /// Class numbers out of range, or a single value for all rows, speak for it.
    ///
    /// ## Example
    /// ```trace
    /// step  loss
    /// 0..9  2.3->0.01
    /// data: rows=900 targets.distinct=1 targets.class_counts=900
    /// cause
    /// ```
    /// ```trace
    /// step   loss      accuracy   chance_loss
    /// 0..99  2.3->0.1  0.1->0.97  2.3
    /// data: targets.class_counts=300,300,300 targets.distinct=3
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Check how the labels are loaded and numbered: from 0, whole numbers, one unit for each.
    ///
    /// ## References
    /// - Humbatova et al., *Taxonomy of Real Faults in Deep Learning Systems*, 2020, arXiv:1910.11015
    pub(crate) static LABELS_INVALID: CauseRule = CauseRule {
        slug: "labels-invalid",
        title: "Labels out of range, or all of one class",
        explains: &["one-class-only", "class-labels-out-of-range"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    case.weigh(UNLIKELY).symptom("one-class-only", 5.0).symptom("class-labels-out-of-range", 5.0).done()
}

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::advice("check how the labels are loaded: whole numbers from 0, one for each output unit")]
}
