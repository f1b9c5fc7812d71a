use crate::figure::figure;
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds a gradient norm that grows by about the same amount with every step.
    ///
    /// ## Why it matters
    /// That is what a sum looks like: gradients of earlier steps were not reset and add up. The direction becomes stale
    /// and the step ever longer.
    ///
    /// ## How it is detected
    /// Within the first `BEGINNING` steps, the global norm has grown in `READINGS` steps in a row, each of which added at least `PACE` of what it was at first on average,
    /// and none more than `EVEN` times the mean (an explosion adds most in its last steps).
    ///
    /// ## Example
    /// ```trace
    /// step   loss      fc1/gradient.l2
    /// 0..15  2.3->2.2  0.4->6.4
    /// finding at 6
    /// ```
    /// Gradients of single batches go up and down:
    /// ```trace
    /// step   loss      fc1/gradient.l2
    /// 0..99  2.3->0.5  0.5|0.4
    /// healthy
    /// ```
    /// An explosion is not even:
    /// ```trace
    /// step   loss    fc1/gradient.l2
    /// 0..15  2.3->9  0.4=>4000
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Reset the gradients before each backward pass: `optimizer.zero_grad()`.
    ///
    /// ## References
    /// - PyTorch, `torch.optim.Optimizer.zero_grad`
    pub(crate) static GRADIENT_ACCUMULATING: Rule = Rule {
        code: "GRD006",
        name: "gradient-accumulating",
        severity: Severity::Warning,
        needs: &[Need::Reading(Role::Gradient)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(GradientAccumulating::default()),
    };
}

/// Steps in a row. Our choice: noise alone rises six times in a row once in 5,000, and by far less.
const READINGS: u64 = 6;

/// What each step adds, as a share of the norm at the beginning of the streak. A sum of equal gradients adds 1; turning directions make
/// it less, and a slow explosion stays below.
const PACE: f64 = 0.4;

/// Steps from the beginning in which it shows: sums grow evenly until the weights have moved. Later on, chance has too many tries.
const BEGINNING: u64 = 50;

/// Largest increment over the mean one. Our choice.
const EVEN: f64 = 2.5;

#[derive(Default)]
struct GradientAccumulating {
    previous: Option<f64>,
    streak: Streak,
    start: f64,
    largest: f64,
}

impl Watch for GradientAccumulating {
    fn see(&mut self, view: &StepView<'_>, _site: Option<SiteId>) -> Verdict {
        let Some(norm) = view.gradient_norm() else { return Verdict::TooEarly };
        let Some(previous) = self.previous.replace(norm) else { return Verdict::TooEarly };
        let streak = self.streak.push(norm > previous);
        if streak <= 1 {
            (self.start, self.largest) = (previous, 0.0);
        }
        self.largest = self.largest.max(norm - previous);
        let mean = (norm - self.start) / streak.max(1) as f64;
        let limit = PACE * self.start;
        if view.step() > BEGINNING || streak < READINGS || mean < limit || self.largest > EVEN * mean {
            return Verdict::Healthy;
        }
        let message =
            format!("the gradient norm grew evenly in {streak} steps, from {} to {}", figure(self.start), figure(norm));
        GRADIENT_ACCUMULATING.found(view.step(), message).against("norm that each step adds", mean, limit).into()
    }
}
