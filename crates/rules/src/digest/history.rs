//! What the epochs gave.
use barograph_vocab::{EpochRecord, Scalar};

/// The epochs of a run: the best and the latest validation, beside the training loss of the same epochs.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Epochs that ended.
    pub epochs: u64,
    /// The epoch with the lowest validation loss, and that loss.
    pub best: Option<(u32, f64)>,
    /// Training loss of the epoch with the lowest validation loss.
    pub best_training_loss: Option<f64>,
    /// The latest validation loss; may be NaN.
    pub last_validation_loss: Option<f64>,
    /// The latest mean training loss.
    pub last_training_loss: Option<f64>,
    /// The latest training accuracy.
    pub last_accuracy: Option<f64>,
    /// The latest validation accuracy.
    pub last_validation_accuracy: Option<f64>,
    /// The latest coefficient of determination on the training rows.
    pub last_r2: Option<f64>,
    /// The latest coefficient of determination on the validation rows.
    pub last_validation_r2: Option<f64>,
    /// Epochs since the lowest validation loss.
    pub since_best: u64,
}

impl History {
    pub(super) fn push(&mut self, epoch: &EpochRecord) {
        self.epochs += 1;
        let keep = |old: &mut Option<f64>, scalar| *old = epoch.scalar(scalar).or(*old);
        keep(&mut self.last_validation_loss, Scalar::ValidationLoss);
        keep(&mut self.last_training_loss, Scalar::Loss);
        keep(&mut self.last_accuracy, Scalar::Accuracy);
        keep(&mut self.last_validation_accuracy, Scalar::ValidationAccuracy);
        keep(&mut self.last_r2, Scalar::R2);
        keep(&mut self.last_validation_r2, Scalar::ValidationR2);
        // A NaN in the first epoch must never become the best.
        let loss = epoch.scalar(Scalar::ValidationLoss).filter(|loss| loss.is_finite());
        let Some(loss) = loss else { return };
        self.since_best += 1;
        if self.best.is_none_or(|(_, best)| loss < best) {
            self.best = Some((epoch.epoch, loss));
            self.best_training_loss = epoch.scalar(Scalar::Loss);
            self.since_best = 0;
        }
    }
}
