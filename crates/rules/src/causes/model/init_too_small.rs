use crate::clues::{self, UNLIKELY};
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// Each layer shrinks the scale of what it gets, and the gradient on its way back.
    ///
    /// ## How it is weighed
    /// Weights with a gain below `GAIN` speak for it, and activations or gradients that vanish over depth, in a run
    /// that learns little.
    ///
    /// ## Example
    /// ```trace
    /// sites: a b c d shape=a:64x64 shape=b:64x64
    /// facts: a.fan_in=64 b.fan_in=64
    /// step   loss         accuracy  chance_loss  a/weight.rms  b/weight.rms  a/activation.std  b/activation.std  c/activation.std  d/activation.std
    /// 0..29  2.303|2.302  0.1       2.302        0.01->0.011   0.01->0.011   0.1               0.005             0.0002            0.1
    /// cause
    /// ```
    /// ```trace
    /// sites: a b c d
    /// step   loss      accuracy   chance_loss  a/activation.std  b/activation.std  c/activation.std  d/activation.std
    /// 0..29  2.3->0.1  0.1->0.97  2.3          1                 1                 1                 1
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Use He initialization for ReLU and Glorot for the others.
    ///
    /// ## References
    /// - Glorot, Bengio, *Understanding the Difficulty of Training Deep Feedforward Neural Networks*, 2010
    pub(crate) static INIT_TOO_SMALL: CauseRule = CauseRule {
        slug: "init-too-small",
        title: "Activations or gradients vanish from step 0",
        explains: &[
            "activation-shrinking-over-depth", "gradient-vanishing-over-depth", "loss-flat", "loss-at-chance",
            "loss-still-falling",
        ],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

/// Size of a weight times the root of its inputs. Glorot gives about 1.
const GAIN: f64 = 0.3;

fn weigh(case: &Case<'_>) -> Weighing {
    let gain = clues::smallest_gain(case);
    case.weigh(UNLIKELY)
        .symptom("activation-shrinking-over-depth", 1.5)
        .symptom("gradient-vanishing-over-depth", 1.0)
        .first_symptom(&[("loss-flat", 1.0), ("loss-at-chance", 1.0), ("loss-still-falling", 0.5)])
        .when(gain.is_some_and(|(_, gain)| gain < GAIN), 2.0, || {
            Evidence::against("smallest gain of a layer at the beginning", gain.map_or(0.0, |(_, gain)| gain), GAIN)
        })
        .when(gain.is_some_and(|(_, gain)| gain >= GAIN), -2.5, || {
            Evidence::against("smallest gain of a layer at the beginning", gain.map_or(0.0, |(_, gain)| gain), GAIN)
        })
        .symptom("weight-symmetric", -2.0)
        .symptom("output-range-too-narrow", -2.0)
        .symptom("no-weight-changes", -3.0)
        .at(gain.filter(|(_, gain)| *gain < GAIN).map(|(site, _)| site))
        .unless_in_trouble(3.0)
        .done()
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::initializer(case, clues::smallest_gain(case).map(|(site, _)| case.sites.path(site)), "he_normal")]
}
