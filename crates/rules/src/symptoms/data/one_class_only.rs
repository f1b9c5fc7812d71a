use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds targets that are the same for every row.
    ///
    /// ## Why it matters
    /// A constant answers all of them, and the loss falls to zero without anything being learned.
    ///
    /// ## How it is detected
    /// All class numbers, or all real targets, of at least `ROWS` rows have one value.
    ///
    /// ## Example
    /// ```trace
    /// step  loss
    /// 0..9  2.3->0.01
    /// data: rows=900 targets.distinct=1 targets.class_counts=900
    /// finding at 0
    /// ```
    /// ```trace
    /// step  loss
    /// 0..9  2.3->0.01
    /// data: rows=900 targets.distinct=10 targets.class_counts=90,90,90,90,90,90,90,90,90,90
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Check how the labels are loaded: a division of integers, a wrong column or a filter makes them all equal.
    ///
    /// ## References
    /// - Humbatova et al., *Taxonomy of Real Faults in Deep Learning Systems*, 2020, arXiv:1910.11015
    pub(crate) static ONE_CLASS_ONLY: Rule = Rule {
        code: "DAT006",
        name: "one-class-only",
        severity: Severity::Warning,
        needs: &[Need::Data],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(OneClassOnly),
    };
}

/// Fewer rows may be equal by chance. Our choice.
const ROWS: u64 = 20;

struct OneClassOnly;

impl Watch for OneClassOnly {
    fn data(&mut self, _run: &RunView<'_>, data: &DataReading) -> Verdict {
        let targets = &data.targets;
        let one_class = targets.class_counts.iter().filter(|count| **count > 0).count() == 1;
        if data.rows < ROWS || !(targets.distinct == 1 || one_class) || targets.bad_rows > 0 {
            return Verdict::Healthy;
        }
        let message = format!("all {} rows have the same target, {}", data.rows, targets.min);
        ONE_CLASS_ONLY.found(0, message).of(Role::Target).plain("distinct targets", 1.0).into()
    }
}
