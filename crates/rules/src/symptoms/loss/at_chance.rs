use crate::figure::figure;
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds a network that answers no better than a constant at the end of the run.
    ///
    /// ## Why it matters
    /// For k equally frequent classes the cross-entropy of a constant answer is ln k, for real targets the squared
    /// error is their variance. A loss that comes to rest there has learned how frequent the answers are, and nothing
    /// about the inputs.
    ///
    /// ## How it is detected
    /// At the end of a run of at least `LEAST_STEPS` steps the skill (accuracy over that of the most frequent class, or
    /// the coefficient of determination) is below `SKILL`. Where no skill was observed, the loss is within `NEAR` of
    /// that of a constant answer.
    ///
    /// ## Example
    /// ```trace
    /// step   loss       chance_loss  accuracy
    /// 0..99  2.6->2.31  2.302        0.1
    /// finding at end
    /// ```
    /// Without an accuracy the loss alone must tell:
    /// ```trace
    /// step   loss       chance_loss
    /// 0..99  2.6->2.30  2.302
    /// finding at end
    /// ```
    /// ```trace
    /// step   loss      chance_loss  accuracy
    /// 0..99  2.3->0.4  2.302        0.1->0.9
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Check that inputs and targets belong together, that the output can take the values of the targets, and that the
    /// gradient reaches the first layer.
    ///
    /// ## References
    /// - Karpathy, *A Recipe for Training Neural Networks*, 2019: verify the loss at the beginning, -log(1/k)
    pub(crate) static LOSS_AT_CHANCE: Rule = Rule {
        code: "LOS005",
        name: "loss-at-chance",
        severity: Severity::Warning,
        needs: &[Need::Scalar(Scalar::Loss)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(LossAtChance),
    };
}

/// Skill below which the answer is no better than a constant. Our choice: noise of the last twenty batches stays below.
const SKILL: f64 = 0.1;

/// Relative distance from the loss of a constant answer. Our choice.
const NEAR: f64 = 0.03;

/// Fewer steps show nothing. Our choice.
const LEAST_STEPS: u64 = 10;

struct LossAtChance;

impl Watch for LossAtChance {
    fn finish(&mut self, run: &RunView<'_>, _site: Option<SiteId>) -> Verdict {
        let digest = run.digest;
        let Some(last) = digest.last_loss() else { return Verdict::TooEarly };
        if digest.loss.seen() < LEAST_STEPS || digest.broken_at.is_some() {
            return Verdict::TooEarly;
        }
        let chance = digest.chance_loss.mean();
        if let Some(skill) = digest.skill() {
            if skill >= SKILL {
                return Verdict::Healthy;
            }
            let message = format!("after {} steps the network answers no better than a constant", run.steps);
            let draft = LOSS_AT_CHANCE.found(run.last_step, message).against("skill", skill, SKILL);
            return draft.plain("loss", last).into();
        }
        let Some(chance) = chance.filter(|chance| *chance > 0.0) else { return Verdict::TooEarly };
        if (last / chance - 1.0).abs() > NEAR {
            return Verdict::Healthy;
        }
        let message =
            format!("the loss came to rest at {}, where a constant answer is ({})", figure(last), figure(chance));
        LOSS_AT_CHANCE.found(run.last_step, message).against("loss", last, chance).into()
    }
}
