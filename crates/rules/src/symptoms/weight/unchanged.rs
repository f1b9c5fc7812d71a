use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds a weight that keeps every bit of its value although it has a gradient.
    ///
    /// ## Why it matters
    /// The optimizer does not have it: it was built over other tensors, or before this layer existed. Or the learning
    /// rate is zero.
    ///
    /// ## How it is detected
    /// Norm, mean and extremes of a weight (biases left out) stay the same for the patience of `PATIENCE`, and no update
    /// was read, while the norm of its gradient is above `STIR` of its own. A weight without a gradient is frozen on
    /// purpose more often than not, and is left alone here.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=50
    /// step   fc1/weight.l2  fc1/gradient.l2  fc2/weight.l2  fc2/gradient.l2
    /// 0..49  8.0            0.3              8.0->9.0       0.3
    /// finding at 10 fc1
    /// ```
    /// Frozen, without a gradient:
    /// ```trace
    /// step   fc1/weight.l2  fc2/weight.l2  fc2/gradient.l2
    /// 0..49  8.0            8.0->9.0       0.3
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Build the optimizer from the parameters of the model that is trained, after all its layers exist.
    ///
    /// ## References
    /// - Jiang et al., *Training with Confidence: Catching Silent Errors in Deep Learning Training with Automated
    ///   Proactive Checks* (TrainCheck), 2025
    pub(crate) static WEIGHT_UNCHANGED: Rule = Rule {
        code: "WGT002",
        name: "weight-unchanged",
        severity: Severity::Warning,
        needs: &[Need::Reading(Role::Weight), Need::Reading(Role::Gradient)],
        scope: Scope::Each(Role::Weight),
        since: "0.1.0",
        watch: || Box::new(WeightUnchanged::default()),
    };
}

/// Gradient over weight below which an update may be lost in rounding: `f32` keeps seven digits. Our choice.
const STIR: f64 = 1e-5;

/// Our choice.
const PATIENCE: Patience = Patience { steps: 20, share: 0.2 };

#[derive(Default)]
struct WeightUnchanged {
    previous: Option<[f64; 4]>,
    streak: Streak,
}

impl Watch for WeightUnchanged {
    fn see(&mut self, view: &StepView<'_>, site: Option<SiteId>) -> Verdict {
        let Some(site) = site.filter(|site| view.is_matrix(*site)) else { return Verdict::TooEarly };
        let (Some(weight), Some(gradient)) = (view.reading(site, Role::Weight), view.reading(site, Role::Gradient))
        else {
            return Verdict::TooEarly;
        };
        let now = [weight.l2, weight.mean, weight.min, weight.max];
        let updated = view.reading(site, Role::Update).is_some_and(|update| update.abs_max > 0.0);
        let same = self.previous.replace(now) == Some(now) && gradient.l2 > STIR * weight.l2 && !updated;
        let streak = self.streak.push(same);
        if streak < PATIENCE.of(view.planned_steps) {
            return if streak == 0 { Verdict::Healthy } else { Verdict::TooEarly };
        }
        let message = format!("the weight did not change in {streak} steps although its gradient is not zero");
        let draft = WEIGHT_UNCHANGED.found(view.step(), message).at(view, Some(site), Role::Weight);
        draft.plain("gradient norm", gradient.l2).plain("steps in a row", streak as f64).into()
    }
}
