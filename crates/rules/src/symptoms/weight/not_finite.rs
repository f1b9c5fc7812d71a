use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds weights that hold NaN or infinite elements.
    ///
    /// ## Why it matters
    /// They never become finite again. Checkpoints written from here on are worthless.
    ///
    /// ## How it is detected
    /// A weight has at least one element that is not finite.
    ///
    /// ## Example
    /// ```trace
    /// step  loss  fc1/weight.l2  fc1/weight.nan
    /// 0..4  2.30  8.0            0
    /// 5     2.29  8.0            512
    /// finding at 5 fc1
    /// ```
    /// ```trace
    /// step  loss  fc1/weight.l2  fc1/weight.nan
    /// 0..9  2.30  8.0->9.0       0
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Return to the last checkpoint whose weights are finite, and look at the finding that comes before this one.
    ///
    /// ## References
    /// - IEEE 754-2019, section 6.2: operations on NaN give NaN
    pub(crate) static WEIGHT_NOT_FINITE: Rule = Rule {
        code: "WGT001",
        name: "weight-not-finite",
        severity: Severity::Error,
        needs: &[Need::Reading(Role::Weight)],
        scope: Scope::Each(Role::Weight),
        since: "0.1.0",
        watch: || Box::new(WeightNotFinite),
    };
}

struct WeightNotFinite;

impl Watch for WeightNotFinite {
    fn see(&mut self, view: &StepView<'_>, site: Option<SiteId>) -> Verdict {
        let Some(weight) = site.and_then(|site| view.reading(site, Role::Weight)) else { return Verdict::TooEarly };
        let bad = weight.non_finite();
        if bad == 0 {
            return Verdict::Healthy;
        }
        let message = format!("{bad} of {} elements of the weight are not finite", weight.count);
        let draft = WEIGHT_NOT_FINITE.found(view.step(), message).at(view, site, Role::Weight);
        draft.plain("non-finite elements", bad as f64).into()
    }

    fn sees_broken_steps(&self) -> bool {
        true
    }
}
