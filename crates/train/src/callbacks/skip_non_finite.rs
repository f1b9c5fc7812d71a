//! A step that is not finite changes nothing.
use super::{Action, Callback, StepReport, memory};
use crate::gradient_hook::{GradientHook, Review, StepGradients};
use serde::{Deserialize, Serialize};

/// Refuses each step whose loss or gradient is not finite: neither the weights nor the optimizer nor the running statistics of a
/// normalization layer change, and the epoch's mean loss leaves it out. After too many in a row the run ends as failed.
///
/// The log and the report tell of each such step all the same.
#[derive(Clone, Debug)]
pub struct SkipNonFinite {
    limit: u64,
    memory: Memory,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Memory {
    streak: u64,
}

impl SkipNonFinite {
    /// Bears `limit` refused steps in a row; the next ends the run as failed.
    #[must_use]
    pub const fn new(limit: u64) -> Self {
        Self { limit, memory: Memory { streak: 0 } }
    }
}

impl Callback for SkipNonFinite {
    fn gradient_hook(&self) -> Option<Box<dyn GradientHook>> {
        Some(Box::new(Refuse))
    }

    fn step_end(&mut self, step: &StepReport<'_>) -> Action {
        self.memory.streak = if step.refused.is_some() { self.memory.streak + 1 } else { 0 };
        if self.memory.streak <= self.limit {
            return Action::Continue;
        }
        let streak = self.memory.streak;
        let reason = format!("{streak} steps in a row were not finite, up to step {}", step.step);
        Action::Stop { reason, restore_best: false, failed: true }
    }

    fn state(&self) -> String {
        memory::write(&self.memory)
    }

    fn restore(&mut self, state: &str) -> Result<(), String> {
        self.memory = memory::read(state)?;
        Ok(())
    }
}

/// What refuses the steps.
#[derive(Clone, Copy, Debug)]
struct Refuse;

impl GradientHook for Refuse {
    fn review(&mut self, step: &mut StepGradients) -> Review {
        if !step.loss.is_finite() {
            return Review::Refused { weight: None, reason: format!("the loss is {}", step.loss) };
        }
        match step.weights.iter().find(|weight| !weight.gradient_norm().1) {
            Some(bad) => Review::Refused { weight: Some(bad.number), reason: "a gradient is not finite".to_owned() },
            None => Review::Kept,
        }
    }

    fn copy(&self) -> Box<dyn GradientHook> {
        Box::new(*self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The step at which it ends the run; `x` is a refused step.
    fn ends_at(limit: u64, steps: &str) -> Option<usize> {
        let mut callback = SkipNonFinite::new(limit);
        steps.chars().position(|step| {
            let report = StepReport { refused: (step == 'x').then_some("the loss is NaN"), ..StepReport::default() };
            matches!(callback.step_end(&report), Action::Stop { failed: true, .. })
        })
    }

    #[test]
    fn the_run_ends_after_too_many_in_a_row() {
        assert_eq!(ends_at(2, "..xx.xx.xxx.."), Some(10));
        assert_eq!(ends_at(0, "..x"), Some(2));
        assert_eq!(ends_at(3, "xxx.xxx.xxx"), None);
    }
}
