use crate::figure::figure;
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds a global gradient norm that grows by orders of magnitude while the loss does not fall.
    ///
    /// ## Why it matters
    /// The next update is as much too long as the gradient has grown. Weights, and then the loss, run out of range
    /// within a few steps.
    ///
    /// ## How it is detected
    /// The norm, smoothed over `FAST` steps, exceeds its average over `SLOW` steps `GROWTH` times, in `READINGS` steps
    /// in a row, and the loss is above its own average. The first `WARM_UP` steps only set the averages.
    ///
    /// ## Example
    /// ```trace
    /// step    loss     fc1/gradient.l2
    /// 0..29   2.3      1.0|1.1
    /// 30..49  2.3=>20  1.0=>1e5
    /// finding at 39
    /// ```
    /// At the end of a plateau the gradient grows and the loss falls:
    /// ```trace
    /// step    loss       fc1/gradient.l2
    /// 0..29   0.70       0.001
    /// 30..49  0.70->0.1  0.001=>1
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Clip the global gradient norm at 1, and lower the learning rate.
    ///
    /// ## References
    /// - Pascanu, Mikolov, Bengio, *On the Difficulty of Training Recurrent Neural Networks*, 2013, arXiv:1211.5063
    pub(crate) static GRADIENT_EXPLODING: Rule = Rule {
        code: "GRD002",
        name: "gradient-exploding",
        severity: Severity::Warning,
        needs: &[Need::Reading(Role::Gradient)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(GradientExploding::default()),
    };
}

/// Times the average norm. Our choice: single batches reach ten, an average of three seldom.
const GROWTH: f64 = 10.0;

/// Span of the average now, in steps. Our choice.
const FAST: u32 = 3;

/// Span of the average before, in steps. Our choice.
const SLOW: u32 = 50;

/// Steps in a row. Our choice.
const READINGS: u64 = 3;

/// Steps that only set the averages. Our choice: short runs are judged too.
const WARM_UP: u64 = 5;

struct GradientExploding {
    norm: Ema,
    usual_norm: Ema,
    loss: Ema,
    usual_loss: Ema,
    streak: Streak,
}

impl Default for GradientExploding {
    fn default() -> Self {
        let [norm, loss] = [Ema::over(FAST); 2];
        let [usual_norm, usual_loss] = [Ema::over(SLOW); 2];
        Self { norm, usual_norm, loss, usual_loss, streak: Streak::default() }
    }
}

impl Watch for GradientExploding {
    fn see(&mut self, view: &StepView<'_>, _site: Option<SiteId>) -> Verdict {
        let (Some(norm), Some(loss)) = (view.gradient_norm(), view.scalar(Scalar::Loss)) else {
            return Verdict::TooEarly;
        };
        self.norm.push(norm);
        self.loss.push(loss);
        let usual = self.usual_norm.get().unwrap_or(norm);
        let usual_loss = self.usual_loss.get().unwrap_or(loss);
        self.usual_norm.push(norm);
        self.usual_loss.push(loss);
        let (Some(now), Some(loss_now)) = (self.norm.get(), self.loss.get()) else { return Verdict::TooEarly };
        if self.norm.seen() <= WARM_UP {
            return Verdict::TooEarly;
        }
        if self.streak.push(now > GROWTH * usual && loss_now > usual_loss) < READINGS {
            return Verdict::Healthy;
        }
        let message = format!("the gradient norm is {}, {:.0} times what it was", figure(now), now / usual);
        GRADIENT_EXPLODING.found(view.step(), message).against("gradient norm", now, GROWTH * usual).into()
    }
}
