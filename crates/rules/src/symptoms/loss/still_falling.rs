use crate::figure::figure;
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds a run that ended while the loss was falling at an even pace and the network was still poor.
    ///
    /// ## Why it matters
    /// More steps, or longer ones, would have helped. The result says nothing about the model.
    ///
    /// ## How it is detected
    /// The slope over the last half is a fall of at least `PACE` of the loss per run of this length, `CERTAIN` times
    /// its own uncertainty, at no less than `EVEN` of the pace of the whole run, and the network is poor (skill below
    /// `SKILL`; where no skill was observed, less than half of the first loss is gone). A loss that only falls back to
    /// where it was is none.
    ///
    /// ## Example
    /// ```trace
    /// step    loss    r2
    /// 0..199  70->40  -50->-30
    /// finding at end
    /// ```
    /// Most curves still fall a little at the end, at a fraction of their first pace:
    /// ```trace
    /// step     loss      accuracy   chance_loss
    /// 0..49    2.3->0.6  0.1->0.8   2.3
    /// 50..199  0.6->0.5  0.8->0.85  2.3
    /// healthy
    /// ```
    /// ```trace
    /// step      loss   r2
    /// 0..99     1->9   0->-8
    /// 100..199  9->2   -8->-1
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Train for more epochs, or raise the learning rate by a factor of three to ten.
    ///
    /// ## References
    /// - Goodfellow, Bengio, Courville, *Deep Learning*, 2016, section 11.4.1
    pub(crate) static LOSS_STILL_FALLING: Rule = Rule {
        code: "LOS007",
        name: "loss-still-falling",
        severity: Severity::Warning,
        needs: &[Need::Scalar(Scalar::Loss)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(LossStillFalling),
    };
}

/// Fall over a run of the same length, as a share of the last loss. Our choice.
const PACE: f64 = 0.04;

/// Standard errors that the fall must exceed. Our choice.
const CERTAIN: f64 = 3.0;

/// Pace of the last half over that of the whole run. Our choice: a curve that levels off is below.
const EVEN: f64 = 0.3;

/// A network above this is worth having. Our choice.
const SKILL: f64 = 0.5;

/// Fewer steps show no slope. Our choice.
const LEAST_STEPS: u64 = 10;

struct LossStillFalling;

impl Watch for LossStillFalling {
    fn finish(&mut self, run: &RunView<'_>, _site: Option<SiteId>) -> Verdict {
        let digest = run.digest;
        let loss = &digest.loss;
        if loss.seen() < LEAST_STEPS || digest.broken_at.is_some() {
            return Verdict::TooEarly;
        }
        let parts =
            (loss.slope(0.5, 1.0), loss.slope(0.0, 1.0), loss.noise(0.5, 1.0), digest.first_loss(), digest.last_loss());
        let (Some(late), Some(whole), Some(noise), Some(first), Some(last)) = parts else { return Verdict::TooEarly };
        let poor = digest.skill().map_or(last > 0.5 * first, |skill| skill < SKILL);
        let pace = -late / last.abs().max(f64::MIN_POSITIVE);
        // The slope of n points with this noise over half the length, per whole length: sd * sqrt(12 / n) * 2.
        let uncertain = noise * (12.0 / (0.5 * loss.seen() as f64)).sqrt() * 2.0;
        let fell = last < first;
        if !poor || !fell || pace < PACE || late > EVEN * whole || -late < CERTAIN * uncertain {
            return Verdict::Healthy;
        }
        let message = format!(
            "the run ended while the loss still fell evenly: {} at first, {} at last",
            figure(first),
            figure(last)
        );
        LOSS_STILL_FALLING.found(run.last_step, message).against("fall per run over loss", pace, PACE).into()
    }
}
