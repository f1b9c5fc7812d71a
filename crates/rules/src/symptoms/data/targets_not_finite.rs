use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds targets that are missing: NaN or infinite.
    ///
    /// ## Why it matters
    /// The loss of such a row is NaN, and with it the gradient of its whole batch.
    ///
    /// ## How it is detected
    /// A target of a step has an element that is not finite; or rows with one were counted over the epoch.
    ///
    /// ## Example
    /// ```trace
    /// step  loss  y/target.rms  y/target.nan
    /// 0..2  2.3   1             0
    /// 3     NaN   1             2
    /// finding at 3 y
    /// ```
    /// ```trace
    /// step  loss  y/target.rms  y/target.nan
    /// 0..9  2.3   1             0
    /// data: targets.bad_rows=0
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Remove the rows without a target, or mask them in the loss.
    ///
    /// ## References
    /// - Little, Rubin, *Statistical Analysis with Missing Data*, 2019
    pub(crate) static TARGETS_NOT_FINITE: Rule = Rule {
        code: "DAT004",
        name: "targets-not-finite",
        severity: Severity::Error,
        needs: &[Need::Reading(Role::Target)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(TargetsNotFinite),
    };
}

struct TargetsNotFinite;

impl Watch for TargetsNotFinite {
    fn see(&mut self, view: &StepView<'_>, _site: Option<SiteId>) -> Verdict {
        let Some((site, target)) = view.only(Role::Target) else { return Verdict::TooEarly };
        let bad = target.non_finite();
        if bad == 0 {
            return Verdict::Healthy;
        }
        let message = format!("{bad} of {} targets of the batch are not finite", target.count);
        let draft = TARGETS_NOT_FINITE.found(view.step(), message).at(view, Some(site), Role::Target);
        draft.plain("non-finite values", bad as f64).into()
    }

    fn data(&mut self, _run: &RunView<'_>, data: &DataReading) -> Verdict {
        let bad = data.targets.bad_rows;
        if bad == 0 {
            return Verdict::Healthy;
        }
        let message = format!("{bad} of {} rows have targets that are not finite", data.rows);
        TARGETS_NOT_FINITE.found(0, message).of(Role::Target).plain("rows", bad as f64).into()
    }

    fn sees_broken_steps(&self) -> bool {
        true
    }
}
