use crate::figure::figure;
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds a dynamic loss scale that is lowered again and again.
    ///
    /// ## Why it matters
    /// It is halved, and the step skipped, whenever a gradient overflows. A few times at the start are the search for a fitting
    /// scale. Below 1 the gradients themselves are too large, or not numbers at any scale, and no step is done.
    ///
    /// ## How it is detected
    /// The scale falls below `LEAST`, or it is lowered `TIMES` times without being raised between.
    ///
    /// ## Example
    /// ```trace
    /// step   loss  loss_scale
    /// 0..19  2.3   65536=>0.125
    /// finding at 12
    /// ```
    /// The search for a scale:
    /// ```trace
    /// step   loss      loss_scale
    /// 0..4   2.3       65536=>4096
    /// 5..99  2.3->0.1  4096
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Find what overflows: run the step in full precision, or in bfloat16, which has the range of `f32`.
    ///
    /// ## References
    /// - Micikevicius et al., *Mixed Precision Training*, 2018, section 3.2, arXiv:1710.03740
    pub(crate) static LOSS_SCALE_FALLING: Rule = Rule {
        code: "PRE001",
        name: "loss-scale-falling",
        severity: Severity::Warning,
        needs: &[Need::Scalar(Scalar::LossScale)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(LossScaleFalling::default()),
    };
}

/// A scale of 1 is none. Below it gradients are made smaller, which mixed precision never needs: `f32` master gradients have room.
const LEAST: f64 = 1.0;

/// Times in a row. Our choice: PyTorch starts at 65,536 and then is at 16.
const TIMES: u64 = 12;

#[derive(Default)]
struct LossScaleFalling {
    previous: Option<f64>,
    first: f64,
    lowered: u64,
}

impl Watch for LossScaleFalling {
    fn see(&mut self, view: &StepView<'_>, _site: Option<SiteId>) -> Verdict {
        let Some(scale) = view.scalar(Scalar::LossScale) else { return Verdict::TooEarly };
        let previous = self.previous.replace(scale).unwrap_or(scale);
        if scale > previous || self.lowered == 0 {
            (self.first, self.lowered) = (previous, 0);
        }
        self.lowered += u64::from(scale < previous);
        let collapsed = scale < LEAST && self.lowered > 0;
        if !collapsed && self.lowered < TIMES {
            return Verdict::Healthy;
        }
        let message = format!(
            "the loss scale was lowered {} times in a row, from {} to {}",
            self.lowered,
            figure(self.first),
            figure(scale)
        );
        LOSS_SCALE_FALLING.found(view.step(), message).against("loss scale", scale, LEAST).into()
    }

    fn sees_broken_steps(&self) -> bool {
        true
    }
}
