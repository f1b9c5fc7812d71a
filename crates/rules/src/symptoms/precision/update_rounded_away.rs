use super::computes_in;
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds weights in half precision whose updates are lost in rounding.
    ///
    /// ## Why it matters
    /// A sum is rounded to the nearest number that the type can hold. An update of less than half the distance to it, 1/512 of
    /// the weight in bfloat16 and 1/4096 in fp16, changes nothing, however often it is repeated.
    ///
    /// ## How it is detected
    /// The forward pass is known to compute in half precision. Of a weight (biases left out) more than `LOST` of the elements do not change
    /// in a step, and less than `NO_GRADIENT` of them have a gradient of zero, for the patience of `PATIENCE`. Weights that
    /// are kept in `f32` beside it change by any amount.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=100 precision=bfloat16
    /// step   loss  fc1/weight.rms  fc1/gradient.rms  fc1/update.rms  fc1/update.zero_share
    /// 0..99  2.3   0.1             0.01              1e-5            0.97
    /// finding at 4 fc1
    /// ```
    /// Weights in `f32` under automatic mixed precision:
    /// ```trace
    /// facts: steps=100 precision=bfloat16
    /// step   loss  fc1/weight.rms  fc1/gradient.rms  fc1/update.rms  fc1/update.zero_share
    /// 0..99  2.3   0.1             0.01              1e-5            0.01
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Keep the weights in `f32` and only compute in half precision (automatic mixed precision), or round at random.
    ///
    /// ## References
    /// - Zamirai et al., *Revisiting `BFloat16` Training*, 2020, arXiv:2010.06192
    pub(crate) static UPDATE_ROUNDED_AWAY: Rule = Rule {
        code: "PRE003",
        name: "update-rounded-away",
        severity: Severity::Warning,
        needs: &[Need::Reading(Role::Update), Need::Reading(Role::Gradient), Need::Fact(FactKey::Precision)],
        scope: Scope::Each(Role::Update),
        since: "0.1.0",
        watch: || Box::new(UpdateRoundedAway::default()),
    };
}

/// Share of the elements. Our choice: small weights beside large ones still change.
const LOST: f64 = 0.9;

/// Share of the elements. Our choice: rows of an embedding that a batch does not hold have none.
const NO_GRADIENT: f64 = 0.5;

/// Our choice: updates are read every few steps.
const PATIENCE: Patience = Patience { steps: 10, share: 0.05 };

#[derive(Default)]
struct UpdateRoundedAway {
    streak: Streak,
}

impl Watch for UpdateRoundedAway {
    fn see(&mut self, view: &StepView<'_>, site: Option<SiteId>) -> Verdict {
        let Some(site) = site.filter(|site| view.is_matrix(*site)) else { return Verdict::TooEarly };
        let (Some(update), Some(gradient)) = (view.reading(site, Role::Update), view.reading(site, Role::Gradient))
        else {
            return Verdict::TooEarly;
        };
        let lost = update.share(update.zeros);
        let idle = view.scalar(Scalar::LearningRate) == Some(0.0)
            || view.facts.flag_at(FactKey::Optimized, site) == Some(false)
            || gradient.share(gradient.zeros) >= NO_GRADIENT;
        let streak = self.streak.push(computes_in(view, &["float16", "bfloat16"]) && lost > LOST && !idle);
        if streak < PATIENCE.of(view.planned_steps) {
            return if streak == 0 { Verdict::Healthy } else { Verdict::TooEarly };
        }
        let message =
            format!("{:.0}% of the weight's elements do not change although they have a gradient", 100.0 * lost);
        let draft = UPDATE_ROUNDED_AWAY.found(view.step(), message).at(view, Some(site), Role::Update);
        draft.against("share of elements that do not change", lost, LOST).into()
    }
}
