use crate::clues::UNLIKELY;
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// The limit lies far below the usual gradient norm, so that each step has the same short length.
    ///
    /// ## How it is weighed
    /// Clipping at every step speaks for it if training is slow: a loss that is flat or still falling.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=300 clip_norm=0.001
    /// step    loss      accuracy  chance_loss  clipped  gradient_norm
    /// 0..299  2.4->2.2  0.1       2.3          1        2.0
    /// cause
    /// ```
    /// ```trace
    /// facts: steps=300
    /// step    loss      accuracy   chance_loss  clipped  gradient_norm
    /// 0..299  2.3->0.1  0.1->0.97  2.3          1        2.0
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Raise the limit above the usual gradient norm, or raise the learning rate with it.
    ///
    /// ## References
    /// - Pascanu, Mikolov, Bengio, *On the Difficulty of Training Recurrent Neural Networks*, 2013, arXiv:1211.5063
    pub(crate) static GRADIENT_CLIP_TOO_TIGHT: CauseRule = CauseRule {
        slug: "gradient-clip-too-tight",
        title: "Every step is cut short by the clipping limit",
        explains: &["always-clipped", "loss-still-falling", "loss-flat", "loss-at-chance"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

/// Mean norm over the limit. Our choice.
const TIGHT: f64 = 10.0;

fn weigh(case: &Case<'_>) -> Weighing {
    let norm = case.digest.gradient_norm.mean(0.0, 1.0);
    let limit = case.facts.number(FactKey::ClipNorm);
    let tight = norm.zip(limit).map(|(norm, limit)| norm / limit);
    case.weigh(UNLIKELY)
        .symptom("always-clipped", 2.0)
        .first_symptom(&[("loss-still-falling", 2.0), ("loss-flat", 1.5), ("loss-at-chance", 1.0)])
        .when(tight.is_some_and(|tight| tight > TIGHT), 1.5, || {
            Evidence::against("gradient norm over the limit", tight.unwrap_or_default(), TIGHT)
        })
        .when(!case.has("always-clipped"), -3.0, || Evidence::plain("most steps are not clipped", 0.0))
        .unless_in_trouble(3.0)
        .done()
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::clip(5.0), remedy::scale_rate(case, 10.0)]
}
