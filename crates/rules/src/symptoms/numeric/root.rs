use super::{found, is_large_power, named};
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Names a root, a norm or a power as the first operation whose result or derivative is not finite.
    ///
    /// ## Why it matters
    /// The derivative of sqrt(x) at 0 is infinite. The loss looks fine, and the gradient is NaN: the distance of two
    /// equal points does it.
    ///
    /// ## How it is detected
    /// The replay of the failing step names an operation among `OPERATIONS` as the first bad one, forward or backward.
    ///
    /// ## Example
    /// ```trace
    /// step  loss
    /// 0..2  2.3
    /// 3     2.2
    /// incident: operation=sqrt phase=backward site=distance input.min=0 input.zeros=2
    /// finding at 3 distance
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
    /// Add a small constant under the root: sqrt(x + 1e-12).
    ///
    /// ## References
    /// - JAX, *FAQ: Gradients contain NaN where using where*
    pub(crate) static BAD_ROOT: Rule = Rule {
        code: "NUM003",
        name: "bad-root",
        severity: Severity::Error,
        needs: &[Need::Scalar(Scalar::Loss)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(Root),
    };
}

/// Names of the operation, by the usage of torch, Keras and burn.
const OPERATIONS: [&str; 6] = ["sqrt", "rsqrt", "norm", "pow", "linalg_vector_norm", "cdist"];

struct Root;

impl Watch for Root {
    fn see(&mut self, _view: &StepView<'_>, _site: Option<SiteId>) -> Verdict {
        Verdict::Healthy
    }

    fn incident(&mut self, _run: &RunView<'_>, incident: &Incident) -> Verdict {
        if named(incident, &OPERATIONS) && !is_large_power(incident) {
            found(&BAD_ROOT, incident)
        } else {
            Verdict::Healthy
        }
    }
}
