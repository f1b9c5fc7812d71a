use crate::clues::{self, UNLIKELY};
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// The loss falls evenly and has far to go when the run ends, or hardly falls at all; nothing is wrong but the
    /// pace.
    ///
    /// ## How it is weighed
    /// An even fall speaks for it, and updates that are small beside their weights. Weights that do not change at all,
    /// a gradient that vanishes, an output that cannot reach the targets, a squared error for classes and clipped gradients
    /// speak against it: they are reasons of their own.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=300
    /// step    loss    r2        fc1/weight.rms  fc1/update.rms
    /// 0..299  70->40  -50->-30  0.1             1e-6
    /// cause
    /// ```
    /// ```trace
    /// step   loss      accuracy   chance_loss  fc1/weight.rms  fc1/update.rms
    /// 0..99  2.3->0.1  0.1->0.97  2.3          0.1             0.001
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Raise the learning rate by a factor of ten, or find it by a range test.
    ///
    /// ## References
    /// - Smith, *Cyclical Learning Rates for Training Neural Networks*, 2017, arXiv:1506.01186
    pub(crate) static LEARNING_RATE_TOO_LOW: CauseRule = CauseRule {
        slug: "learning-rate-too-low",
        title: "Steps are too short to arrive within the run",
        explains: &["loss-still-falling", "loss-flat", "loss-at-chance", "worse-than-neighbours", "update-too-small"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

/// An update/weight ratio below which steps are short. Our choice: healthy training is between 1e-4 and 1e-2.
const SMALL: f64 = 3e-4;

/// A ratio above which they are not.
const LARGE: f64 = 1e-2;

fn weigh(case: &Case<'_>) -> Weighing {
    let ratio = clues::update_ratio(case);
    case.weigh(UNLIKELY)
        .first_symptom(&[
            ("loss-still-falling", 3.2),
            ("loss-at-chance", 1.5),
            ("loss-flat", 1.2),
            ("worse-than-neighbours", 1.0),
        ])
        .symptom("update-too-small", 2.0)
        .when(ratio.is_some_and(|ratio| ratio < SMALL), 1.5, || {
            Evidence::against("updates are small beside their weights", ratio.unwrap_or_default(), SMALL)
        })
        .when(ratio.is_some_and(|ratio| ratio > LARGE), -2.0, || {
            Evidence::against("updates are large beside their weights", ratio.unwrap_or_default(), LARGE)
        })
        .when(clues::distance_for_classes(case), -0.7, || Evidence::plain("a squared error for classes", 0.0))
        .symptom("gradient-vanishing-over-depth", -2.0)
        .symptom("activation-saturated", -1.5)
        .symptom("output-range-too-narrow", -4.0)
        .symptom("output-constant", -3.0)
        .symptom("output-zero", -1.0)
        .symptom("no-weight-changes", -5.0)
        .symptom("weight-unchanged", -3.0)
        .symptom("update-rounded-away", -3.0)
        .symptom("gradient-underflow", -3.0)
        .symptom("weight-symmetric", -2.0)
        .symptom("always-clipped", -1.5)
        .symptom("learning-rate-collapsed", -4.0)
        .symptom("targets-not-normalized", -1.0)
        .symptom("inputs-not-normalized", -1.0)
        .unless_in_trouble(3.0)
        .done()
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::scale_rate(case, 10.0), remedy::scale_rate(case, 100.0), remedy::more_epochs(case, 4.0)]
}
