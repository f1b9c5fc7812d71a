//! Stops at the first loss that is not finite.
use super::{Action, Callback, StepReport};

/// Stops at the first loss that is NaN or infinite. The run counts as failed: it keeps its checkpoints.
#[derive(Clone, Copy, Debug, Default)]
pub struct TerminateOnNan;

impl Callback for TerminateOnNan {
    fn step_end(&mut self, step: &StepReport<'_>) -> Action {
        if step.loss.is_finite() {
            return Action::Continue;
        }
        let reason = format!("the loss is {} at step {}", step.loss, step.step);
        Action::Stop { reason, restore_best: false, failed: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stops_at_nan_and_both_infinities_and_at_nothing_else() {
        let stops = |loss| {
            let report = StepReport { step: 7, loss, ..StepReport::default() };
            matches!(TerminateOnNan.step_end(&report), Action::Stop { failed: true, .. })
        };
        assert!([f64::NAN, f64::INFINITY, f64::NEG_INFINITY].into_iter().all(stops));
        assert!(![0.0, -1.0, 1e300].into_iter().any(stops));
    }
}
