use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds weights that are changed so little by a step that the whole run cannot move them.
    ///
    /// ## Why it matters
    /// Training stands still while it seems to run; rounding may even swallow the updates.
    ///
    /// ## How it is detected
    /// The root mean square of the update over that of the weight (biases left out) is below `RATIO` for the patience
    /// of `PATIENCE`. Healthy training is between 1e-4 and 1e-2. Updates of exactly zero are another matter.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=100
    /// step   fc1/weight.rms  fc1/update.rms
    /// 0..99  0.1             1e-8
    /// finding at 29 fc1
    /// ```
    /// ```trace
    /// step   fc1/weight.rms  fc1/update.rms
    /// 0..99  0.1             1e-5
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Raise the learning rate until the ratio is about 1e-3.
    ///
    /// ## References
    /// - Karpathy, *`CS231n`: Neural Networks Part 3*: the ratio of updates to weights should be about 1e-3
    pub(crate) static UPDATE_TOO_SMALL: Rule = Rule {
        code: "UPD002",
        name: "update-too-small",
        severity: Severity::Warning,
        needs: &[Need::Reading(Role::Update), Need::Reading(Role::Weight)],
        scope: Scope::Each(Role::Update),
        since: "0.1.0",
        watch: || Box::new(Update::default()),
    };
}

/// Update over weight. Our choice: at this pace a run of 10,000 steps changes a weight by 1% at most.
const RATIO: f64 = 1e-6;

/// Our choice.
const PATIENCE: Patience = Patience { steps: 100, share: 0.3 };

#[derive(Default)]
struct Update {
    streak: Streak,
}

impl Watch for Update {
    fn see(&mut self, view: &StepView<'_>, site: Option<SiteId>) -> Verdict {
        let Some(site) = site.filter(|site| view.is_matrix(*site)) else { return Verdict::TooEarly };
        let Some(ratio) = view.update_ratio(site) else { return Verdict::TooEarly };
        let streak = self.streak.push(ratio > 0.0 && ratio < RATIO);
        if streak < PATIENCE.of(view.planned_steps) {
            return if streak == 0 { Verdict::Healthy } else { Verdict::TooEarly };
        }
        let message = format!("each step changes the weight by {ratio:.1e} of its size (healthy: 1e-4 to 1e-2)");
        let draft = UPDATE_TOO_SMALL.found(view.step(), message).at(view, Some(site), Role::Update);
        draft.against("update over weight", ratio, RATIO).into()
    }
}
