use crate::clues::UNLIKELY;
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// The training loss falls on while the validation loss climbs: what is learned now does not hold for other rows.
    ///
    /// ## How it is weighed
    /// A validation loss well above its best, for a good part of the run, speaks for it; targets that have nothing to
    /// do with the inputs speak against it.
    ///
    /// ## Example
    /// ```trace
    /// epoch   loss       validation_loss  accuracy  validation_accuracy
    /// 0..9    1.0->0.3   1.0->0.6         0.6->0.9  0.6->0.75
    /// 10..29  0.3->0.01  0.6->2.0         0.9->1.0  0.75->0.70
    /// cause
    /// ```
    /// ```trace
    /// epoch   loss      validation_loss
    /// 0..9    1.0->0.3  1.0->0.6
    /// 10..29  0.3->0.2  0.6->0.65
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Stop at the best epoch; add data, dropout or weight decay.
    ///
    /// ## References
    /// - Prechelt, *Early Stopping - But When?*, 1998
    pub(crate) static OVERFITTING: CauseRule = CauseRule {
        slug: "overfitting",
        title: "The network memorizes its examples",
        explains: &["validation-gap"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    case.weigh(UNLIKELY).symptom("validation-gap", 4.0).symptom("targets-unrelated", -2.0).done()
}

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![
        remedy::advice("stop at the epoch with the lowest validation loss and keep its weights"),
        remedy::set("add weight decay of 1e-2", "optimizer.weight_decay", EditValue::Number(0.01)),
    ]
}
