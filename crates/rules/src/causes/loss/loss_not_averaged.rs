use crate::clues::{self, UNLIKELY};
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// The gradient of a sum over n rows is n times that of their mean, and so is every step. A learning rate for means
    /// is then too high.
    ///
    /// ## How it is weighed
    /// A loss known to be summed speaks for it if steps are too long, and a first loss that is as many times that of a
    /// constant answer as the batch has rows.
    ///
    /// ## Example
    /// ```trace
    /// declared: loss_reduction=sum
    /// step  loss      r2  batch_rows  chance_loss
    /// 0..5  98=>1e30  0   4           20
    /// 6     NaN       0   4           20
    /// cause
    /// ```
    /// ```trace
    /// declared: loss_reduction=sum
    /// step   loss   r2       batch_rows  chance_loss
    /// 0..99  98->1  0->0.98  4           20
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Average the loss over the batch, or divide the learning rate by its rows.
    ///
    /// ## References
    /// - Goyal et al., *Accurate, Large Minibatch SGD*, 2017, arXiv:1706.02677
    pub(crate) static LOSS_NOT_AVERAGED: CauseRule = CauseRule {
        slug: "loss-not-averaged",
        title: "A summed loss: the gradient grows with the batch",
        explains: &[
            "loss-diverging", "loss-not-finite", "activation-not-finite", "weight-not-finite", "loss-oscillating",
            "gradient-exploding", "update-too-large",
        ],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

/// A first loss per row of about that of a constant answer. Our choice.
const NEAR: std::ops::Range<f64> = 0.3..3.0;

fn weigh(case: &Case<'_>) -> Weighing {
    let summed = case.facts.is(FactKey::LossReduction, &["sum"]);
    let averaged = case.facts.is(FactKey::LossReduction, &["mean"]);
    let rows = case.digest.batch_rows.mean().filter(|rows| *rows > 1.0);
    let share = clues::first_loss_over_chance(case).zip(rows).map(|(first, rows)| first / rows);
    case.weigh(UNLIKELY)
        .first_symptom(&[
            ("loss-diverging", 1.5),
            ("loss-not-finite", 1.5),
            ("activation-not-finite", 1.2),
            ("weight-not-finite", 1.2),
            ("loss-oscillating", 1.0),
            ("gradient-exploding", 0.7),
            ("update-too-large", 0.7),
        ])
        .when(summed, 3.0, || Evidence::plain("the loss is a sum over the batch", rows.unwrap_or_default()))
        .when(averaged, -3.0, || Evidence::plain("the loss is a mean over the batch", rows.unwrap_or_default()))
        .when(share.is_some_and(|share| NEAR.contains(&share)), 1.0, || {
            Evidence::plain("first loss per row over that of a constant answer", share.unwrap_or_default())
        })
        .symptom("bad-logarithm", -2.0)
        .symptom("inputs-not-normalized", -1.0)
        .when(clues::broke_at_once(case), -3.0, || Evidence::plain("the run broke before the first update", 0.0))
        .unless_in_trouble(4.0)
        .done()
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        remedy::choose_for_loss(case, "average the loss over the batch", "reduction", "mean"),
        remedy::scale_rate(case, 0.1),
    ]
}
