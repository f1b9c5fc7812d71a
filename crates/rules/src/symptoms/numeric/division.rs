use super::{found, named};
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Names a division as the first operation with finite inputs and a result that is not finite.
    ///
    /// ## Why it matters
    /// 0/0 is NaN and x/0 infinite: the standard deviation of a constant column, the sum of an empty mask, the length
    /// of an empty sequence.
    ///
    /// ## How it is detected
    /// The replay of the failing step names an operation among `OPERATIONS` as the first bad one.
    ///
    /// ## Example
    /// ```trace
    /// step  loss
    /// 0..2  2.3
    /// 3     NaN
    /// incident: operation=div site=norm input.min=0 input.zeros=1
    /// finding at 3 norm
    /// ```
    /// ```trace
    /// step  loss
    /// 0..2  2.3
    /// 3     NaN
    /// incident: operation=log site=head input.min=0
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Add a small constant to the divisor, or leave the case of zero out.
    ///
    /// ## References
    /// - IEEE 754-2019, section 7.3: division by zero
    pub(crate) static BAD_DIVISION: Rule = Rule {
        code: "NUM002",
        name: "bad-division",
        severity: Severity::Error,
        needs: &[Need::Scalar(Scalar::Loss)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(Division),
    };
}

/// Names of the operation, by the usage of torch, Keras and burn.
const OPERATIONS: [&str; 5] = ["div", "true_divide", "divide", "reciprocal", "recip"];

struct Division;

impl Watch for Division {
    fn see(&mut self, _view: &StepView<'_>, _site: Option<SiteId>) -> Verdict {
        Verdict::Healthy
    }

    fn incident(&mut self, _run: &RunView<'_>, incident: &Incident) -> Verdict {
        if named(incident, &OPERATIONS) { found(&BAD_DIVISION, incident) } else { Verdict::Healthy }
    }
}
