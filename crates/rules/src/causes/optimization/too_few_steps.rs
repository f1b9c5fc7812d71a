use crate::clues::{self, UNLIKELY};
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// The loss was still falling evenly, by steps of a sensible length, when the epochs were used up.
    ///
    /// ## How it is weighed
    /// An even fall at the end speaks for it, the more so in a short run with updates of a sensible size. A squared error for
    /// classes, and raw scores where the loss takes probabilities, learn slowly by themselves and speak against it.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=50
    /// step   loss      accuracy  chance_loss  fc1/weight.rms  fc1/update.rms
    /// 0..49  2.4->2.0  0.1->0.3  2.3          0.1             0.001
    /// cause
    /// ```
    /// ```trace
    /// step   loss      accuracy   chance_loss
    /// 0..99  2.3->0.1  0.1->0.97  2.3
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Train for more epochs, until the loss levels off.
    ///
    /// ## References
    /// - Goodfellow, Bengio, Courville, *Deep Learning*, 2016, section 7.8
    pub(crate) static TOO_FEW_STEPS: CauseRule = CauseRule {
        slug: "too-few-steps",
        title: "The run ended while it was still improving",
        explains: &["loss-still-falling"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

/// Steps. Our choice: few tasks are learned in fewer.
const SHORT: u64 = 500;

/// Update/weight ratios that are neither too small nor too large.
const SENSIBLE: std::ops::Range<f64> = 3e-4..1e-2;

fn weigh(case: &Case<'_>) -> Weighing {
    let ratio = clues::update_ratio(case);
    case.weigh(UNLIKELY)
        .symptom("loss-still-falling", 3.0)
        .when(case.steps < SHORT, 0.7, || Evidence::against("steps of the run", case.steps as f64, SHORT as f64))
        .when(ratio.is_some_and(|ratio| SENSIBLE.contains(&ratio)), 0.5, || {
            Evidence::plain("updates are of a sensible size beside their weights", ratio.unwrap_or_default())
        })
        .when(clues::distance_for_classes(case), -1.3, || Evidence::plain("a squared error for classes", 0.0))
        .when(clues::scores_for_probabilities(case), -1.3, || {
            Evidence::plain("the loss takes probabilities, and outputs lie outside of 0..1", 0.0)
        })
        .symptom("update-too-small", -1.5)
        .symptom("output-range-too-narrow", -4.0)
        .symptom("gradient-vanishing-over-depth", -1.5)
        .done()
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::more_epochs(case, 4.0), remedy::scale_rate(case, 10.0)]
}
