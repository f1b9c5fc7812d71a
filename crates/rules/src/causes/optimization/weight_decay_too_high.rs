use crate::clues::UNLIKELY;
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// The penalty pulls the weights to zero faster than the data push them away.
    ///
    /// ## How it is weighed
    /// Weights that shrink to less than `SHRUNK` of their size in a run that stays poor speak for it, the more so if a
    /// large coefficient is known.
    ///
    /// ## Example
    /// ```trace
    /// declared: weight_decay=0.5
    /// step    loss      accuracy  chance_loss  fc1/weight.rms  fc1/update.rms  fc2/weight.rms
    /// 0..199  2.4->2.3  0.1       2.3          0.1=>0.001      0.001=>0.00001  0.1=>0.001
    /// cause
    /// ```
    /// ```trace
    /// step    loss      accuracy   chance_loss  fc1/weight.rms
    /// 0..199  2.3->0.1  0.1->0.97  2.3          0.1->0.09
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Lower weight decay or the L2 penalty to 1e-4 or less.
    ///
    /// ## References
    /// - Loshchilov, Hutter, *Decoupled Weight Decay Regularization*, 2019, arXiv:1711.05101
    pub(crate) static WEIGHT_DECAY_TOO_HIGH: CauseRule = CauseRule {
        slug: "weight-decay-too-high",
        title: "Regularization outweighs the data",
        explains: &["loss-flat", "loss-at-chance", "worse-than-neighbours"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

/// Size of the weight that shrank least, over its initial size. Our choice.
const SHRUNK: f64 = 0.2;

/// A coefficient that is seldom right. Our choice.
const LARGE: f64 = 0.01;

fn weigh(case: &Case<'_>) -> Weighing {
    let weights = || case.digest.each(Role::Weight).filter(|(site, _)| case.is_matrix(*site));
    let shrunk = weights().filter_map(|(_, weight)| Some(weight.rms.late()? / weight.rms.first)).reduce(f64::max);
    let penalties = [FactKey::WeightDecay, FactKey::L2, FactKey::L1];
    let penalty = penalties.into_iter().filter_map(|key| case.facts.number(key)).reduce(f64::max);
    case.weigh(UNLIKELY)
        .first_symptom(&[("loss-at-chance", 1.0), ("loss-flat", 1.0), ("worse-than-neighbours", 1.0)])
        .when(shrunk.is_some_and(|shrunk| shrunk < SHRUNK), 3.0, || {
            Evidence::against(
                "size of the weights at the end over that at the beginning",
                shrunk.unwrap_or_default(),
                SHRUNK,
            )
        })
        .when(penalty.is_some_and(|penalty| penalty >= LARGE), 1.0, || {
            Evidence::against("coefficient of the penalty", penalty.unwrap_or_default(), LARGE)
        })
        .when(penalty == Some(0.0), -2.0, || Evidence::plain("there is no penalty", 0.0))
        .unless_in_trouble(3.0)
        .done()
}

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::set("lower weight decay to 1e-4", "optimizer.weight_decay", EditValue::Number(1e-4))]
}
