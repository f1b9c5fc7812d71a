use crate::clues::{self, UNLIKELY};
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// The loss is small where the answers are wrong, or its gradient vanishes where it should be largest.
    ///
    /// ## How it is weighed
    /// A cross-entropy below zero speaks for it (its targets are no probabilities), and, for classes, a loss that
    /// begins far below the cross-entropy of a constant answer while nothing is learned: it is a squared error.
    ///
    /// ## Example
    /// ```trace
    /// step   loss        r2    out/output.min  out/output.max  y/target.min  y/target.max
    /// 0..29  -700=>-780  -2.8  0.4             0.9             3             100
    /// cause
    /// ```
    /// ```trace
    /// step   loss      accuracy   chance_loss
    /// 0..29  2.3->0.1  0.1->0.97  2.3
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Use `cross_entropy` for classes and `mse` for real targets.
    ///
    /// ## References
    /// - Bishop, *Pattern Recognition and Machine Learning*, 2006, section 5.2
    pub(crate) static WRONG_LOSS_FOR_TASK: CauseRule = CauseRule {
        slug: "wrong-loss-for-task",
        title: "Cross-entropy for regression, squared error for classes, ...",
        explains: &["loss-negative", "loss-at-chance", "loss-flat", "worse-than-neighbours", "loss-still-falling"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

/// A fresh network's cross-entropy is about that of a constant answer, and never far below. Our choice.
const BELOW: f64 = 0.5;

fn weigh(case: &Case<'_>) -> Weighing {
    let classes = clues::classes(case);
    let first = clues::first_loss_over_chance(case);
    let entropy = case.facts.text(FactKey::Loss).is_some_and(|loss| loss.contains("cross_entropy"));
    case.weigh(UNLIKELY)
        .symptom("loss-negative", 5.0)
        .first_symptom(&[
            ("loss-at-chance", 1.0),
            ("worse-than-neighbours", 1.0),
            ("loss-flat", 0.7),
            ("loss-still-falling", 0.7),
        ])
        .when(clues::distance_for_classes(case), 2.0, || Evidence::plain("a squared error for classes", 0.0))
        .when(classes == Some(false) && entropy, 3.0, || Evidence::plain("a cross-entropy for real targets", 0.0))
        .when(classes == Some(true) && first.is_some_and(|first| first < BELOW), 2.0, || {
            Evidence::against(
                "first loss over the cross-entropy of a constant answer",
                first.unwrap_or_default(),
                BELOW,
            )
        })
        .symptom("output-constant", -1.5)
        .symptom("no-weight-changes", -3.0)
        .unless_in_trouble(3.0)
        .done()
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::choose_for_loss(
        case,
        "use the loss of the task",
        "kind",
        if clues::classes(case) == Some(false) { "mse" } else { "cross_entropy" },
    )]
}
