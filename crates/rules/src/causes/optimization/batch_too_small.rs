use crate::clues::UNLIKELY;
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// The gradient of a few rows is mostly noise; with a learning rate for large batches the noise wins.
    ///
    /// ## How it is weighed
    /// An oscillating loss with batches of at most `FEW` rows speaks for it.
    ///
    /// ## Example
    /// ```trace
    /// step     loss      accuracy  chance_loss  batch_rows
    /// 0..19    5.0->1.5  0.4       1.1          2
    /// 20..199  0.5|2.5   0.4       1.1          2
    /// cause
    /// ```
    /// ```trace
    /// step    loss     accuracy  chance_loss  batch_rows
    /// 0..199  1.2|0.1  0.95      1.1          1
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Take 32 rows or more, or lower the learning rate in proportion.
    ///
    /// ## References
    /// - Goyal et al., *Accurate, Large Minibatch SGD*, 2017, arXiv:1706.02677
    pub(crate) static BATCH_TOO_SMALL: CauseRule = CauseRule {
        slug: "batch-too-small",
        title: "Batches are too small to point anywhere",
        explains: &["loss-oscillating"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

/// Rows. Our choice.
const FEW: f64 = 4.0;

fn weigh(case: &Case<'_>) -> Weighing {
    let rows = case.digest.batch_rows.mean();
    case.weigh(UNLIKELY)
        .symptom("loss-oscillating", 2.0)
        .when(rows.is_some_and(|rows| rows <= FEW), 1.8, || {
            Evidence::against("rows of a batch", rows.unwrap_or_default(), FEW)
        })
        .when(rows.is_none_or(|rows| rows > FEW), -2.0, || Evidence::plain("no small batches are known", 0.0))
        .done()
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::set("take batches of 32 rows", "batch", EditValue::Number(32.0)), remedy::scale_rate(case, 0.1)]
}
