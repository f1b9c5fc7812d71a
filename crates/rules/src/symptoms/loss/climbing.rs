use crate::figure::figure;
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds a loss that climbs from the first step on and never turns.
    ///
    /// ## Why it matters
    /// A learning rate that is too high overshoots and comes back; this training walks uphill. The sign of the loss or
    /// of the update is wrong.
    ///
    /// ## How it is detected
    /// Of `PARTS` equal parts of the run each has a higher mean loss than the one before, the last is `RISE` times the
    /// first, and no part falls below where the run began.
    ///
    /// ## Example
    /// ```trace
    /// step   loss
    /// 0..99  2.3->40
    /// finding at end
    /// ```
    /// ```trace
    /// step    loss
    /// 0..19   2.3->9
    /// 20..99  9->1
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Minimize the loss: check the sign of the loss, and `maximize` of the optimizer.
    ///
    /// ## References
    /// - Robbins, Monro, *A Stochastic Approximation Method*, 1951
    pub(crate) static LOSS_CLIMBING: Rule = Rule {
        code: "LOS011",
        name: "loss-climbing",
        severity: Severity::Warning,
        needs: &[Need::Scalar(Scalar::Loss)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(LossClimbing),
    };
}

/// Parts of the run that are compared. Our choice: eight in a row rise by chance once in 40,000 runs.
const PARTS: u32 = 8;

/// Times the first part. Our choice.
const RISE: f64 = 1.2;

struct LossClimbing;

impl Watch for LossClimbing {
    fn finish(&mut self, run: &RunView<'_>, _site: Option<SiteId>) -> Verdict {
        let loss = &run.digest.loss;
        if loss.seen() < 2 * u64::from(PARTS) {
            return Verdict::TooEarly;
        }
        let part = |at: u32| loss.mean(f64::from(at) / f64::from(PARTS), f64::from(at + 1) / f64::from(PARTS));
        let (Some(begin), Some(first), Some(last)) = (loss.first(), part(0), part(PARTS - 1)) else {
            return Verdict::TooEarly;
        };
        let climbs = (1..PARTS).all(|at| part(at).zip(part(at - 1)).is_some_and(|(now, before)| now > before));
        if !climbs || last - first < (RISE - 1.0) * first.abs() || first < begin {
            return Verdict::Healthy;
        }
        let message = format!("the loss climbs without a pause, from {} to {}", figure(begin), figure(last));
        LOSS_CLIMBING.found(run.last_step, message).against("loss of the last eighth", last, RISE * first).into()
    }
}
