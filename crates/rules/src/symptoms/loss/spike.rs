use crate::figure::figure;
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds a loss that jumps far above its recent values.
    ///
    /// ## Why it matters
    /// A batch or an update was far out of the ordinary. Training often recovers, yet a spike is what the step before a divergence
    /// looks like, and it names the batch to look at.
    ///
    /// ## How it is detected
    /// The loss exceeds its smoothed value by `JUMP` times its usual deviation from it, and is at least `FACTOR` times as large. The
    /// first `WARM_UP` steps, in which every loss moves, are left out.
    ///
    /// ## Example
    /// ```trace
    /// step    loss
    /// 0..49   1.0|0.9
    /// 50      9.0
    /// 51..60  1.0|0.9
    /// finding at 50
    /// ```
    /// Noise of a constant size is no spike:
    /// ```trace
    /// step   loss
    /// 0..99  0.5|1.5
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Look at the rows of that batch. Clip the global gradient norm, or lower the learning rate if spikes repeat.
    ///
    /// ## References
    /// - Chowdhery et al., *PaLM: Scaling Language Modeling with Pathways*, 2022, section 5.1, arXiv:2204.02311
    pub(crate) static LOSS_SPIKE: Rule = Rule {
        code: "LOS002",
        name: "loss-spike",
        severity: Severity::Note,
        needs: &[Need::Scalar(Scalar::Loss)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(LossSpike { level: Ema::over(SPAN), deviation: Ema::over(SPAN) }),
    };
}

/// Deviations above the smoothed loss. Our choice: the largest of a million normal deviates is 5.
const JUMP: f64 = 10.0;

/// A spike at least multiplies the loss. Our choice: a loss that is nearly constant has a tiny deviation, and ten of them are no spike.
const FACTOR: f64 = 3.0;

/// Steps before a usual value is known. Our choice.
const WARM_UP: u64 = 20;

/// Steps the usual value is taken over. Our choice.
const SPAN: u32 = 30;

struct LossSpike {
    level: Ema,
    deviation: Ema,
}

impl Watch for LossSpike {
    fn see(&mut self, view: &StepView<'_>, _site: Option<SiteId>) -> Verdict {
        let Some(loss) = view.scalar(Scalar::Loss) else { return Verdict::TooEarly };
        let (level, deviation) = (self.level.get().unwrap_or(loss), self.deviation.get().unwrap_or(0.0));
        self.level.push(loss);
        self.deviation.push((loss - level).abs());
        if self.level.seen() <= WARM_UP {
            return Verdict::TooEarly;
        }
        let limit = (level + JUMP * deviation).max(FACTOR * level.abs());
        if loss <= limit {
            return Verdict::Healthy;
        }
        let message = format!("the loss jumped from about {} to {}", figure(level), figure(loss));
        LOSS_SPIKE.found(view.step(), message).against("loss", loss, limit).into()
    }
}
