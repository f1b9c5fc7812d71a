use crate::clues::UNLIKELY;
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// One of the two was shuffled or sorted alone. A large network learns the pairs by heart; no network can
    /// generalize from them.
    ///
    /// ## How it is weighed
    /// Targets that the nearest neighbours do not share speak for it, the more so if the neighbour is worse than a
    /// constant, and if the network does no better.
    ///
    /// ## Example
    /// ```trace
    /// step    loss      r2
    /// 0..299  1.4->0.9  0->0.05
    /// data: neighbour_skill=-1.0
    /// cause
    /// ```
    /// ```trace
    /// step    loss      r2
    /// 0..299  1.4->0.1  0->0.95
    /// data: neighbour_skill=0.7
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Shuffle inputs and targets by the same permutation, and check a few rows by hand.
    ///
    /// ## References
    /// - Northcutt, Athalye, Mueller, *Pervasive Label Errors in Test Sets*, 2021, arXiv:2103.14749
    pub(crate) static LABELS_MISALIGNED: CauseRule = CauseRule {
        slug: "labels-misaligned",
        title: "Inputs and targets do not belong together",
        explains: &["targets-unrelated", "loss-at-chance", "loss-flat", "validation-gap", "loss-still-falling"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

/// Real targets that have nothing to do with the inputs give -1. Our choice.
const UNRELATED: f64 = -0.7;

fn weigh(case: &Case<'_>) -> Weighing {
    let neighbour = case.digest.data.as_ref().and_then(|data| data.neighbour_skill);
    case.weigh(UNLIKELY)
        .symptom("targets-unrelated", 2.0)
        .when(neighbour.is_some_and(|skill| skill < UNRELATED), 1.5, || {
            Evidence::against("share of the targets that neighbours explain", neighbour.unwrap_or_default(), UNRELATED)
        })
        .first_symptom(&[
            ("validation-gap", 1.5),
            ("loss-at-chance", 1.5),
            ("loss-flat", 1.0),
            ("loss-still-falling", 0.5),
        ])
        .symptom("output-range-too-narrow", -2.0)
        .symptom("output-constant", -1.5)
        .symptom("one-class-only", -3.0)
        .symptom("no-weight-changes", -2.0)
        .when(!case.has("targets-unrelated"), -4.0, || {
            Evidence::plain("neighbours share their targets, or were not compared", 0.0)
        })
        .done()
}

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::advice("shuffle inputs and targets by the same permutation; check a few rows by hand")]
}
