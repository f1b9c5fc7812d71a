use super::{found, named};
use crate::prelude::*;
use barograph_vocab::OperationInput;

rule! {
    /// ## What it does
    /// Names a softmax of a row that is -inf everywhere as the first operation with a result that is not a number.
    ///
    /// ## Why it matters
    /// A mask puts -inf where nothing may be chosen. Where it leaves nothing to choose, the softmax is 0/0.
    ///
    /// ## How it is detected
    /// The replay of the failing step names an operation among `OPERATIONS` as the first bad one, and one of its inputs holds
    /// at least as many values of -inf as a row has, and neither NaN nor +inf.
    ///
    /// ## Example
    /// ```trace
    /// step  loss
    /// 0..2  2.3
    /// 3     NaN
    /// incident: operation=softmax site=attention input.max=3 input.min=-2 input.neg_inf=40 rows=3
    /// finding at 3 attention
    /// ```
    /// An ordinary mask:
    /// ```trace
    /// step  loss
    /// 0..2  2.3
    /// 3     NaN
    /// incident: operation=matmul site=fc1 input.max=1e30 input.neg_inf=40
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Leave at least one position of each row open, or leave rows out that have none; a large negative number in place of
    /// -inf gives equal weights there.
    ///
    /// ## References
    /// - PyTorch, `MultiheadAttention`: `key_padding_mask`
    pub(crate) static MASKED_ROW: Rule = Rule {
        code: "NUM006",
        name: "masked-row",
        severity: Severity::Error,
        needs: &[Need::Scalar(Scalar::Loss)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(MaskedRow),
    };
}

/// Names of the operation, by the usage of torch, Keras and burn.
const OPERATIONS: [&str; 6] = [
    "softmax",
    "log_softmax",
    "softmin",
    "masked_softmax",
    "scaled_dot_product_attention",
    "multi_head_attention_forward",
];

/// Whether the operation is a softmax of whole rows of -inf: a mask that leaves nothing to choose. Infinities of a mask are meant, so that
/// the inputs of the first bad operation may hold them.
pub(super) fn is_masked_row(incident: &Incident) -> bool {
    let rows = |input: &OperationInput| {
        let row = u64::from(input.shape.last().copied().unwrap_or(1).max(1));
        input.reading.neg_inf >= row && input.reading.nan == 0 && input.reading.pos_inf == 0
    };
    named(incident, &OPERATIONS) && incident.inputs.iter().any(rows)
}

struct MaskedRow;

impl Watch for MaskedRow {
    fn see(&mut self, _view: &StepView<'_>, _site: Option<SiteId>) -> Verdict {
        Verdict::Healthy
    }

    fn incident(&mut self, _run: &RunView<'_>, incident: &Incident) -> Verdict {
        if is_masked_row(incident) { found(&MASKED_ROW, incident) } else { Verdict::Healthy }
    }
}
