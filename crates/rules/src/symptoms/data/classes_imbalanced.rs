use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds classes that are far rarer than others.
    ///
    /// ## Why it matters
    /// A network that never answers the rare class has a low loss and a high accuracy.
    ///
    /// ## How it is detected
    /// The most frequent class has more than `RATIO` times the rows of the rarest one that occurs.
    ///
    /// ## Example
    /// ```trace
    /// data: targets.class_counts=950,30,20
    /// finding at 0
    /// ```
    /// ```trace
    /// data: targets.class_counts=300,400,300
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Weigh the loss by class, or draw batches with equal shares. Measure balanced accuracy.
    ///
    /// ## References
    /// - He, Garcia, *Learning from Imbalanced Data*, 2009
    pub(crate) static CLASSES_IMBALANCED: Rule = Rule {
        code: "DAT008",
        name: "classes-imbalanced",
        severity: Severity::Note,
        needs: &[Need::Data],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(ClassesImbalanced),
    };
}

/// Most frequent over rarest class. Our choice.
const RATIO: f64 = 20.0;

struct ClassesImbalanced;

impl Watch for ClassesImbalanced {
    fn data(&mut self, _run: &RunView<'_>, data: &DataReading) -> Verdict {
        let present = data.targets.class_counts.iter().copied().filter(|count| *count > 0);
        let (Some(least), Some(most)) = (present.clone().min(), present.max()) else { return Verdict::Healthy };
        let ratio = most as f64 / least as f64;
        if ratio <= RATIO {
            return Verdict::Healthy;
        }
        let message = format!("the most frequent class has {most} rows, the rarest {least}");
        CLASSES_IMBALANCED.found(0, message).of(Role::Target).against("ratio of class counts", ratio, RATIO).into()
    }
}
