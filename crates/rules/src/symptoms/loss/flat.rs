use crate::figure::figure;
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds a loss that ends where it began.
    ///
    /// ## Why it matters
    /// Nothing was learned: the gradient does not arrive, the weights do not move, or the output cannot change.
    ///
    /// ## How it is detected
    /// At the end of a run of at least `LEAST_STEPS` steps the loss has fallen by less than `FALL` of its first level,
    /// and the network is not known to be good (its skill is below `SKILL`, or, where no skill was observed, its loss
    /// is not far below that of a constant answer). Where models are trained against each other, each with an optimizer
    /// of its own, a loss that stands still is balance.
    ///
    /// ## Example
    /// ```trace
    /// step   loss
    /// 0..99  2.31|2.30
    /// finding at end
    /// ```
    /// A run that starts from a good network has nothing left to gain:
    /// ```trace
    /// step   loss       accuracy  chance_loss
    /// 0..99  0.11|0.10  0.97      2.3
    /// healthy
    /// ```
    /// ```trace
    /// facts: objectives=2
    /// step   loss
    /// 0..99  1.05|1.06
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Look for gradients that are zero, weights that do not change, and an output that is constant.
    ///
    /// ## References
    /// - Karpathy, *A Recipe for Training Neural Networks*, 2019
    pub(crate) static LOSS_FLAT: Rule = Rule {
        code: "LOS004",
        name: "loss-flat",
        severity: Severity::Warning,
        needs: &[Need::Scalar(Scalar::Loss)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(LossFlat),
    };
}

/// Share of the first loss. Our choice: above the noise of a mean over a twentieth of a run.
const FALL: f64 = 0.02;

/// Below this a flat loss is trouble. Our choice.
const SKILL: f64 = 0.2;

/// Fewer steps show nothing. Our choice.
const LEAST_STEPS: u64 = 10;

/// Share of the loss of a constant answer below which the network is held to be good. Our choice.
const GOOD: f64 = 0.5;

struct LossFlat;

impl Watch for LossFlat {
    fn finish(&mut self, run: &RunView<'_>, _site: Option<SiteId>) -> Verdict {
        let digest = run.digest;
        let (Some(first), Some(last)) = (digest.first_loss(), digest.last_loss()) else { return Verdict::TooEarly };
        if digest.loss.seen() < LEAST_STEPS || digest.broken_at.is_some() {
            return Verdict::TooEarly;
        }
        if run.facts.number(FactKey::Objectives).is_some_and(|objectives| objectives > 1.0) {
            return Verdict::Healthy; // Models against each other: what one gains the other loses, and balance is what is wanted.
        }
        let good = match digest.skill() {
            Some(skill) => skill >= SKILL,
            None => digest.chance_loss.mean().is_some_and(|chance| last < GOOD * chance),
        };
        let fall = (first - last) / first.abs().max(f64::MIN_POSITIVE);
        if good || fall.abs() >= FALL {
            return Verdict::Healthy;
        }
        let message = format!(
            "the loss did not move in {} steps: {} at first, {} at last",
            run.steps,
            figure(first),
            figure(last)
        );
        LOSS_FLAT.found(run.last_step, message).against("share of the loss that was gained", fall, FALL).into()
    }
}
