use crate::figure::figure;
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds a loss below zero where the outputs are probabilities and the targets are not.
    ///
    /// ## Why it matters
    /// A cross-entropy is never negative for targets in 0..=1. Below zero it rewards outputs that run to their bound,
    /// whatever the inputs.
    ///
    /// ## How it is detected
    /// The loss is below zero in `READINGS` steps in a row, all outputs lie in 0..=1, and a target lies outside.
    ///
    /// ## Example
    /// ```trace
    /// step  loss        out/output.min  out/output.max  y/target.min  y/target.max
    /// 0..9  -700=>-780  0.4             0.9             3             100
    /// finding at 2 out
    /// ```
    /// A log-likelihood of a density may be negative; its outputs are no probabilities:
    /// ```trace
    /// step  loss    out/output.min  out/output.max  y/target.min  y/target.max
    /// 0..9  1=>0.1  -3              4               3             100
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// For real targets use a linear output and a squared error; for classes give targets of 0 and 1.
    ///
    /// ## References
    /// - Bishop, *Pattern Recognition and Machine Learning*, 2006, section 4.3.2
    pub(crate) static LOSS_NEGATIVE: Rule = Rule {
        code: "LOS008",
        name: "loss-negative",
        severity: Severity::Warning,
        needs: &[Need::Scalar(Scalar::Loss), Need::Reading(Role::Output)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(LossNegative::default()),
    };
}

/// Steps in a row. Our choice: rounding can give one value of -1e-9.
const READINGS: u64 = 3;

#[derive(Default)]
struct LossNegative {
    streak: Streak,
}

impl Watch for LossNegative {
    fn see(&mut self, view: &StepView<'_>, _site: Option<SiteId>) -> Verdict {
        let (Some(loss), Some((site, output))) = (view.scalar(Scalar::Loss), view.only(Role::Output)) else {
            return Verdict::TooEarly;
        };
        let Some((_, target)) = view.only(Role::Target) else { return Verdict::TooEarly };
        let probabilities = output.min >= 0.0 && output.max <= 1.0;
        let outside = target.min < 0.0 || target.max > 1.0;
        match self.streak.push(loss < 0.0 && probabilities && outside) {
            0 => Verdict::Healthy,
            1..READINGS => Verdict::TooEarly,
            _ => {
                let message =
                    format!("the loss is {}: a cross-entropy of targets up to {}", figure(loss), figure(target.max));
                let draft = LOSS_NEGATIVE.found(view.step(), message).at(view, Some(site), Role::Output);
                draft.against("loss", loss, 0.0).against("largest target", target.max, 1.0).into()
            }
        }
    }
}
