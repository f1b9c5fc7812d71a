use crate::clues::{self, UNLIKELY};
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// Every layer changes the size of signal and gradient by a factor near 1. Over many layers with no way around them the
    /// product is far from 1, and one end of the network does not learn.
    ///
    /// ## How it is weighed
    /// A size that changes by the same factor with each of many layers speaks for it if the run learns little. Layers that
    /// saturate, initial weights that are too large or too small, and normalization layers speak against it: the first three are causes
    /// of their own.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=50
    /// sites: a b c d e f g h i j
    /// step   loss       accuracy  chance_loss  a/gradient.rms  b/gradient.rms  c/gradient.rms  d/gradient.rms  e/gradient.rms  f/gradient.rms  g/gradient.rms  h/gradient.rms  i/gradient.rms  j/gradient.rms  i/activation.max  j/activation.max
    /// 0..49  2.31|2.30  0.1       2.3          1e-6            3e-6            9e-6            3e-5            9e-5            3e-4            9e-4            3e-3            9e-3            3e-2            9                 3
    /// cause
    /// ```
    /// ```trace
    /// facts: steps=50
    /// sites: a b c d e f g h i j
    /// step   loss      accuracy   chance_loss  a/gradient.rms  b/gradient.rms  c/gradient.rms  d/gradient.rms  e/gradient.rms  f/gradient.rms  g/gradient.rms  h/gradient.rms  i/gradient.rms  j/gradient.rms
    /// 0..49  2.3->0.1  0.1->0.97  2.3          1e-6            3e-6            9e-6            3e-5            9e-5            3e-4            9e-4            3e-3            9e-3            3e-2
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Lead skip connections around every two layers, or put normalization layers between them.
    ///
    /// ## References
    /// - He et al., *Deep Residual Learning for Image Recognition*, 2016, arXiv:1512.03385
    pub(crate) static TOO_DEEP_WITHOUT_SKIP: CauseRule = CauseRule {
        slug: "too-deep-without-skip",
        title: "The gradient decays or grows geometrically with depth",
        explains: &["geometric-over-depth", "gradient-vanishing-over-depth", "gradient-growing-over-depth"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

/// Gains of initial weights that let a signal pass: Glorot gives about 1 and He 1.4.
const SANE: std::ops::RangeInclusive<f64> = 0.3..=3.0;

/// Hidden layers that saturate. One alone is no stack.
const SEVERAL: usize = 2;

fn weigh(case: &Case<'_>) -> Weighing {
    let gains = [clues::smallest_gain(case), clues::largest_gain(case)].into_iter().flatten();
    let odd_gain = gains.map(|(_, gain)| gain).find(|gain| !SANE.contains(gain));
    let bounded = clues::bounded_hidden_layers(case, -1.0, 1.0);
    let normalized = clues::layers_of_kind(case, clues::is_normalization).count();
    case.weigh(UNLIKELY)
        .symptom("geometric-over-depth", 3.5)
        .first_symptom(&[
            ("loss-at-chance", 1.2),
            ("loss-flat", 1.2),
            ("loss-diverging", 0.7),
            ("loss-not-finite", 0.7),
            ("worse-than-neighbours", 1.0),
            ("loss-still-falling", 0.7),
        ])
        .when(!case.has("geometric-over-depth"), -6.0, || Evidence::plain("no size is geometric in depth", 0.0))
        .when(bounded >= SEVERAL && !clues::none_saturates(case), -2.5, || {
            Evidence::plain("hidden layers within -1..1", bounded as f64)
        })
        .given(odd_gain.map(|gain| Evidence::plain("gain of a layer at the beginning", gain)), -2.5)
        .when(normalized > 0, -2.0, || Evidence::plain("normalization layers", normalized as f64))
        .symptom("weight-symmetric", -3.0)
        .symptom("weight-zero", -3.0)
        .symptom("inputs-not-finite", -4.0)
        .symptom("no-weight-changes", -3.0)
        .unless_in_trouble(4.0)
        .done()
}

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![
        remedy::advice("lead skip connections around every two layers"),
        remedy::advice("put normalization layers between the layers, or use fewer of them"),
    ]
}
