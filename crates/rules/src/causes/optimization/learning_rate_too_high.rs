use crate::clues::{self, UNLIKELY};
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// Each update overshoots. The loss rises, jumps about, or runs out of range; layers of ReLU are pushed to where
    /// they are always zero.
    ///
    /// ## How it is weighed
    /// A loss that diverges, oscillates or is not finite speaks for it, the more so if updates are large beside their
    /// weights or the gradient has grown. What else makes steps too long speaks against it: inputs or targets that are
    /// not normalized, a run that broke before the first update, a loss that is summed.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=100
    /// step    loss      fc1/weight.rms  fc1/update.rms  fc1/gradient.l2
    /// 0..9    2.3       0.1             0.04            1
    /// 10..99  2.3=>300  0.1->5          0.04->2         1=>1000
    /// cause
    /// ```
    /// ```trace
    /// step   loss      accuracy   chance_loss  fc1/weight.rms  fc1/update.rms
    /// 0..99  2.3->0.1  0.1->0.97  2.3          0.1             0.001
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Lower the learning rate by a factor of ten; for a start that is too rough alone, warm it up.
    ///
    /// ## References
    /// - Goodfellow, Bengio, Courville, *Deep Learning*, 2016, section 11.4.1
    pub(crate) static LEARNING_RATE_TOO_HIGH: CauseRule = CauseRule {
        slug: "learning-rate-too-high",
        title: "Steps are longer than the loss surface allows",
        explains: &[
            "loss-not-finite", "activation-not-finite", "gradient-not-finite", "weight-not-finite",
            "loss-diverging", "loss-oscillating", "worse-than-neighbours", "loss-at-chance", "loss-flat",
            "gradient-exploding", "update-too-large", "weight-growing", "units-dead",
        ],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

/// An update/weight ratio below which steps are not too long. Our choice: healthy training is between 1e-4 and 1e-2.
const SMALL: f64 = 1e-3;

/// A gradient of a recurrent layer this many times larger than at first, or than all others, grew through time. Our choice.
const FAR: f64 = 100.0;

fn weigh(case: &Case<'_>) -> Weighing {
    let ratio = clues::update_ratio(case);
    case.weigh(UNLIKELY)
        .first_symptom(&[
            ("loss-diverging", 3.0),
            ("loss-not-finite", 2.5),
            ("activation-not-finite", 2.5),
            ("weight-not-finite", 2.5),
            ("gradient-not-finite", 2.0),
            ("loss-oscillating", 2.5),
            ("worse-than-neighbours", 1.0),
            ("loss-at-chance", 0.8),
            ("loss-flat", 0.8),
        ])
        .symptom("update-too-large", 2.0)
        .symptom("gradient-exploding", 1.0)
        .symptom("weight-growing", 1.0)
        .symptom("units-dead", 0.8)
        .when(clues::thrown_before_dying(case).is_some(), 2.5, || {
            Evidence::plain("the weights were thrown far, and then the units died", 0.0)
        })
        .when(ratio.is_some_and(|ratio| ratio < SMALL), -2.0, || {
            Evidence::against("updates are small beside their weights", ratio.unwrap_or_default(), SMALL)
        })
        .when(clues::broke_at_once(case), -4.0, || Evidence::plain("the run broke before the first update", 0.0))
        .symptom("inputs-not-finite", -4.0)
        .symptom("targets-not-finite", -4.0)
        .symptom("inputs-not-normalized", -2.0)
        .symptom("targets-not-normalized", -1.0)
        .symptom("output-range-too-narrow", -2.0)
        .symptom("output-constant", -1.0)
        .symptom("weight-symmetric", -2.0)
        .symptom("gradient-accumulating", -1.5)
        .when(case.facts.flag(FactKey::GradientsReset) == Some(false), -5.0, || {
            Evidence::plain("gradients of earlier steps add up", 0.0)
        })
        .symptom("loss-rewards-errors", -4.0)
        .symptom("near-half-limit", -1.5)
        .symptom("update-of-noise", -2.0)
        .when(clues::recurrent_jump(case).is_some_and(|(_, jump)| jump > FAR), -2.0, || {
            Evidence::plain("the gradient of a recurrent layer jumps", FAR)
        })
        .when(clues::explodes_alone(case), -3.0, || {
            Evidence::plain("of several outputs, the loss of one alone grows", 0.0)
        })
        .symptom("no-weight-changes", -4.0)
        .unless_in_trouble(3.0)
        .done()
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::scale_rate(case, 0.1), remedy::clip(1.0), remedy::scale_rate(case, 0.01)]
}
