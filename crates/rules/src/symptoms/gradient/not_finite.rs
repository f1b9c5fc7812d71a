use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds gradients that hold NaN or infinite elements, also where the loss itself is finite.
    ///
    /// ## Why it matters
    /// One such element makes every weight it reaches NaN with the next update. The derivative of a root or a norm at zero does this
    /// while the loss looks fine.
    ///
    /// ## How it is detected
    /// A gradient has at least one element that is not finite.
    ///
    /// ## Example
    /// ```trace
    /// step  loss  fc1/gradient.l2  fc1/gradient.nan
    /// 0..4  2.30  0.1              0
    /// 5     2.29  0.1              12
    /// finding at 5 fc1
    /// ```
    /// A norm too large for `f32` is finite here, because norms are summed in `f64`:
    /// ```trace
    /// step  loss  fc1/gradient.l2  fc1/gradient.nan
    /// 0..4  2.30  1e40             0
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Do not apply this update. Add a small constant under the root, or clamp before the operation that the incident names.
    ///
    /// ## References
    /// - PyTorch, *Automatic differentiation anomaly detection*: it misses an infinite gradient
    pub(crate) static GRADIENT_NOT_FINITE: Rule = Rule {
        code: "GRD001",
        name: "gradient-not-finite",
        severity: Severity::Error,
        needs: &[Need::Reading(Role::Gradient)],
        scope: Scope::Each(Role::Gradient),
        since: "0.1.0",
        watch: || Box::new(GradientNotFinite),
    };
}

struct GradientNotFinite;

impl Watch for GradientNotFinite {
    fn see(&mut self, view: &StepView<'_>, site: Option<SiteId>) -> Verdict {
        let Some(gradient) = site.and_then(|site| view.reading(site, Role::Gradient)) else { return Verdict::TooEarly };
        let bad = gradient.non_finite();
        if bad == 0 {
            return Verdict::Healthy;
        }
        let message = format!("{bad} of {} elements of the gradient are not finite", gradient.count);
        let draft = GRADIENT_NOT_FINITE.found(view.step(), message).at(view, site, Role::Gradient);
        draft.plain("non-finite elements", bad as f64).into()
    }

    fn sees_broken_steps(&self) -> bool {
        true
    }
}
