use super::masked_row::is_masked_row;
use super::{found, is_large_power, named};
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Names the first operation with finite inputs and a result that is not finite, where it is none of the usual
    /// suspects.
    ///
    /// ## Why it matters
    /// A product or sum that overflows is the end of a growth: what grew is the question, and the readings of the steps
    /// before answer it.
    ///
    /// ## How it is detected
    /// The replay of the failing step names an operation that is not among `OTHERS` as the first bad one. A replay in which every result
    /// is finite names none.
    ///
    /// ## Example
    /// ```trace
    /// step  loss
    /// 0..2  2.3
    /// 3     NaN
    /// incident: operation=matmul site=fc1 input.max=1e30
    /// finding at 3 fc1
    /// ```
    /// ```trace
    /// step  loss
    /// 0..2  2.3
    /// 3     NaN
    /// incident: operation=log site=head input.min=0
    /// healthy
    /// ```
    /// A square that overflows is no root:
    /// ```trace
    /// step  loss
    /// 0..2  2.3
    /// 3     inf
    /// incident: operation=pow site=loss input.min=-1e20 input.max=3e20
    /// finding at 3 loss
    /// ```
    ///
    /// ## Fix
    /// Look at what grew in the steps before: weights, activations or gradients.
    ///
    /// ## References
    /// - IEEE 754-2019, section 7.4: overflow
    pub(crate) static BAD_OPERATION: Rule = Rule {
        code: "NUM005",
        name: "bad-operation",
        severity: Severity::Error,
        needs: &[Need::Scalar(Scalar::Loss)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(Other),
    };
}

/// Operations that have a rule of their own, by the first letters of their names.
const OTHERS: [&str; 23] = [
    "log",
    "log2",
    "log10",
    "log1p",
    "xlogy",
    "div",
    "true_divide",
    "divide",
    "reciprocal",
    "recip",
    "sqrt",
    "rsqrt",
    "norm",
    "pow",
    "linalg_vector_norm",
    "cdist",
    "exp",
    "expm1",
    "exp2",
    "sinh",
    "cosh",
    "softmax",
    "input",
];

struct Other;

impl Watch for Other {
    fn see(&mut self, _view: &StepView<'_>, _site: Option<SiteId>) -> Verdict {
        Verdict::Healthy
    }

    fn incident(&mut self, _run: &RunView<'_>, incident: &Incident) -> Verdict {
        let of_none = incident.victims == 0;
        if of_none || (named(incident, &OTHERS) && !is_large_power(incident)) || is_masked_row(incident) {
            Verdict::Healthy
        } else {
            found(&BAD_OPERATION, incident)
        }
    }
}
