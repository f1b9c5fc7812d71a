use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds batches that come ordered by class.
    ///
    /// ## Why it matters
    /// Each batch pulls the network towards its own class, and the next batch back again. What the last batches held is
    /// what it remembers.
    ///
    /// ## How it is detected
    /// Neighbouring rows, in the order of training, share their class more often than `MORE` above what a random order
    /// gives.
    ///
    /// ## Example
    /// ```trace
    /// data: targets.class_counts=300,300,300 targets.repeated=0.99 targets.repeated_expected=0.33
    /// finding at 0
    /// ```
    /// ```trace
    /// data: targets.class_counts=300,300,300 targets.repeated=0.35 targets.repeated_expected=0.33
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Shuffle the rows anew before each epoch.
    ///
    /// ## References
    /// - Bottou, *Stochastic Gradient Descent Tricks*, 2012: randomly shuffle the training examples
    pub(crate) static BATCHES_ORDERED: Rule = Rule {
        code: "DAT009",
        name: "batches-ordered",
        severity: Severity::Warning,
        needs: &[Need::Data],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(BatchesOrdered),
    };
}

/// Share of neighbours above a random order. Our choice: with 100 rows chance stays below 0.15.
const MORE: f64 = 0.3;

struct BatchesOrdered;

impl Watch for BatchesOrdered {
    fn data(&mut self, _run: &RunView<'_>, data: &DataReading) -> Verdict {
        let targets = &data.targets;
        let limit = targets.repeated_expected + MORE;
        if targets.class_counts.len() < 2 || targets.repeated <= limit {
            return Verdict::Healthy;
        }
        let message = format!(
            "{:.0}% of neighbouring rows have the same class; {:.0}% would by chance",
            100.0 * targets.repeated,
            100.0 * targets.repeated_expected
        );
        BATCHES_ORDERED
            .found(0, message)
            .of(Role::Target)
            .against("share of equal neighbours", targets.repeated, limit)
            .into()
    }
}
