use crate::clues::{self, UNLIKELY};
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// The loss has the wrong sign, or the optimizer maximizes: every step makes the answers worse.
    ///
    /// ## How it is weighed
    /// A loss that climbs from the first step on without a pause speaks for it, the more so if steps are of a sensible
    /// size: steps that are too long overshoot to both sides. So does a loss that falls below zero while the answers become
    /// worse than a constant.
    ///
    /// ## Example
    /// ```trace
    /// step   loss     accuracy  chance_loss  fc1/weight.rms  fc1/update.rms
    /// 0..99  2.3->40  0.1->0    2.3          0.1             0.001
    /// cause
    /// ```
    /// A cross-entropy with a minus before it falls without end:
    /// ```trace
    /// step   loss        accuracy  chance_loss  fc1/weight.rms  fc1/update.rms
    /// 0..99  -2.3->-400  0.1->0    2.3          0.1->3          0.01
    /// cause
    /// ```
    /// ```trace
    /// step   loss      accuracy   chance_loss
    /// 0..99  2.3->0.1  0.1->0.97  2.3
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Minimize: check the sign of the loss and `maximize` of the optimizer.
    ///
    /// ## References
    /// - Robbins, Monro, *A Stochastic Approximation Method*, 1951
    pub(crate) static LOSS_SIGN_FLIPPED: CauseRule = CauseRule {
        slug: "loss-sign-flipped",
        title: "The optimizer climbs",
        explains: &["loss-climbing", "loss-rewards-errors", "loss-diverging", "loss-not-finite"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

/// Update/weight ratio of steps that do not overshoot. Our choice.
const SENSIBLE: f64 = 0.05;

/// Skill of answers that are worse than a constant. Our choice.
const WORSE: f64 = -0.05;

/// Growth of the loss per step above which it leaps and does not climb: a step of a sensible length changes a loss by far less, uphill as
/// downhill. Our choice.
const LEAP: f64 = 1.5;

/// Mean factor by which the loss grew from step to step.
fn growth(case: &Case<'_>) -> Option<f64> {
    let (_, highest) = case.digest.loss.extremes()?;
    let first = case.digest.loss.first().filter(|first| *first > 0.0)?;
    Some((highest / first).powf(1.0 / case.steps.max(1) as f64))
}

fn weigh(case: &Case<'_>) -> Weighing {
    let growth = growth(case);
    let ratio = clues::update_ratio(case);
    let skill = case.digest.skill();
    case.weigh(UNLIKELY)
        .symptom("loss-climbing", 4.0)
        .symptom("loss-rewards-errors", 5.0)
        .symptom("loss-negative", -5.0)
        .when(ratio.is_some_and(|ratio| ratio < SENSIBLE), 1.0, || {
            Evidence::against("update/weight ratio", ratio.unwrap_or_default(), SENSIBLE)
        })
        .when(skill.is_some_and(|skill| skill < WORSE), 0.7, || {
            Evidence::against("skill", skill.unwrap_or_default(), WORSE)
        })
        .when(growth.is_some_and(|growth| growth > LEAP), -4.0, || {
            Evidence::against("growth of the loss per step", growth.unwrap_or_default(), LEAP)
        })
        .symptom("gradient-accumulating", -1.5)
        .when(!case.has_any(&["loss-climbing", "loss-rewards-errors"]), -3.0, || {
            Evidence::plain("the loss does not climb all the time", 0.0)
        })
        .done()
}

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::advice("minimize the loss: turn its sign, or take `maximize` from the optimizer")]
}
