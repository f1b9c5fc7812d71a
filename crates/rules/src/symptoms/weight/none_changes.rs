use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds a network none of whose weights changes at all.
    ///
    /// ## Why it matters
    /// It does not learn anything, whatever the loss curve does by chance.
    ///
    /// ## How it is detected
    /// Norm and mean of every weight stay the same for the patience of `PATIENCE`, and no update that was read is other than zero.
    /// Where gradients were read and all are zero, that is the finding, and not this.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=50
    /// step   fc1/weight.l2  fc2/weight.l2
    /// 0..49  8.0            9.0
    /// finding at 10
    /// ```
    /// One layer that learns is enough:
    /// ```trace
    /// step   fc1/weight.l2  fc2/weight.l2
    /// 0..49  8.0            9.0->9.5
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Check that parameters require gradients, that the optimizer holds them, and that the learning rate is not zero.
    ///
    /// ## References
    /// - Jiang et al., *Training with Confidence* (TrainCheck), 2025
    pub(crate) static NO_WEIGHT_CHANGES: Rule = Rule {
        code: "WGT003",
        name: "no-weight-changes",
        severity: Severity::Warning,
        needs: &[Need::Reading(Role::Weight)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(NoWeightChanges::default()),
    };
}

/// Our choice.
const PATIENCE: Patience = Patience { steps: 20, share: 0.2 };

#[derive(Default)]
struct NoWeightChanges {
    /// A sum over all weights that any change of one of them changes, but for a coincidence in the last bit.
    previous: Option<(f64, f64)>,
    streak: Streak,
}

impl Watch for NoWeightChanges {
    fn see(&mut self, view: &StepView<'_>, _site: Option<SiteId>) -> Verdict {
        let mut weights = view.each(Role::Weight).peekable();
        if weights.peek().is_none() {
            return Verdict::TooEarly;
        }
        let now = weights.fold((0.0, 0.0), |(l2, mean), (_, weight)| (l2 + weight.l2, mean + weight.mean));
        let gradients = view.each(Role::Gradient).map(|(_, gradient)| gradient.abs_max).reduce(f64::max);
        let updated = view.each(Role::Update).any(|(_, update)| update.abs_max > 0.0);
        let streak = self.streak.push(self.previous.replace(now) == Some(now) && !updated && gradients != Some(0.0));
        if streak < PATIENCE.of(view.planned_steps) {
            return if streak == 0 { Verdict::Healthy } else { Verdict::TooEarly };
        }
        let message = format!("no weight changed in {streak} steps");
        NO_WEIGHT_CHANGES.found(view.step(), message).plain("steps in a row", streak as f64).into()
    }
}
