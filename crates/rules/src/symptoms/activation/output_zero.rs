use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds outputs most of which are exactly zero.
    ///
    /// ## Why it matters
    /// A ReLU in the last layer cuts off half of the answers: where it is zero, no gradient comes back and no score can
    /// be lower.
    ///
    /// ## How it is detected
    /// More than `SHARE` of the outputs are exactly zero for the patience of `PATIENCE`, and none is negative. Rows that sum to 1
    /// within `ROUNDING` come from a softmax that is sure of its answers, and are left out.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=50
    /// step   out/output.min  out/output.max  out/output.zero_share
    /// 0..49  0               7               0.6
    /// finding at 9 out
    /// ```
    /// ```trace
    /// step   out/output.min  out/output.max  out/output.zero_share
    /// 0..49  -3              7               0
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Leave the last layer linear, and let the loss apply softmax or sigmoid.
    ///
    /// ## References
    /// - Islam et al., *A Comprehensive Study on Deep Learning Bug Characteristics*, 2019, arXiv:1906.01388
    pub(crate) static OUTPUT_ZERO: Rule = Rule {
        code: "ACT008",
        name: "output-zero",
        severity: Severity::Warning,
        needs: &[Need::Reading(Role::Output)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(OutputZero::default()),
    };
}

/// Share of exact zeros. Our choice: a softmax that underflows has some.
const SHARE: f64 = 0.3;

/// Deviation of a row's sum from 1 that is rounding.
const ROUNDING: f64 = 1e-3;

/// Our choice.
const PATIENCE: Patience = Patience { steps: 20, share: 0.2 };

#[derive(Default)]
struct OutputZero {
    streak: Streak,
}

impl Watch for OutputZero {
    fn see(&mut self, view: &StepView<'_>, _site: Option<SiteId>) -> Verdict {
        let Some((site, role)) = view.output() else { return Verdict::TooEarly };
        let Some(output) = view.reading(site, role) else { return Verdict::TooEarly };
        let share = output.share(output.zeros);
        let softmax = view.scalar(Scalar::OutputRowSumError).is_some_and(|error| error < ROUNDING);
        let streak = self.streak.push(share > SHARE && output.min >= 0.0 && !softmax);
        if streak < PATIENCE.of(view.planned_steps) {
            return if streak == 0 { Verdict::Healthy } else { Verdict::TooEarly };
        }
        let message = format!("{:.0}% of the outputs are exactly zero", 100.0 * share);
        let draft = OUTPUT_ZERO.found(view.step(), message).at(view, Some(site), role);
        draft.against("share of zeros", share, SHARE).into()
    }
}
