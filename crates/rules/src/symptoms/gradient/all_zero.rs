use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds a weight whose gradient is exactly zero, step after step.
    ///
    /// ## Why it matters
    /// It does not learn. Something between it and the loss has no derivative: units that are all dead, an output that
    /// is constant, a `detach`, a rounding.
    ///
    /// ## How it is detected
    /// Every element of the gradient of a weight (biases left out) is zero for the patience of `PATIENCE`.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=50
    /// step   fc1/gradient.l2  fc2/gradient.l2
    /// 0..4   0.3              0.3
    /// 5..49  0                0.2
    /// finding at 14 fc1
    /// ```
    /// ```trace
    /// step   fc1/gradient.l2
    /// 0..49  1e-12
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Follow the graph from this layer to the loss: a dead layer, a constant output or a detached tensor is on the
    /// way.
    ///
    /// ## References
    /// - Lu et al., *Dying ReLU and Initialization*, 2019, arXiv:1903.06733
    pub(crate) static GRADIENT_ALL_ZERO: Rule = Rule {
        code: "GRD005",
        name: "gradient-all-zero",
        severity: Severity::Warning,
        needs: &[Need::Reading(Role::Gradient)],
        scope: Scope::Each(Role::Gradient),
        since: "0.1.0",
        watch: || Box::new(GradientAllZero::default()),
    };
}

/// Our choice.
const PATIENCE: Patience = Patience { steps: 20, share: 0.2 };

#[derive(Default)]
struct GradientAllZero {
    streak: Streak,
}

impl Watch for GradientAllZero {
    fn see(&mut self, view: &StepView<'_>, site: Option<SiteId>) -> Verdict {
        let Some(site) = site.filter(|site| view.is_matrix(*site)) else { return Verdict::TooEarly };
        let Some(gradient) = view.reading(site, Role::Gradient) else { return Verdict::TooEarly };
        let streak = self.streak.push(gradient.abs_max == 0.0 && gradient.l2 == 0.0);
        if streak < PATIENCE.of(view.planned_steps) {
            return if streak == 0 { Verdict::Healthy } else { Verdict::TooEarly };
        }
        let message = format!("the gradient was exactly zero in {streak} steps in a row");
        let draft = GRADIENT_ALL_ZERO.found(view.step(), message).at(view, Some(site), Role::Gradient);
        draft.plain("steps in a row", streak as f64).into()
    }
}
