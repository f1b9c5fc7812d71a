use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds class numbers that the network has no output for.
    ///
    /// ## Why it matters
    /// Such a row has no right answer. Some losses fail on it, some read memory that is not theirs, some count it as
    /// another class.
    ///
    /// ## How it is detected
    /// Class numbers are negative or not below the number of outputs. A single negative number that marks rows to be
    /// left out is common, and is left alone if at most `IGNORED` of the rows have it.
    ///
    /// ## Example
    /// ```trace
    /// data: rows=900 targets.out_of_range=90 targets.min=1 targets.max=10
    /// finding at 0
    /// ```
    /// ```trace
    /// data: rows=900 targets.out_of_range=0 targets.min=0 targets.max=9
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Number the classes from 0, and give the last layer one unit for each.
    ///
    /// ## References
    /// - PyTorch, `CrossEntropyLoss`: targets in [0, C)
    pub(crate) static CLASS_LABELS_OUT_OF_RANGE: Rule = Rule {
        code: "DAT005",
        name: "class-labels-out-of-range",
        severity: Severity::Warning,
        needs: &[Need::Data],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(ClassLabelsOutOfRange),
    };
}

/// Share of rows. Our choice: padding and missing labels are written as -1 or -100.
const IGNORED: f64 = 0.5;

struct ClassLabelsOutOfRange;

impl Watch for ClassLabelsOutOfRange {
    fn data(&mut self, _run: &RunView<'_>, data: &DataReading) -> Verdict {
        let targets = &data.targets;
        let share = targets.out_of_range as f64 / data.rows.max(1) as f64;
        let ignored = targets.min < 0.0 && share <= IGNORED;
        if targets.out_of_range == 0 || ignored {
            return Verdict::Healthy;
        }
        let message = format!(
            "{} class numbers are out of range; they reach from {} to {}",
            targets.out_of_range, targets.min, targets.max
        );
        CLASS_LABELS_OUT_OF_RANGE.found(0, message).of(Role::Target).plain("rows", targets.out_of_range as f64).into()
    }
}
