use crate::clues::{self, UNLIKELY};
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// Each layer multiplies the scale of what it gets. The loss starts at hundreds of times what a constant answer
    /// would have.
    ///
    /// ## How it is weighed
    /// Weights whose gain (their size times the root of their number of inputs) is above `GAIN` speak for it,
    /// activations that grow over depth, and a first loss far above chance. Inputs of a large scale do the same without
    /// it and speak against it.
    ///
    /// ## Example
    /// ```trace
    /// sites: a b c shape=a:64x500 shape=b:500x500 shape=c:500x10
    /// step   loss       accuracy  chance_loss  a/activation.std  b/activation.std  c/activation.std
    /// 0..29  9000=>360  0.1->0.9  2.3          8                 120               2600
    /// cause
    /// ```
    /// ```trace
    /// sites: a b c
    /// step   loss      accuracy   chance_loss  a/activation.std  b/activation.std  c/activation.std
    /// 0..29  2.3->0.1  0.1->0.97  2.3          1                 1                 1
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Use He initialization for ReLU and Glorot for the others.
    ///
    /// ## References
    /// - He et al., *Delving Deep into Rectifiers*, 2015, arXiv:1502.01852
    pub(crate) static INIT_TOO_LARGE: CauseRule = CauseRule {
        slug: "init-too-large",
        title: "Activations or gradients explode from step 0",
        explains: &[
            "activation-growing-over-depth", "gradient-growing-over-depth", "activation-saturated",
            "loss-not-finite", "activation-not-finite", "loss-diverging", "worse-than-neighbours", "loss-at-chance",
        ],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

/// Size of a weight times the root of its inputs. He gives 1.4; twice that doubles the scale with every layer.
const GAIN: f64 = 3.0;

/// First loss over that of a constant answer. Our choice.
const FAR: f64 = 20.0;

/// A first loss that large weights do not give. Our choice.
const NEAR: f64 = 2.0;

/// The initial weights show in the first steps.
const EARLY: u64 = 10;

fn weigh(case: &Case<'_>) -> Weighing {
    let gain = clues::largest_gain(case);
    let first = clues::first_loss_over_chance(case).filter(|_| clues::classes(case) != Some(false));
    let early = case.finding("activation-growing-over-depth").is_some_and(|finding| finding.step < EARLY);
    case.weigh(UNLIKELY)
        .symptom("activation-growing-over-depth", if early { 2.0 } else { -0.5 })
        .symptom("gradient-growing-over-depth", 0.7)
        .symptom("activation-saturated", 1.0)
        .first_symptom(&[
            ("loss-not-finite", 0.7),
            ("activation-not-finite", 0.7),
            ("loss-diverging", 0.5),
            ("worse-than-neighbours", 0.5),
        ])
        .when(gain.is_some_and(|(_, gain)| gain > GAIN), 2.5, || {
            Evidence::against("largest gain of a layer at the beginning", gain.map_or(0.0, |(_, gain)| gain), GAIN)
        })
        .when(gain.is_some_and(|(_, gain)| gain <= GAIN), -3.0, || {
            Evidence::against("largest gain of a layer at the beginning", gain.map_or(0.0, |(_, gain)| gain), GAIN)
        })
        .when(first.is_some_and(|first| first > FAR), 2.5, || {
            Evidence::against("first loss over that of a constant answer", first.unwrap_or_default(), FAR)
        })
        .when(first.is_some_and(|first| first < NEAR), -2.0, || {
            Evidence::against("first loss over that of a constant answer", first.unwrap_or_default(), NEAR)
        })
        .symptom("inputs-not-normalized", -2.0)
        .symptom("inputs-not-finite", -5.0)
        .at(gain.filter(|(_, gain)| *gain > GAIN).map(|(site, _)| site))
        .done()
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::initializer(case, clues::largest_gain(case).map(|(site, _)| case.sites.path(site)), "he_normal")]
}
