use crate::figure::figure;
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds a loss that rises far above where it began and stays there.
    ///
    /// ## Why it matters
    /// Training is moving away from any solution. What follows is seldom better than starting again.
    ///
    /// ## How it is detected
    /// The loss, smoothed over `SPAN` steps, stays above `RISE` times its level at the beginning and `FACTOR` times its
    /// best level for the patience of `PATIENCE`. Losses that go below zero have no such scale and are left out.
    ///
    /// ## Example
    /// ```trace
    /// step    loss
    /// 0..9    2.3
    /// 10..59  2.3=>200
    /// finding at 45
    /// ```
    /// A bad start that is overcome is no divergence:
    /// ```trace
    /// facts: steps=200
    /// step    loss
    /// 0..2    2.3
    /// 3..6    12.0
    /// 7..199  2.0->0.1
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Lower the learning rate by a factor of ten, or clip the global gradient norm.
    ///
    /// ## References
    /// - Goodfellow, Bengio, Courville, *Deep Learning*, 2016, section 8.3.1
    pub(crate) static LOSS_DIVERGING: Rule = Rule {
        code: "LOS003",
        name: "loss-diverging",
        severity: Severity::Warning,
        needs: &[Need::Scalar(Scalar::Loss)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(LossDiverging::default()),
    };
}

/// Times the level of the beginning. Our choice: noise and a warm-up stay below.
const RISE: f64 = 1.5;

/// Times the best level. Our choice.
const FACTOR: f64 = 3.0;

/// Steps of smoothing. Our choice.
const SPAN: u32 = 5;

/// Our choice: long enough for a spike to pass.
const PATIENCE: Patience = Patience { steps: 20, share: 0.1 };

struct LossDiverging {
    level: Ema,
    first: Ema,
    best: f64,
    streak: Streak,
}

impl Default for LossDiverging {
    fn default() -> Self {
        Self { level: Ema::over(SPAN), first: Ema::over(SPAN), best: f64::INFINITY, streak: Streak::default() }
    }
}

impl Watch for LossDiverging {
    fn see(&mut self, view: &StepView<'_>, _site: Option<SiteId>) -> Verdict {
        let Some(loss) = view.scalar(Scalar::Loss) else { return Verdict::TooEarly };
        self.level.push(loss);
        if self.first.seen() < u64::from(SPAN) {
            self.first.push(loss);
        }
        let (Some(level), Some(first)) = (self.level.get(), self.first.get()) else { return Verdict::TooEarly };
        self.best = self.best.min(level);
        let limit = (RISE * first).max(FACTOR * self.best);
        let streak = self.streak.push(self.best > 0.0 && level > limit);
        if streak == 0 {
            return Verdict::Healthy;
        }
        if streak < PATIENCE.of(view.planned_steps) {
            return Verdict::TooEarly;
        }
        let message = format!("the loss rose from {} to {} and stays there", figure(first), figure(level));
        LOSS_DIVERGING.found(view.step(), message).against("smoothed loss", level, limit).into()
    }
}
