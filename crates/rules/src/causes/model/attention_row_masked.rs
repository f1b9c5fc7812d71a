use crate::clues::UNLIKELY;
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// A mask forbids every position of a row, so that its softmax is 0/0. Often the row is padding from end to end, or a
    /// sequence of length 0.
    ///
    /// ## How it is weighed
    /// The first bad operation of the failing step is a softmax whose input holds whole rows of -inf.
    ///
    /// ## Example
    /// ```trace
    /// step  loss
    /// 0..2  2.3
    /// 3     NaN
    /// incident: operation=softmax site=attention input.max=3 input.min=-2 input.neg_inf=40 rows=3
    /// cause
    /// ```
    /// A softmax that overflows has no mask:
    /// ```trace
    /// step  loss
    /// 0..2  2.3
    /// 3     NaN
    /// incident: operation=softmax site=head input.max=1e38 input.min=-1e38
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Leave at least one position of each row open.
    ///
    /// ## References
    /// - Vaswani et al., *Attention Is All You Need*, 2017, section 3.2.3, arXiv:1706.03762
    pub(crate) static ATTENTION_ROW_MASKED: CauseRule = CauseRule {
        slug: "attention-row-masked",
        title: "A softmax over a row that is masked everywhere",
        explains: &["masked-row"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    let operation = case.incident.map(|incident| incident.operation.as_str());
    case.weigh(UNLIKELY)
        .symptom("masked-row", 6.0)
        .symptom("inputs-not-finite", -4.0)
        .through(operation.filter(|_| case.has("masked-row")))
        .done()
}

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![
        remedy::advice("leave at least one position of each row open, or take rows out that are padding alone"),
        remedy::advice("mask with a large negative number in place of -inf"),
    ]
}
