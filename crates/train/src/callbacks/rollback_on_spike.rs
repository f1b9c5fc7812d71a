//! Back to good weights when the loss leaps up.
use super::spikes::Spikes;
use super::{Action, Callback, StepReport, memory};
use serde::{Deserialize, Serialize};

/// When the loss leaps up, or is not finite, brings the last good snapshot back, lowers the learning rate, and goes on with the next
/// batch, so that the batches in between are skipped (as PaLM's training did by hand: Chowdhery et al. 2022, section 5.1).
///
/// Weights, optimizer, gradient hooks and averages go back; steps are counted on. After too many rollbacks a further spike ends the run
/// as failed.
#[derive(Clone, Debug)]
pub struct RollbackOnSpike {
    factor: f64,
    limit: u64,
    memory: Memory,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Memory {
    rollbacks: u64,
    spikes: Spikes,
}

impl RollbackOnSpike {
    /// A spike is `threshold` mean deviations above the usual loss, after `warmup_steps` in which every loss moves.
    #[must_use]
    pub const fn new(threshold: f64, warmup_steps: u64) -> Self {
        Self { factor: 0.5, limit: 3, memory: Memory { rollbacks: 0, spikes: Spikes::new(threshold, warmup_steps) } }
    }

    /// What the learning rate is multiplied by at each rollback. A half unless told otherwise; 1 leaves it.
    #[must_use]
    pub const fn factor(mut self, factor: f64) -> Self {
        self.factor = factor;
        self
    }

    /// Rollbacks of a run; the spike after them ends it as failed. 3 unless told otherwise.
    #[must_use]
    pub const fn limit(mut self, limit: u64) -> Self {
        self.limit = limit;
        self
    }
}

impl Callback for RollbackOnSpike {
    fn wants_snapshots(&self) -> bool {
        true
    }

    fn step_end(&mut self, step: &StepReport<'_>) -> Action {
        let level = self.memory.spikes.level();
        if step.refused.is_some() || !self.memory.spikes.see(step.loss) {
            return Action::Continue;
        }
        let reason = format!("the loss leapt from about {level:.4} to {:.4} at step {}", step.loss, step.step);
        if self.memory.rollbacks == self.limit {
            let reason = format!("{reason}, after {} rollbacks", self.limit);
            return Action::Stop { reason, restore_best: false, failed: true };
        }
        self.memory.rollbacks += 1;
        let mut actions = vec![Action::RollBack { reason }];
        if self.factor != 1.0 {
            actions.push(Action::ScaleLearningRate { factor: self.factor, floor: 0.0 });
        }
        Action::All(actions)
    }

    fn state(&self) -> String {
        memory::write(&self.memory)
    }

    fn restore(&mut self, state: &str) -> Result<(), String> {
        self.memory = memory::read(state)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_spike_rolls_back_and_cuts_the_rate_until_the_cap_ends_the_run() {
        let mut callback = RollbackOnSpike::new(10.0, 20).limit(2);
        let mut at = |step: u64| {
            let loss = if step >= 30 && step.is_multiple_of(5) { f64::NAN } else { 1.0 };
            callback.step_end(&StepReport { step, loss, ..StepReport::default() })
        };
        let actions: Vec<Action> = (0..45).map(&mut at).collect();
        for spike in [30, 35] {
            let Action::All(all) = &actions[spike] else { panic!("{:?}", actions[spike]) };
            assert!(matches!(&all[0], Action::RollBack { reason } if reason.contains(&spike.to_string())));
            assert_eq!(all[1], Action::ScaleLearningRate { factor: 0.5, floor: 0.0 });
        }
        assert!(matches!(&actions[40], Action::Stop { failed: true, reason, .. } if reason.contains("2 rollbacks")));
        assert_eq!(actions.iter().filter(|action| **action != Action::Continue).count(), 3);
    }

    #[test]
    fn a_step_that_was_refused_changed_nothing_and_needs_no_rollback() {
        let mut callback = RollbackOnSpike::new(10.0, 20);
        let refused = StepReport { loss: f64::NAN, refused: Some("the loss is NaN"), ..StepReport::default() };
        assert_eq!(callback.step_end(&refused), Action::Continue);
    }
}
