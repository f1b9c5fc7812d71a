use super::{found, named};
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Names a logarithm as the first operation with finite inputs and a result that is not finite.
    ///
    /// ## Why it matters
    /// The logarithm of 0 is -inf, that of a negative number NaN. A softmax that is sure of itself puts out exact
    /// zeros.
    ///
    /// ## How it is detected
    /// The replay of the failing step names an operation among `OPERATIONS` as the first bad one.
    ///
    /// ## Example
    /// ```trace
    /// step  loss
    /// 0..2  2.3
    /// 3     NaN
    /// incident: operation=log site=head input.min=0 input.max=1 input.zeros=7 rows=112,519
    /// finding at 3 head
    /// ```
    /// ```trace
    /// step  loss
    /// 0..2  2.3
    /// 3     NaN
    /// incident: operation=matmul site=fc1 input.max=1e30
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Use log-softmax (or a loss on scores), or clamp the argument to at least 1e-7.
    ///
    /// ## References
    /// - Zhang et al., *Detecting Numerical Bugs in Neural Network Architectures*, 2020
    pub(crate) static BAD_LOGARITHM: Rule = Rule {
        code: "NUM001",
        name: "bad-logarithm",
        severity: Severity::Error,
        needs: &[Need::Scalar(Scalar::Loss)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(Logarithm),
    };
}

/// Names of the operation, by the usage of torch, Keras and burn.
const OPERATIONS: [&str; 5] = ["log", "log2", "log10", "log1p", "xlogy"];

struct Logarithm;

impl Watch for Logarithm {
    fn see(&mut self, _view: &StepView<'_>, _site: Option<SiteId>) -> Verdict {
        Verdict::Healthy
    }

    fn incident(&mut self, _run: &RunView<'_>, incident: &Incident) -> Verdict {
        if named(incident, &OPERATIONS) { found(&BAD_LOGARITHM, incident) } else { Verdict::Healthy }
    }
}
