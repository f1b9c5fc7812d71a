use crate::figure::figure;
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds a validation loss that has turned and climbs while the training loss still falls.
    ///
    /// ## Why it matters
    /// The network memorizes its examples. The weights of the best epoch are better than the last ones.
    ///
    /// ## How it is detected
    /// For at least `EPOCHS` epochs and `SHARE` of all epochs the validation loss has not improved, it is `RISE` times
    /// its best by now, the training loss has fallen on since, and (where accuracies are known) the validation accuracy
    /// is `GAP` below that of training.
    ///
    /// ## Example
    /// ```trace
    /// epoch   loss       validation_loss  accuracy  validation_accuracy
    /// 0..9    1.0->0.3   1.0->0.6         0.6->0.9  0.6->0.75
    /// 10..29  0.3->0.01  0.6->2.0         0.9->1.0  0.75->0.70
    /// finding at 0
    /// ```
    /// A validation loss that stays level is the common case:
    /// ```trace
    /// epoch   loss      validation_loss
    /// 0..9    1.0->0.3  1.0->0.6
    /// 10..29  0.3->0.2  0.6->0.65
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Stop early and keep the weights of the best epoch; add weight decay, dropout or data.
    ///
    /// ## References
    /// - Prechelt, *Early Stopping - But When?*, 1998
    pub(crate) static VALIDATION_GAP: Rule = Rule {
        code: "LOS009",
        name: "validation-gap",
        severity: Severity::Warning,
        needs: &[Need::Epoch(Scalar::ValidationLoss)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(ValidationGap),
    };
}

/// Epochs without an improvement. Our choice.
const EPOCHS: u64 = 5;

/// The same as a share of all epochs. Our choice.
const SHARE: f64 = 0.3;

/// Times the best validation loss. Our choice: well above the usual wobble.
const RISE: f64 = 1.5;

/// Accuracy lost between training and validation. Our choice.
const GAP: f64 = 0.1;

struct ValidationGap;

impl Watch for ValidationGap {
    fn finish(&mut self, run: &RunView<'_>, _site: Option<SiteId>) -> Verdict {
        let history = &run.digest.history;
        let (Some((epoch, best)), Some(last)) = (history.best, history.last_validation_loss) else {
            return Verdict::TooEarly;
        };
        let fell_on = match (history.best_training_loss, history.last_training_loss) {
            (Some(then), Some(now)) => now < then,
            _ => return Verdict::TooEarly,
        };
        let gap = history.last_accuracy.zip(history.last_validation_accuracy).map(|(train, valid)| train - valid);
        let late = history.since_best >= EPOCHS && history.since_best as f64 >= SHARE * history.epochs as f64;
        if !late || !fell_on || last < RISE * best || gap.is_some_and(|gap| gap < GAP) {
            return Verdict::Healthy;
        }
        let message =
            format!("the validation loss was best in epoch {epoch} ({}) and is {} now", figure(best), figure(last));
        VALIDATION_GAP.found(run.last_step, message).against("validation loss", last, RISE * best).into()
    }
}
