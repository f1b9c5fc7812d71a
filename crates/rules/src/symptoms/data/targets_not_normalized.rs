use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds real targets orders of magnitude away from what a fresh network puts out.
    ///
    /// ## Why it matters
    /// A fresh network answers about 1. Until its last layer has grown to the targets' scale, the loss and its gradient
    /// are enormous.
    ///
    /// ## How it is detected
    /// The mean or the deviation of targets that are not class numbers is above `SCALE` in magnitude.
    ///
    /// ## Example
    /// ```trace
    /// data: targets.mean=5000 targets.std=2900 targets.min=0 targets.max=10000 targets.distinct=900
    /// finding at 0
    /// ```
    /// ```trace
    /// data: targets.mean=0 targets.std=1 targets.min=-3 targets.max=3 targets.distinct=900
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Subtract the targets' mean, divide by their standard deviation, and undo both in the predictions.
    ///
    /// ## References
    /// - LeCun, Bottou, Orr, Müller, *Efficient BackProp*, 1998, section 4.5
    pub(crate) static TARGETS_NOT_NORMALIZED: Rule = Rule {
        code: "DAT007",
        name: "targets-not-normalized",
        severity: Severity::Note,
        needs: &[Need::Data],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(TargetsNotNormalized),
    };
}

/// Our choice.
const SCALE: f64 = 30.0;

struct TargetsNotNormalized;

impl Watch for TargetsNotNormalized {
    fn data(&mut self, _run: &RunView<'_>, data: &DataReading) -> Verdict {
        let targets = &data.targets;
        let scale = targets.std.max(targets.mean.abs());
        if targets.integer || !targets.class_counts.is_empty() || scale <= SCALE {
            return Verdict::Healthy;
        }
        let message = format!("the targets have a mean of {:.1} and a deviation of {:.1}", targets.mean, targets.std);
        TARGETS_NOT_NORMALIZED.found(0, message).of(Role::Target).against("scale of the targets", scale, SCALE).into()
    }
}
