use crate::clues::UNLIKELY;
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// The value is fine, its derivative is infinite: the distance of two equal points, the norm of a zero vector.
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
    /// incident: operation=sqrt phase=backward site=distance input.min=0 input.zeros=2
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
    /// Add a small constant under the root.
    ///
    /// ## References
    /// - Zhang et al., *Detecting Numerical Bugs in Neural Network Architectures*, 2020
    pub(crate) static ROOT_GRADIENT_AT_ZERO: CauseRule = CauseRule {
        slug: "root-gradient-at-zero",
        title: "The derivative of a root or a norm at 0",
        explains: &["bad-root", "loss-not-finite", "gradient-not-finite"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    let operation = case.incident.map(|incident| incident.operation.as_str());
    case.weigh(UNLIKELY)
        .symptom("bad-root", 4.5)
        .symptom("gradient-exploding", -1.0)
        .symptom("loss-diverging", -1.0)
        .symptom("inputs-not-finite", -4.0)
        .through(operation.filter(|_| case.has("bad-root")))
        .done()
}

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::advice("add a small constant under the root: sqrt(x + 1e-12)")]
}
