use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds a loss that compares each row of the batch with every row of it.
    ///
    /// ## Why it matters
    /// Outputs of shape `(N, 1)` minus targets of shape `(N)` are `(N, N)`: each output is held against the targets of all
    /// rows. The best answer to that is their mean, whatever the inputs.
    ///
    /// ## How it is detected
    /// More than `ROWS` rows were compared with each row of the batch in `READINGS` steps in a row.
    ///
    /// ## Example
    /// ```trace
    /// step   loss      loss_rows_compared
    /// 0..19  1.2->1.0  32
    /// finding at 2
    /// ```
    /// ```trace
    /// step   loss      loss_rows_compared
    /// 0..19  1.2->0.1  1
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Give both the same shape: `output.squeeze(-1)`, or `target.unsqueeze(-1)`.
    ///
    /// ## References
    /// - PyTorch, `mse_loss`: a target size that differs from the input size leads to incorrect results by broadcasting
    pub(crate) static LOSS_BROADCAST: Rule = Rule {
        code: "LOS014",
        name: "loss-broadcast",
        severity: Severity::Warning,
        needs: &[Need::Scalar(Scalar::LossRowsCompared)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(LossBroadcast::default()),
    };
}

/// Each row has one row of targets.
const ROWS: f64 = 1.0;

/// Steps in a row. Our choice: one odd batch is none of a loss.
const READINGS: u64 = 3;

#[derive(Default)]
struct LossBroadcast {
    streak: Streak,
}

impl Watch for LossBroadcast {
    fn see(&mut self, view: &StepView<'_>, _site: Option<SiteId>) -> Verdict {
        let Some(compared) = view.scalar(Scalar::LossRowsCompared) else { return Verdict::TooEarly };
        match self.streak.push(compared > ROWS) {
            0 => Verdict::Healthy,
            1..READINGS => Verdict::TooEarly,
            _ => {
                let message = format!("the loss compares each row of the batch with {compared:.0} rows");
                LOSS_BROADCAST.found(view.step(), message).against("rows compared with each row", compared, ROWS).into()
            }
        }
    }
}
