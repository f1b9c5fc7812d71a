use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds a learning rate that has fallen to nothing long before the run ends.
    ///
    /// ## Why it matters
    /// The rest of the run changes nothing. Mostly a decay meant for each epoch is applied at each step.
    ///
    /// ## How it is detected
    /// The learning rate is below `SHARE` of its largest value for `REST` of the run, and for at least `LEAST_STEPS`
    /// steps.
    ///
    /// ## Example
    /// ```trace
    /// step    loss  learning_rate
    /// 0..199  2.3   0.1=>1e-9
    /// finding at end
    /// ```
    /// A cosine ends at nothing, and only there:
    /// ```trace
    /// step      loss  learning_rate
    /// 0..189    2.3   0.1->0.001
    /// 190..199  2.3   1e-6
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Decay once an epoch and not at each step, or set the floor of the schedule.
    ///
    /// ## References
    /// - Loshchilov, Hutter, *SGDR: Stochastic Gradient Descent with Warm Restarts*, 2017, arXiv:1608.03983
    pub(crate) static LEARNING_RATE_COLLAPSED: Rule = Rule {
        code: "UPD004",
        name: "learning-rate-collapsed",
        severity: Severity::Warning,
        needs: &[Need::Scalar(Scalar::LearningRate)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(LearningRateCollapsed::default()),
    };
}

/// Share of the largest rate. Our choice: schedules end at a hundredth or a thousandth.
const SHARE: f64 = 1e-3;

/// Share of the run that is lost. Our choice: a cosine is below a thousandth for the last 2% only.
const REST: f64 = 0.25;

/// Our choice.
const LEAST_STEPS: u64 = 10;

#[derive(Default)]
struct LearningRateCollapsed {
    largest: f64,
    collapsed: u64,
    seen: u64,
}

impl Watch for LearningRateCollapsed {
    fn see(&mut self, view: &StepView<'_>, _site: Option<SiteId>) -> Verdict {
        let Some(rate) = view.scalar(Scalar::LearningRate) else { return Verdict::TooEarly };
        self.largest = self.largest.max(rate);
        self.seen += 1;
        self.collapsed = if rate < SHARE * self.largest { self.collapsed + 1 } else { 0 };
        Verdict::TooEarly
    }

    fn finish(&mut self, run: &RunView<'_>, _site: Option<SiteId>) -> Verdict {
        if self.seen == 0 {
            return Verdict::TooEarly;
        }
        let share = self.collapsed as f64 / self.seen as f64;
        if self.collapsed < LEAST_STEPS || share < REST {
            return Verdict::Healthy;
        }
        let last = run.digest.learning_rate.last;
        let message =
            format!("for {} steps the learning rate was below a thousandth of {:.1e}", self.collapsed, self.largest);
        let draft = LEARNING_RATE_COLLAPSED.found(run.last_step, message);
        draft.against("share of the run", share, REST).plain("learning rate", last).into()
    }
}
