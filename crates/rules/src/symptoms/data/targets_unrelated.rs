use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds targets that similar inputs do not share.
    ///
    /// ## Why it matters
    /// Where the nearest example tells nothing about the target, inputs and targets may not belong together: one of the
    /// two was shuffled alone.
    ///
    /// ## How it is detected
    /// The nearest neighbour among at least `ROWS` rows explains less than `SKILL` of the targets. Hard problems do so
    /// as well, which is why this is a note.
    ///
    /// ## Example
    /// ```trace
    /// data: neighbour_skill=-0.9
    /// finding at 0
    /// ```
    /// ```trace
    /// data: neighbour_skill=0.8
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Take a few rows and check by hand that input and target belong together, after all loading and shuffling.
    ///
    /// ## References
    /// - Cover, Hart, *Nearest Neighbor Pattern Classification*, 1967
    pub(crate) static TARGETS_UNRELATED: Rule = Rule {
        code: "DAT010",
        name: "targets-unrelated",
        severity: Severity::Note,
        needs: &[Need::Data],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(TargetsUnrelated),
    };
}

/// Share of the variance, or of the errors of a constant answer. Our choice: unrelated real targets give -1, classes 0 or below.
const SKILL: f64 = 0.02;

/// Fewer rows tell nothing. Our choice.
const ROWS: u32 = 100;

struct TargetsUnrelated;

impl Watch for TargetsUnrelated {
    fn data(&mut self, _run: &RunView<'_>, data: &DataReading) -> Verdict {
        let Some(skill) = data.neighbour_skill.filter(|_| data.neighbour_rows >= ROWS) else {
            return Verdict::TooEarly;
        };
        if skill >= SKILL {
            return Verdict::Healthy;
        }
        let message = format!("the nearest neighbour explains {skill:.2} of the targets");
        TARGETS_UNRELATED
            .found(0, message)
            .of(Role::Target)
            .against("share that neighbours explain", skill, SKILL)
            .into()
    }
}
