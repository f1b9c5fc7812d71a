use crate::clues::{self, UNLIKELY};
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// In the first steps the optimizer's averages hold next to nothing, and steps of full length go anywhere. A learning rate that is right
    /// later on is too high then.
    ///
    /// ## How it is weighed
    /// A loss that leaps in the first steps only speaks for it if the run never makes up for it, the more so with an adaptive optimizer or
    /// momentum and a learning rate that is at its full height from step 0. A run that recovers is healthy.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=200 optimizer=adam
    /// step    loss      accuracy  chance_loss  learning_rate
    /// 0       2.4       0.1       2.3          0.01
    /// 1..5    60        0.1       2.3          0.01
    /// 6..199  2.31|2.30 0.1       2.3          0.01
    /// cause
    /// ```
    /// ```trace
    /// facts: steps=200 optimizer=adam
    /// step    loss      accuracy   chance_loss  learning_rate
    /// 0       2.4       0.1        2.3          0.01
    /// 1..5    60        0.1        2.3          0.01
    /// 6..199  2.3->0.1  0.1->0.97  2.3          0.01
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Raise the learning rate from zero over the first hundred steps or more.
    ///
    /// ## References
    /// - Goyal et al., *Accurate, Large Minibatch SGD*, 2017, section 2.2, arXiv:1706.02677
    /// - Liu et al., *On the Variance of the Adaptive Learning Rate and Beyond*, 2020, arXiv:1908.03265
    pub(crate) static MISSING_WARMUP: CauseRule = CauseRule {
        slug: "missing-warmup",
        title: "Diverges in the first steps only",
        explains: &["loss-rough-start"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

/// First learning rate over the largest, below which there is a warm-up. Our choice.
const WARMED: f64 = 0.5;

/// A momentum that carries the first steps on. Our choice.
const INERT: f64 = 0.8;

fn weigh(case: &Case<'_>) -> Weighing {
    let rate = &case.digest.learning_rate;
    let start = (rate.seen() > 0 && rate.max > 0.0).then(|| rate.first / rate.max);
    let adaptive = clues::is_adaptive(case) == Some(true);
    let momentum = case.facts.number(FactKey::Momentum).filter(|momentum| *momentum >= INERT);
    case.weigh(UNLIKELY)
        .symptom("loss-rough-start", 2.5)
        .first_symptom(&[
            ("loss-at-chance", 1.2),
            ("loss-flat", 1.2),
            ("worse-than-neighbours", 1.0),
            ("loss-still-falling", 0.5),
        ])
        .when(adaptive || momentum.is_some(), 1.0, || {
            Evidence::plain("the optimizer averages over gradients of which there are none at first", 1.0)
        })
        .when(!adaptive && momentum.is_none(), -2.0, || {
            Evidence::plain("the optimizer is not known to average over gradients", 0.0)
        })
        .when(start.is_some_and(|start| start >= WARMED), 0.7, || {
            Evidence::plain("first learning rate over the largest", start.unwrap_or_default())
        })
        .when(start.is_some_and(|start| start < WARMED), -4.0, || {
            Evidence::against("first learning rate over the largest", start.unwrap_or_default(), WARMED)
        })
        .when(!case.has("loss-rough-start"), -6.0, || Evidence::plain("the first steps are not rough", 0.0))
        .symptom("loss-diverging", -2.0)
        .symptom("loss-oscillating", -2.0)
        .symptom("inputs-not-normalized", -2.0)
        .symptom("activation-growing-over-depth", -1.0)
        .unless_in_trouble(5.0)
        .done()
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        remedy::advice("raise the learning rate from zero over the first hundred steps or more (warm-up)"),
        remedy::clip(1.0),
        remedy::scale_rate(case, 0.1),
    ]
}
