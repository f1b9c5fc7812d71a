use crate::clues::{self, UNLIKELY};
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// Above 88.7 the exponential leaves the range of `f32`.
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
    /// incident: operation=exp site=fc3 input.max=214
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
    /// Subtract the maximum first, as the softmax of the library does.
    ///
    /// ## References
    /// - Zhang et al., *Detecting Numerical Bugs in Neural Network Architectures*, 2020
    pub(crate) static EXP_OVERFLOW: CauseRule = CauseRule {
        slug: "exp-overflow",
        title: "exp or softmax without subtracting the maximum",
        explains: &["bad-exponential", "loss-not-finite", "gradient-not-finite"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    let (_, hidden) = clues::hidden_activations(case, &["exponential", "exp"]);

    let operation = case.incident.map(|incident| incident.operation.as_str());
    case.weigh(UNLIKELY)
        .symptom("bad-exponential", 4.5)
        .symptom("gradient-exploding", -1.0)
        .symptom("loss-diverging", -1.0)
        .symptom("inputs-not-finite", -4.0)
        .when(hidden > 0, -2.0, || Evidence::plain("hidden layers with an exponential activation", hidden as f64))
        .through(operation.filter(|_| case.has("bad-exponential")))
        .done()
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::advice("subtract the maximum before the exponential"), remedy::scale_rate(case, 0.1)]
}
