use crate::clues::{self, UNLIKELY};
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// Each sigmoid keeps at most a quarter of the gradient, and nearly nothing of it at its bounds. After a few layers
    /// the first one no longer learns.
    ///
    /// ## How it is weighed
    /// Several hidden layers that stay within the bounds of a sigmoid or tanh speak for it if the gradient vanishes
    /// over depth, or if they sit at their bounds, and the run learns little.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=100
    /// sites: a b c d
    /// step   loss         accuracy  chance_loss  a/activation.min  a/activation.max  b/activation.min  b/activation.max  c/activation.min  c/activation.max  d/activation.max  a/gradient.rms  b/gradient.rms  c/gradient.rms  d/gradient.rms
    /// 0..99  0.251|0.250  0.5       0.69         0.2               0.8               0.3               0.7               0.4               0.6               3                 1e-7            1e-5            1e-3            1e-1
    /// cause
    /// ```
    /// ```trace
    /// sites: a b c
    /// step   loss      accuracy   chance_loss  a/activation.min  a/activation.max  b/activation.min  b/activation.max  c/activation.max
    /// 0..99  2.3->0.1  0.1->0.97  2.3          -1                1                 -1                1                 3
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Replace them by ReLU with He initialization, or put normalization layers between.
    ///
    /// ## References
    /// - Glorot, Bengio, *Understanding the Difficulty of Training Deep Feedforward Neural Networks*, 2010
    pub(crate) static HIDDEN_ACTIVATION_SATURATING: CauseRule = CauseRule {
        slug: "hidden-activation-saturating",
        title: "Sigmoid or tanh layers stacked until the gradient vanishes",
        explains: &[
            "activation-saturated", "gradient-vanishing-over-depth", "loss-flat", "loss-at-chance",
            "worse-than-neighbours", "loss-still-falling",
        ],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

/// Hidden layers. One alone loses a factor of four, which every optimizer makes up for.
const SEVERAL: usize = 2;

fn weigh(case: &Case<'_>) -> Weighing {
    let bounded = clues::bounded_hidden_layers(case, -1.0, 1.0);
    let (site, _) = clues::hidden_activations(case, &["sigmoid", "tanh"]);
    case.weigh(UNLIKELY)
        .symptom("gradient-vanishing-over-depth", 2.0)
        .symptom("activation-saturated", 2.0)
        .first_symptom(&[
            ("loss-flat", 1.2),
            ("loss-at-chance", 1.2),
            ("worse-than-neighbours", 1.0),
            ("loss-still-falling", 0.8),
        ])
        .when(bounded >= SEVERAL, 1.2, || {
            Evidence::against("hidden layers within -1..1", bounded as f64, SEVERAL as f64)
        })
        .when(bounded == 0, -5.0, || Evidence::plain("no hidden layer is bounded", 0.0))
        .when(clues::hidden_softmax(case).1 > 0, -2.0, || Evidence::plain("a hidden layer has a softmax", 1.0))
        .symptom("output-range-too-narrow", -2.0)
        .symptom("output-constant", -1.0)
        .symptom("no-weight-changes", -3.0)
        .at(site)
        .unless_in_trouble(3.0)
        .done()
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::activation(case, clues::hidden_activations(case, &["sigmoid", "tanh"]).0, "relu")]
}
