use crate::clues::UNLIKELY;
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// With a momentum of m each gradient acts 1/(1-m) times. The effective step is ten times the learning rate at 0.9,
    /// a hundred times at 0.99.
    ///
    /// ## How it is weighed
    /// A momentum of at least `HIGH` speaks for it if the loss oscillates or diverges. It never trains worse by itself.
    ///
    /// ## Example
    /// ```trace
    /// declared: momentum=0.99 optimizer=sgd
    /// step     loss      accuracy  chance_loss
    /// 0..19    5.0->1.5  0.4       1.1
    /// 20..199  0.5|2.5   0.4       1.1
    /// cause
    /// ```
    /// ```trace
    /// declared: momentum=0.99 optimizer=sgd
    /// step    loss      accuracy   chance_loss
    /// 0..199  2.3->0.1  0.1->0.97  2.3
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Lower the momentum to 0.9, or the learning rate with it.
    ///
    /// ## References
    /// - Sutskever et al., *On the Importance of Initialization and Momentum in Deep Learning*, 2013
    pub(crate) static MOMENTUM_TOO_HIGH: CauseRule = CauseRule {
        slug: "momentum-too-high",
        title: "Inertia carries the weights past the minimum",
        explains: &["loss-oscillating", "loss-diverging"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

/// The usual value, which hurts only with a high learning rate.
const HIGH: f64 = 0.9;

/// Above this a gradient acts more than twenty times.
const VERY_HIGH: f64 = 0.95;

fn weigh(case: &Case<'_>) -> Weighing {
    let momentum = case.facts.number(FactKey::Momentum).filter(|_| case.facts.is(FactKey::Optimizer, &["sgd", "sgdw"]));
    case.weigh(UNLIKELY)
        .first_symptom(&[("loss-oscillating", 2.0), ("loss-diverging", 1.0)])
        .when(momentum.is_some_and(|momentum| momentum >= HIGH), 1.5, || {
            Evidence::against("momentum", momentum.unwrap_or_default(), HIGH)
        })
        .when(momentum.is_some_and(|momentum| momentum > VERY_HIGH), 1.0, || {
            Evidence::against("momentum", momentum.unwrap_or_default(), VERY_HIGH)
        })
        .when(momentum.is_none_or(|momentum| momentum < HIGH), -1.5, || {
            Evidence::plain("no high momentum is known", 0.0)
        })
        .unless_in_trouble(3.0)
        .done()
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        remedy::set("lower the momentum to 0.5", "optimizer.momentum", EditValue::Number(0.5)),
        remedy::scale_rate(case, 0.1),
    ]
}
