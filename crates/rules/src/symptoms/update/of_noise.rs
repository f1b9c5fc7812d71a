use crate::figure::figure;
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds an optimizer that takes steps of full length along gradients that are next to nothing.
    ///
    /// ## Why it matters
    /// Adam divides the gradient by its own size. What is left of a gradient of 1e-8 is mostly rounding and noise of the batch,
    /// and it moves the weights as far as any other; only epsilon holds it back.
    ///
    /// ## How it is detected
    /// The root mean square of the gradient of a weight (biases left out) is below `TINY` and that of its update is still at
    /// least `FULL` of the learning rate, for the patience of `PATIENCE`.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=100
    /// step   learning_rate  fc1/gradient.rms  fc1/weight.rms  fc1/update.rms
    /// 0..99  0.001          1e-8              0.1             0.0009
    /// finding at 4 fc1
    /// ```
    /// With plain gradient descent a small gradient is a small step:
    /// ```trace
    /// facts: steps=100
    /// step   learning_rate  fc1/gradient.rms  fc1/weight.rms  fc1/update.rms
    /// 0..99  0.001          1e-8              0.1             1e-11
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Raise epsilon of the optimizer to 1e-4 or above, so that such gradients count little; or scale the loss.
    ///
    /// ## References
    /// - Kingma, Ba, *Adam*, 2015, section 2, arXiv:1412.6980
    /// - Reddi et al., *Adaptive Methods for Nonconvex Optimization*, 2018: a larger epsilon
    pub(crate) static UPDATE_OF_NOISE: Rule = Rule {
        code: "UPD005",
        name: "update-of-noise",
        severity: Severity::Note,
        needs: &[Need::Reading(Role::Update), Need::Reading(Role::Gradient), Need::Scalar(Scalar::LearningRate)],
        scope: Scope::Each(Role::Update),
        since: "0.1.0",
        watch: || Box::new(UpdateOfNoise::default()),
    };
}

/// Root mean square. Our choice: ten times the epsilon of 1e-8 that optimizers begin with.
const TINY: f64 = 1e-7;

/// Share of the learning rate. Our choice: Adam's steps are between a tenth and all of it.
const FULL: f64 = 0.3;

/// Our choice: updates are read every few steps.
const PATIENCE: Patience = Patience { steps: 10, share: 0.05 };

#[derive(Default)]
struct UpdateOfNoise {
    streak: Streak,
}

impl Watch for UpdateOfNoise {
    fn see(&mut self, view: &StepView<'_>, site: Option<SiteId>) -> Verdict {
        let Some(site) = site.filter(|site| view.is_matrix(*site)) else { return Verdict::TooEarly };
        let readings = (view.reading(site, Role::Update), view.reading(site, Role::Gradient));
        let ((Some(update), Some(gradient)), Some(rate)) = (readings, view.scalar(Scalar::LearningRate)) else {
            return Verdict::TooEarly;
        };
        let size = gradient.rms();
        let streak = self.streak.push(size > 0.0 && size < TINY && rate > 0.0 && update.rms() >= FULL * rate);
        if streak < PATIENCE.of(view.planned_steps) {
            return if streak == 0 { Verdict::Healthy } else { Verdict::TooEarly };
        }
        let message =
            format!("a gradient of {} (root mean square) moves the weight by {}", figure(size), figure(update.rms()));
        let draft = UPDATE_OF_NOISE.found(view.step(), message).at(view, Some(site), Role::Update);
        draft.against("root mean square of the gradient", size, TINY).into()
    }
}
