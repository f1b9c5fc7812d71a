use super::computes_in;
use crate::figure::figure;
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds activations near the largest number that fp16 can hold.
    ///
    /// ## Why it matters
    /// The next sum over them, or the next batch, is infinite. A loss of inf - inf is NaN.
    ///
    /// ## How it is detected
    /// The forward pass is known to compute in `float16`, and the largest finite magnitude of a pre-activation, activation or
    /// output is above `LIMIT`.
    ///
    /// ## Example
    /// ```trace
    /// facts: precision=float16
    /// step  loss  fc1/activation.abs_max  fc2/activation.abs_max
    /// 0..9  2.3   20=>200                 2000=>60000
    /// finding at 6 fc2
    /// ```
    /// `bfloat16` has the range of `f32`:
    /// ```trace
    /// facts: precision=bfloat16
    /// step  loss  fc1/activation.abs_max  fc2/activation.abs_max
    /// 0..9  2.3   20=>200                 2000=>60000
    /// healthy
    /// ```
    /// ```trace
    /// facts: precision=float16
    /// step  loss  fc1/activation.abs_max
    /// 0..9  2.3   200
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Compute in bfloat16, or keep this layer in `f32`; normalize what grows.
    ///
    /// ## References
    /// - IEEE 754-2019, binary16: the largest number is 65,504
    /// - Micikevicius et al., *Mixed Precision Training*, 2018, arXiv:1710.03740
    pub(crate) static NEAR_HALF_LIMIT: Rule = Rule {
        code: "PRE002",
        name: "near-half-limit",
        severity: Severity::Warning,
        needs: &[Need::Reading(Role::Activation), Need::Fact(FactKey::Precision)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(NearHalfLimit),
    };
}

/// A quarter of 65,504. Our choice: two such numbers more in a sum, and it overflows.
const LIMIT: f64 = 65_504.0 / 4.0;

struct NearHalfLimit;

impl Watch for NearHalfLimit {
    fn see(&mut self, view: &StepView<'_>, _site: Option<SiteId>) -> Verdict {
        if !computes_in(view, &["float16"]) {
            return Verdict::Healthy;
        }
        for role in [Role::PreActivation, Role::Activation, Role::Output] {
            if let Some((site, reading)) = view.each(role).find(|(_, reading)| reading.abs_max > LIMIT) {
                let message = format!("values reach {}, and half precision ends at 65504", figure(reading.abs_max));
                let draft = NEAR_HALF_LIMIT.found(view.step(), message).at(view, Some(site), role);
                return draft.against("largest magnitude", reading.abs_max, LIMIT).into();
            }
        }
        Verdict::Healthy
    }

    fn sees_broken_steps(&self) -> bool {
        true // The forward pass of the step that broke is where the numbers are largest.
    }
}
