use super::computes_in;
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds gradients that are too small for fp16.
    ///
    /// ## Why it matters
    /// Below 2^-24 (6e-8) there is nothing but 0, and below 2^-14 digits are lost. What is lost in one layer is lost for all
    /// layers before it.
    ///
    /// ## How it is detected
    /// The forward pass is known to compute in `float16`, and no loss scale above 1 was used. More than `LOST` of the
    /// gradient of a weight (biases left out) is exactly zero and the rest is below `TINY`, for the patience of `PATIENCE`.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=100 precision=float16
    /// step   loss  fc1/gradient.rms  fc1/gradient.abs_max  fc1/gradient.zero_share
    /// 0..99  2.3   1e-8              2e-7                  0.9
    /// finding at 4 fc1
    /// ```
    /// ```trace
    /// facts: steps=100 precision=float16
    /// step   loss  loss_scale  fc1/gradient.rms  fc1/gradient.abs_max  fc1/gradient.zero_share
    /// 0..99  2.3   65536       1e-8              2e-7                  0.9
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Multiply the loss before the backward pass and divide the gradients after it (a gradient scaler), or compute in bfloat16.
    ///
    /// ## References
    /// - Micikevicius et al., *Mixed Precision Training*, 2018, section 3.2, arXiv:1710.03740
    pub(crate) static GRADIENT_UNDERFLOW: Rule = Rule {
        code: "PRE004",
        name: "gradient-underflow",
        severity: Severity::Warning,
        needs: &[Need::Reading(Role::Gradient), Need::Fact(FactKey::Precision)],
        scope: Scope::Each(Role::Gradient),
        since: "0.1.0",
        watch: || Box::new(GradientUnderflow::default()),
    };
}

/// Share of the elements. Our choice: constant inputs and units that are off give some zeros by right.
const LOST: f64 = 0.5;

/// 2^-14, the smallest number of fp16 with all its digits (IEEE 754-2019, binary16).
const TINY: f64 = 1.0 / 16_384.0;

/// Our choice.
const PATIENCE: Patience = Patience { steps: 10, share: 0.05 };

#[derive(Default)]
struct GradientUnderflow {
    streak: Streak,
}

impl Watch for GradientUnderflow {
    fn see(&mut self, view: &StepView<'_>, site: Option<SiteId>) -> Verdict {
        let Some(site) = site.filter(|site| view.is_matrix(*site)) else { return Verdict::TooEarly };
        let Some(gradient) = view.reading(site, Role::Gradient) else { return Verdict::TooEarly };
        let scaled = view.scalar(Scalar::LossScale).is_some_and(|scale| scale > 1.0);
        let lost = gradient.share(gradient.zeros);
        let small = gradient.abs_max > 0.0 && gradient.abs_max < TINY;
        let streak = self.streak.push(computes_in(view, &["float16"]) && !scaled && small && lost > LOST);
        if streak < PATIENCE.of(view.planned_steps) {
            return if streak == 0 { Verdict::Healthy } else { Verdict::TooEarly };
        }
        let message =
            format!("{:.0}% of the gradient is zero, and the rest is too small for half precision", 100.0 * lost);
        let draft = GRADIENT_UNDERFLOW.found(view.step(), message).at(view, Some(site), Role::Gradient);
        draft.against("largest magnitude of the gradient", gradient.abs_max, TINY).into()
    }
}
