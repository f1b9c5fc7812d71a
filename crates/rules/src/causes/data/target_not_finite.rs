use crate::clues::UNLIKELY;
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// Rows without a target have NaN there, and so has their loss.
    ///
    /// ## How it is weighed
    /// Targets that are not finite speak for it, and hardly anything against it.
    ///
    /// ## Example
    /// ```trace
    /// step  loss  y/target.rms  y/target.nan
    /// 0..2  2.3   1             0
    /// 3     NaN   1             2
    /// cause
    /// ```
    /// ```trace
    /// step  loss  y/target.rms  y/target.nan
    /// 0..2  2.3   1             0
    /// 3     NaN   1             0
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Remove the rows, or mask them in the loss.
    ///
    /// ## References
    /// - Little, Rubin, *Statistical Analysis with Missing Data*, 2019
    pub(crate) static TARGET_NOT_FINITE: CauseRule = CauseRule {
        slug: "target-not-finite",
        title: "Missing targets",
        explains: &["targets-not-finite", "loss-not-finite"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    case.weigh(UNLIKELY).symptom("targets-not-finite", 6.0).done()
}

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::advice("remove the rows without a target, or mask them in the loss")]
}
