//! How much better than a constant answer the network became.
use super::Digest;

impl Digest {
    /// Accuracy of always answering the most frequent class, if the classes were counted.
    #[must_use]
    pub fn majority(&self) -> Option<f64> {
        let counts = &self.data.as_ref()?.targets.class_counts;
        let rows: f64 = counts.iter().map(|count| *count as f64).sum();
        let most = counts.iter().max().copied()?;
        (rows > 0.0).then(|| most as f64 / rows)
    }

    /// Skill on the training batches at the end of the run: 1 is perfect, 0 is as good as a constant answer, below 0 is worse.
    ///
    /// For classes, the share of what the most frequent class leaves over that is answered right; for real targets the coefficient of
    /// determination. `None` when neither was observed. It does not depend on which loss was minimized.
    #[must_use]
    pub fn skill(&self) -> Option<f64> {
        if let Some(r2) = self.late_r2.get().or(self.history.last_r2) {
            return Some(r2);
        }
        let accuracy = self.late_accuracy.get().or(self.history.last_accuracy)?;
        let majority = self.majority().unwrap_or_else(|| self.chance_accuracy());
        // With one class only there is nothing to know.
        (majority < 1.0).then(|| (accuracy - majority) / (1.0 - majority))
    }

    /// What blind guessing among equally frequent classes of this chance loss (an entropy, in nats) would answer right.
    fn chance_accuracy(&self) -> f64 {
        self.chance_loss.mean().map_or(0.5, |entropy| (-entropy).exp().clamp(0.0, 0.99))
    }
}
