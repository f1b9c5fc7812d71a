use crate::figure::figure;
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds outputs of several classes that look like probabilities and whose rows do not sum to one.
    ///
    /// ## Why it matters
    /// A categorical cross-entropy is only meaningful for a distribution. With a sigmoid per class, each class can be
    /// likely at once.
    ///
    /// ## How it is detected
    /// At the end of the run the outputs lie in 0..=1, there are class numbers for targets, and rows are off one by
    /// more than `ERROR`.
    ///
    /// ## Example
    /// ```trace
    /// step   loss  out/output.min  out/output.max  output_row_sum  output_row_sum_error
    /// 0..19  1.0   0.1             0.9             2.4             1.5
    /// data: targets.class_counts=10,10,10
    /// finding at end out
    /// ```
    /// ```trace
    /// step   loss  out/output.min  out/output.max  output_row_sum  output_row_sum_error
    /// 0..19  1.0   0.1             0.9             1.0             1e-7
    /// data: targets.class_counts=10,10,10
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// For one class of many use a softmax, or give the scores to a loss that applies it. For several at once use a
    /// binary cross-entropy.
    ///
    /// ## References
    /// - Bishop, *Pattern Recognition and Machine Learning*, 2006, section 4.3.4
    pub(crate) static OUTPUT_ROWS_NOT_ONE: Rule = Rule {
        code: "ACT007",
        name: "output-rows-not-one",
        severity: Severity::Note,
        needs: &[Need::Scalar(Scalar::OutputRowSumError), Need::Reading(Role::Output)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(OutputRowsNotOne),
    };
}

/// Deviation of a row's sum from one. Our choice: rounding in fp16 stays below.
const ERROR: f64 = 0.05;

struct OutputRowsNotOne;

impl Watch for OutputRowsNotOne {
    fn finish(&mut self, run: &RunView<'_>, _site: Option<SiteId>) -> Verdict {
        let (Some((site, output)), Some(error)) = (run.output(), run.digest.row_sum_error.late()) else {
            return Verdict::TooEarly;
        };
        let classes = run.digest.data.as_ref().is_some_and(|data| data.targets.class_counts.len() > 1);
        let probabilities = output.min.min >= 0.0 && output.max.max <= 1.0;
        if !classes || !probabilities || error <= ERROR {
            return Verdict::Healthy;
        }
        let message =
            format!("output rows sum to {} on average", figure(run.digest.row_sum.late().unwrap_or_default()));
        let draft = OUTPUT_ROWS_NOT_ONE.found(run.last_step, message).at(run, Some(site), Role::Output);
        draft.against("deviation of a row's sum from 1", error, ERROR).into()
    }
}
