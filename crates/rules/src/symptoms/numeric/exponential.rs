use super::masked_row::is_masked_row;
use super::{found, named};
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Names an exponential as the first operation with finite inputs and a result that is not finite.
    ///
    /// ## Why it matters
    /// exp overflows above 88.7 in `f32` and above 11.1 in fp16. inf/inf after it is NaN.
    ///
    /// ## How it is detected
    /// The replay of the failing step names an operation among `OPERATIONS` as the first bad one.
    ///
    /// ## Example
    /// ```trace
    /// step  loss
    /// 0..2  2.3
    /// 3     NaN
    /// incident: operation=exp site=fc3 input.max=214
    /// finding at 3 fc3
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
    /// Subtract the maximum before the exponential, as softmax and logsumexp of the library do; replace an exponential
    /// activation by softplus.
    ///
    /// ## References
    /// - Goodfellow, Bengio, Courville, *Deep Learning*, 2016, section 4.1: overflow and underflow
    pub(crate) static BAD_EXPONENTIAL: Rule = Rule {
        code: "NUM004",
        name: "bad-exponential",
        severity: Severity::Error,
        needs: &[Need::Scalar(Scalar::Loss)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(Exponential),
    };
}

/// Names of the operation, by the usage of torch, Keras and burn.
const OPERATIONS: [&str; 6] = ["exp", "expm1", "exp2", "sinh", "cosh", "softmax"];

struct Exponential;

impl Watch for Exponential {
    fn see(&mut self, _view: &StepView<'_>, _site: Option<SiteId>) -> Verdict {
        Verdict::Healthy
    }

    fn incident(&mut self, _run: &RunView<'_>, incident: &Incident) -> Verdict {
        if named(incident, &OPERATIONS) && !is_masked_row(incident) {
            found(&BAD_EXPONENTIAL, incident)
        } else {
            Verdict::Healthy
        }
    }
}
