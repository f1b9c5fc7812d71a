use crate::clues::UNLIKELY;
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// The divisor is zero: the deviation of a constant column, the sum of an empty mask.
    ///
    /// ## How it is weighed
    /// The replay of the failing step names it as the first bad operation. If the run had long been running away by
    /// then, the operation is only where it showed, and that speaks against it.
    ///
    /// ## Example
    /// ```trace
    /// step  loss
    /// 0..2  2.3
    /// 3     NaN
    /// incident: operation=div site=norm input.min=0 input.zeros=1
    /// cause
    /// ```
    /// ```trace
    /// step  loss
    /// 0..2  2.3
    /// 3     NaN
    /// incident: operation=matmul site=fc1 input.max=1e30
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Add a small constant to the divisor.
    ///
    /// ## References
    /// - Zhang et al., *Detecting Numerical Bugs in Neural Network Architectures*, 2020
    pub(crate) static DIVISION_BY_ZERO: CauseRule = CauseRule {
        slug: "division-by-zero",
        title: "0/0 or x/0",
        explains: &["bad-division", "loss-not-finite", "gradient-not-finite"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    let operation = case.incident.map(|incident| incident.operation.as_str());
    case.weigh(UNLIKELY)
        .symptom("bad-division", 4.5)
        .symptom("gradient-exploding", -1.0)
        .symptom("loss-diverging", -1.0)
        .symptom("inputs-not-finite", -4.0)
        .through(operation.filter(|_| case.has("bad-division")))
        .done()
}

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::advice("add a small constant to the divisor, or leave the case of zero out")]
}
