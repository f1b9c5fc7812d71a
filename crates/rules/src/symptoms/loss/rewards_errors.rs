use crate::figure::figure;
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds a loss that falls below zero while the answers become worse than a constant.
    ///
    /// ## Why it matters
    /// What is minimized is the opposite of what is wanted. A cross-entropy or squared error is lowest at 0; with its sign
    /// turned it falls without end, and each step makes the answers worse.
    ///
    /// ## How it is detected
    /// At the end of a run of at least `LEAST_STEPS` steps the loss is below zero and below where it began, and the skill
    /// (accuracy over that of the most frequent class, or the coefficient of determination) is below `SKILL`. Where no skill was observed, the loss
    /// must lie `RUNAWAY` times as far below zero as it began from it: it has no lowest value.
    ///
    /// ## Example
    /// ```trace
    /// step   loss        accuracy  chance_loss
    /// 0..99  -2.3->-400  0.1->0    2.3
    /// finding at end
    /// ```
    /// ```trace
    /// step   loss
    /// 0..99  -1.6=>-4e5
    /// finding at end
    /// ```
    /// The log-likelihood of a density may be above zero:
    /// ```trace
    /// step   loss      r2
    /// 0..99  1.4->-2   0->0.9
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Take the minus away from the loss, or `maximize` from the optimizer.
    ///
    /// ## References
    /// - Goodfellow, Bengio, Courville, *Deep Learning*, 2016, section 5.5: minimize the negative log-likelihood
    pub(crate) static LOSS_REWARDS_ERRORS: Rule = Rule {
        code: "LOS015",
        name: "loss-rewards-errors",
        severity: Severity::Warning,
        needs: &[Need::Scalar(Scalar::Loss)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(LossRewardsErrors),
    };
}

/// Answers that are worse than a constant. Our choice: the noise of the last twenty batches stays above.
const SKILL: f64 = -0.05;

/// Times the first loss, or 1 if that is less. Our choice: the log-likelihood of a density stays far below.
const RUNAWAY: f64 = 1e3;

/// Fewer steps show nothing. Our choice.
const LEAST_STEPS: u64 = 10;

struct LossRewardsErrors;

impl Watch for LossRewardsErrors {
    fn finish(&mut self, run: &RunView<'_>, _site: Option<SiteId>) -> Verdict {
        let digest = run.digest;
        let (Some(first), Some(last)) = (digest.loss.first(), digest.last_loss()) else { return Verdict::TooEarly };
        if digest.loss.seen() < LEAST_STEPS {
            return Verdict::TooEarly;
        }
        let Some(skill) = digest.skill() else {
            let limit = -RUNAWAY * first.abs().max(1.0);
            if last >= limit {
                return Verdict::TooEarly;
            }
            let message = format!("the loss runs away below zero, from {} to {}", figure(first), figure(last));
            return LOSS_REWARDS_ERRORS.found(run.last_step, message).against("loss", last, limit).into();
        };
        if last >= 0.0 || last >= first || skill >= SKILL {
            return Verdict::Healthy;
        }
        let message = format!(
            "the loss fell from {} to {} while the answers became worse than a constant",
            figure(first),
            figure(last)
        );
        LOSS_REWARDS_ERRORS
            .found(run.last_step, message)
            .against("skill", skill, SKILL)
            .against("loss", last, 0.0)
            .into()
    }
}
