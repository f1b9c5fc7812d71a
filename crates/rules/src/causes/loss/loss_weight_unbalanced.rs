use crate::clues::{self, UNLIKELY};
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// Several losses are added up, and one of them drowns the others, or explodes and takes the layers that they share along: what the sum
    /// learns is that one alone.
    ///
    /// ## How it is weighed
    /// An output whose gradient is a hundredth of another's and which does not learn speaks for it, and so does an output whose own loss
    /// grows by orders of magnitude while those of others do not.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=200
    /// step    loss       price/loss.mean  species/loss.mean  price/activation_gradient.l2  species/activation_gradient.l2
    /// 0..199  900->800  900->800          1.1                50                            0.01
    /// cause
    /// ```
    /// Losses of very different sizes, each of which falls:
    /// ```trace
    /// facts: steps=200
    /// step    loss      price/loss.mean  species/loss.mean  price/activation_gradient.l2  species/activation_gradient.l2
    /// 0..199  900->100  900->100         1.1->0.1           50                            0.01
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Give the output that dominates a smaller weight, or bring real targets to the scale of 1.
    ///
    /// ## References
    /// - Chen, Badrinarayanan, Lee, Rabinovich, *GradNorm: Gradient Normalization for Adaptive Loss Balancing in Deep Multitask Networks*, 2018,
    ///   arXiv:1711.02257
    pub(crate) static LOSS_WEIGHT_UNBALANCED: CauseRule = CauseRule {
        slug: "loss-weight-unbalanced",
        title: "One of several losses drowns the others",
        explains: &["outputs-unbalanced", "output-loss-exploding"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    case.weigh(UNLIKELY)
        .symptom("outputs-unbalanced", 4.5)
        .symptom("output-loss-exploding", if clues::explodes_alone(case) { 4.5 } else { 0.5 })
        .done()
}

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![
        remedy::advice(
            "give the output that dominates a smaller `weight`, so that all send back gradients of like norm",
        ),
        remedy::advice(
            "bring real targets to zero mean and unit deviation, so that no loss is large by its unit alone",
        ),
    ]
}
