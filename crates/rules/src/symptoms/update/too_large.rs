use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds weights that are replaced rather than changed by a step.
    ///
    /// ## Why it matters
    /// What was learned before is thrown away with each step; the loss cannot settle.
    ///
    /// ## How it is detected
    /// The root mean square of the update over that of the weight (biases left out) is above `RATIO` for the patience
    /// of `PATIENCE`. Healthy training is between 1e-4 and 1e-2.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=100
    /// step    fc1/weight.rms  fc1/update.rms
    /// 0..9    0.1             0.001
    /// 10..99  0.1             0.05
    /// finding at 19 fc1
    /// ```
    /// ```trace
    /// step   fc1/weight.rms  fc1/update.rms
    /// 0..99  0.1             0.001
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Lower the learning rate until the ratio is about 1e-3.
    ///
    /// ## References
    /// - Karpathy, *`CS231n`: Neural Networks Part 3*: the ratio of updates to weights should be about 1e-3
    pub(crate) static UPDATE_TOO_LARGE: Rule = Rule {
        code: "UPD001",
        name: "update-too-large",
        severity: Severity::Warning,
        needs: &[Need::Reading(Role::Update), Need::Reading(Role::Weight)],
        scope: Scope::Each(Role::Update),
        since: "0.1.0",
        watch: || Box::new(Update::default()),
    };
}

/// Update over weight. Our choice: Adam at 1e-2 on small layers moves them by a tenth, and trains.
const RATIO: f64 = 0.25;

/// Our choice.
const PATIENCE: Patience = Patience { steps: 20, share: 0.1 };

#[derive(Default)]
struct Update {
    streak: Streak,
}

impl Watch for Update {
    fn see(&mut self, view: &StepView<'_>, site: Option<SiteId>) -> Verdict {
        let Some(site) = site.filter(|site| view.is_matrix(*site)) else { return Verdict::TooEarly };
        let Some(ratio) = view.update_ratio(site) else { return Verdict::TooEarly };
        let streak = self.streak.push(ratio > RATIO);
        if streak < PATIENCE.of(view.planned_steps) {
            return if streak == 0 { Verdict::Healthy } else { Verdict::TooEarly };
        }
        let message = format!("each step changes the weight by {ratio:.1e} of its size (healthy: 1e-4 to 1e-2)");
        let draft = UPDATE_TOO_LARGE.found(view.step(), message).at(view, Some(site), Role::Update);
        draft.against("update over weight", ratio, RATIO).into()
    }
}
