use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds a clipping limit that every single step exceeds.
    ///
    /// ## Why it matters
    /// The length of the gradient no longer matters: the optimizer takes steps of one size, however near the goal. With
    /// a tight limit they are short as well.
    ///
    /// ## How it is detected
    /// Every step was clipped for the patience of `PATIENCE`.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=100
    /// step   loss  clipped
    /// 0..99  2.3   1
    /// finding at 49
    /// ```
    /// ```trace
    /// step    loss  clipped
    /// 0..9    2.3   1
    /// 10..99  2.0   0|1
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Raise the limit above the usual gradient norm, so that it only cuts the peaks.
    ///
    /// ## References
    /// - Pascanu, Mikolov, Bengio, *On the Difficulty of Training Recurrent Neural Networks*, 2013: 5 to 10 times the
    ///   average norm
    pub(crate) static ALWAYS_CLIPPED: Rule = Rule {
        code: "UPD003",
        name: "always-clipped",
        severity: Severity::Note,
        needs: &[Need::Scalar(Scalar::Clipped)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(AlwaysClipped::default()),
    };
}

/// Our choice: long, since large language models are clipped for a while at the start.
const PATIENCE: Patience = Patience { steps: 500, share: 0.5 };

#[derive(Default)]
struct AlwaysClipped {
    streak: Streak,
}

impl Watch for AlwaysClipped {
    fn see(&mut self, view: &StepView<'_>, _site: Option<SiteId>) -> Verdict {
        let Some(clipped) = view.scalar(Scalar::Clipped) else { return Verdict::TooEarly };
        let streak = self.streak.push(clipped > 0.0);
        if streak < PATIENCE.of(view.planned_steps) {
            return Verdict::Healthy;
        }
        let draft = ALWAYS_CLIPPED.found(view.step(), format!("each of the last {streak} steps was clipped"));
        draft.plain("steps in a row", streak as f64).into()
    }
}
