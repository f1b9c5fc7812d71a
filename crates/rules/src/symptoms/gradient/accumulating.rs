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
    /// The global norm has grown in `READINGS` steps in a row, to at least `GROWTH` times, and no single step added
    /// more than `EVEN` times the mean of what they added (an explosion adds most in its last steps).
    ///
    /// ## Example
    /// ```trace
    /// step   loss      fc1/gradient.l2
    /// 0..15  2.3->2.2  0.4->6.4
    /// finding at 8
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
    /// - PyTorch, *torch.optim.Optimizer.zero_grad*
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

/// Steps in a row. Our choice: noise alone rises eight times in a row once in 360,000.
const READINGS: u64 = 8;

/// Norm at the end of the streak over that at its beginning. A sum of nine equal gradients is nine times one; turning directions make it less.
const GROWTH: f64 = 4.0;

/// Largest increment over the mean one. Our choice.
const EVEN: f64 = 3.0;

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
        if streak < READINGS || norm < GROWTH * self.start || self.largest > EVEN * mean {
            return Verdict::Healthy;
        }
        let message = format!("the gradient norm grew evenly in {streak} steps, from {:.3} to {norm:.3}", self.start);
        GRADIENT_ACCUMULATING.found(view.step(), message).against("gradient norm", norm, GROWTH * self.start).into()
    }
}
