use crate::clues::{self, UNLIKELY};
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// A probability of exactly zero, or a number that is none, is put into a logarithm.
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
    /// incident: operation=log site=head input.min=0 input.max=1 input.zeros=7
    /// cause
    /// ```
    /// ```trace
    /// step  loss
    /// 0..2  2.3
    /// 3     NaN
    /// incident: operation=matmul site=fc1 input.max=1e30
    /// no cause
    /// ```
    /// The logarithm of something else than the outputs:
    /// ```trace
    /// facts: loss_takes=real
    /// step  loss  out/output.min  out/output.max
    /// 0..3  2     -2              3
    /// 4     NaN   -2              3
    /// incident: operation=log site=loss input.min=-0.2 input.max=40
    /// cause
    /// ```
    ///
    /// ## Fix
    /// Clamp the argument, or use log-softmax.
    ///
    /// ## References
    /// - Zhang et al., *Detecting Numerical Bugs in Neural Network Architectures*, 2020
    pub(crate) static LOG_OF_NONPOSITIVE: CauseRule = CauseRule {
        slug: "log-of-nonpositive",
        title: "Logarithm of zero or of a negative number",
        explains: &["bad-logarithm", "loss-not-finite", "gradient-not-finite"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    let argument = case.incident.and_then(|incident| incident.inputs.first());
    let outputs = argument.filter(|input| clues::is_of_outputs(case, &input.reading) != Some(false));
    let negative = outputs.filter(|input| input.reading.min < 0.0);
    let operation = case.incident.map(|incident| incident.operation.as_str());
    case.weigh(UNLIKELY)
        .symptom("bad-logarithm", 4.5)
        .symptom("gradient-exploding", -1.0)
        .symptom("loss-diverging", -1.0)
        .symptom("inputs-not-finite", -4.0)
        .given(
            negative.map(|input| {
                Evidence::against("the argument is negative, and so no probability", input.reading.min, 0.0)
            }),
            -1.0,
        )
        .through(operation.filter(|_| case.has("bad-logarithm")))
        .done()
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::loss_on_scores(case), remedy::advice("clamp the argument of the logarithm to at least 1e-7")]
}
