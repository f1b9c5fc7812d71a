//! Writes the model after an epoch.
use super::monitor::Best;
use super::{Action, Callback};
use crate::recipe::Watch;
use barograph_vocab::{EpochRecord, Scalar};

/// Writes the model as safetensors every so many epochs, or at each improvement, and keeps the last few.
///
/// The last healthy checkpoint (written after an epoch whose losses were all finite) is never deleted.
#[derive(Clone, Debug)]
pub struct ModelCheckpoint {
    best: Best,
    every: u64,
    best_only: bool,
    keep_last: u64,
    kept: Vec<Kept>,
}

#[derive(Clone, Debug)]
struct Kept {
    file: String,
    healthy: bool,
}

impl ModelCheckpoint {
    /// Keeps the last `keep_last` checkpoints (at least one).
    #[must_use]
    pub fn new(watch: Watch, keep_last: u64) -> Self {
        Self { best: Best::new(watch), every: 1, best_only: false, keep_last: keep_last.max(1), kept: Vec::new() }
    }

    /// Epochs between two checkpoints.
    #[must_use]
    pub fn every(mut self, epochs: u64) -> Self {
        self.every = epochs.max(1);
        self
    }

    /// Only when the monitored number is the best so far.
    #[must_use]
    pub const fn best_only(mut self, best_only: bool) -> Self {
        self.best_only = best_only;
        self
    }

    /// Drops all but the last few from the list, and never the last healthy one. Returns their files.
    fn rotate(&mut self) -> Vec<String> {
        let last_healthy = self.kept.iter().rposition(|kept| kept.healthy);
        let first_kept = self.kept.len().saturating_sub(self.keep_last as usize);
        let (mut number, mut removed) = (0, Vec::new());
        self.kept.retain(|kept| {
            let keep = number >= first_kept || last_healthy == Some(number);
            number += 1;
            if !keep {
                removed.push(kept.file.clone());
            }
            keep
        });
        removed
    }
}

impl Callback for ModelCheckpoint {
    fn epoch_end(&mut self, epoch: &EpochRecord) -> Action {
        let improves = self.best.improves(epoch);
        let due = (u64::from(epoch.epoch) + 1).is_multiple_of(self.every);
        if !due || (self.best_only && !improves) {
            return Action::Continue;
        }
        let file = format!("epoch-{:04}.safetensors", epoch.epoch + 1);
        let losses = [Scalar::Loss, Scalar::ValidationLoss].into_iter().filter_map(|scalar| epoch.scalar(scalar));
        let healthy = losses.into_iter().all(f64::is_finite);
        self.kept.push(Kept { file: file.clone(), healthy });
        Action::Checkpoint { file, remove: self.rotate() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callbacks::tests::{epoch, watch};
    use crate::recipe::Monitor;
    use std::collections::BTreeSet;

    /// The files left after these losses.
    fn left(mut callback: ModelCheckpoint, losses: &[f64]) -> Vec<String> {
        let mut files = BTreeSet::new();
        for (number, &loss) in losses.iter().enumerate() {
            if let Action::Checkpoint { file, remove } = callback.epoch_end(&epoch(number as u32, loss)) {
                files.insert(file);
                for file in &remove {
                    assert!(files.remove(file));
                }
            }
        }
        files.into_iter().collect()
    }

    #[test]
    fn the_last_few_are_kept() {
        let files = left(ModelCheckpoint::new(watch(Monitor::Loss), 2), &[4.0, 3.0, 2.0, 1.0]);
        assert_eq!(files, ["epoch-0003.safetensors", "epoch-0004.safetensors"]);
    }

    #[test]
    fn the_last_healthy_one_outlives_a_run_gone_bad() {
        let files =
            left(ModelCheckpoint::new(watch(Monitor::Loss), 2), &[4.0, 3.0, f64::NAN, f64::NAN, f64::NAN, f64::NAN]);
        assert_eq!(files, ["epoch-0002.safetensors", "epoch-0005.safetensors", "epoch-0006.safetensors"]);
    }

    #[test]
    fn best_only_writes_at_improvements_and_every_at_multiples() {
        let best = left(ModelCheckpoint::new(watch(Monitor::Loss), 9).best_only(true), &[4.0, 5.0, f64::NAN, 3.0]);
        assert_eq!(best, ["epoch-0001.safetensors", "epoch-0004.safetensors"]);
        let every = left(ModelCheckpoint::new(watch(Monitor::Loss), 9).every(2), &[4.0, 5.0, 1.0, 3.0]);
        assert_eq!(every, ["epoch-0002.safetensors", "epoch-0004.safetensors"]);
    }
}
