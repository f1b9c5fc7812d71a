use crate::figure::figure;
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds a loss that leaps in the first steps, and then comes back.
    ///
    /// ## Why it matters
    /// The first updates were too long and the later ones were not. Adaptive optimizers know little of the gradient's size at
    /// first. What such a step destroys, dead units above all, does not always come back.
    ///
    /// ## How it is detected
    /// Within the first `BEGINNING` of a run of at least `LEAST_STEPS` steps the loss was `LEAP` times the first one; the mean
    /// of the last tenth is below the first one again, and in the last half no loss was above `LEAP` times the first.
    ///
    /// ## Example
    /// ```trace
    /// step    loss
    /// 0..1    2.3
    /// 2..5    30
    /// 6..99   2.2->1.5
    /// finding at 2
    /// ```
    /// A run that goes on leaping is another matter:
    /// ```trace
    /// step    loss
    /// 0..1    2.3
    /// 2..99   1|30
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Let the learning rate rise from nearly zero over the first steps (warm-up).
    ///
    /// ## References
    /// - Goyal et al., *Accurate, Large Minibatch SGD*, 2017, section 2.2, arXiv:1706.02677
    pub(crate) static LOSS_ROUGH_START: Rule = Rule {
        code: "LOS016",
        name: "loss-rough-start",
        severity: Severity::Note,
        needs: &[Need::Scalar(Scalar::Loss)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(LossRoughStart),
    };
}

/// Share of the run. Our choice.
const BEGINNING: f64 = 0.1;

/// Times the first loss. Our choice: that of single batches stays below.
const LEAP: f64 = 5.0;

/// Fewer steps have no beginning. Our choice.
const LEAST_STEPS: u64 = 50;

struct LossRoughStart;

impl Watch for LossRoughStart {
    fn finish(&mut self, run: &RunView<'_>, _site: Option<SiteId>) -> Verdict {
        let loss = &run.digest.loss;
        if loss.seen() < LEAST_STEPS || run.digest.broken_at.is_some() {
            return Verdict::TooEarly;
        }
        let parts = (loss.first(), loss.part(0.5, 1.0), run.digest.last_loss());
        let (Some(first), Some(later), Some(last)) = parts else { return Verdict::TooEarly };
        let limit = LEAP * first;
        let beginning = (loss.buckets().len() as f64 * BEGINNING).ceil() as usize;
        let leap = loss.buckets().iter().take(beginning).find(|bucket| bucket.max > limit);
        let Some(leap) = leap.filter(|_| first > 0.0 && last < first && later.max <= limit) else {
            return Verdict::Healthy;
        };
        let message =
            format!("the loss leapt from {} to {} in the first steps, and came back", figure(first), figure(leap.max));
        LOSS_ROUGH_START.found(leap.step, message).against("loss", leap.max, limit).into()
    }
}
