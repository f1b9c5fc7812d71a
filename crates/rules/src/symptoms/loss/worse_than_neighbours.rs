use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds a network that ends far below what copying the answer of the most similar example would give.
    ///
    /// ## Why it matters
    /// The inputs tell the targets, as the nearest neighbour shows, and the network does not get it out of them.
    /// Something between the two is wrong.
    ///
    /// ## How it is detected
    /// At the end of the run the skill is below `SKILL`, and at least `GAP` below the skill of the nearest neighbour.
    ///
    /// ## Example
    /// ```trace
    /// step   loss      accuracy  chance_loss
    /// 0..99  2.3->1.5  0.1->0.4  2.3
    /// data: neighbour_skill=0.95 targets.class_counts=100,100,100,100
    /// finding at end
    /// ```
    /// ```trace
    /// step   loss      accuracy   chance_loss
    /// 0..99  2.3->0.2  0.1->0.97  2.3
    /// data: neighbour_skill=0.95 targets.class_counts=100,100,100,100
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Look at the other findings: the learning rate, the scale of inputs and targets, the last activation, and the
    /// loss, in this order.
    ///
    /// ## References
    /// - Cover, Hart, *Nearest Neighbor Pattern Classification*, 1967: its error is at most twice the best possible
    pub(crate) static WORSE_THAN_NEIGHBOURS: Rule = Rule {
        code: "LOS010",
        name: "worse-than-neighbours",
        severity: Severity::Warning,
        needs: &[Need::Data, Need::Scalar(Scalar::Loss)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(WorseThanNeighbours),
    };
}

/// A network above this learns. Our choice.
const SKILL: f64 = 0.75;

/// How much better the neighbour is. Our choice.
const GAP: f64 = 0.25;

struct WorseThanNeighbours;

impl Watch for WorseThanNeighbours {
    fn finish(&mut self, run: &RunView<'_>, _site: Option<SiteId>) -> Verdict {
        let neighbour = run.digest.data.as_ref().and_then(|data| data.neighbour_skill);
        let (Some(skill), Some(neighbour)) = (run.digest.skill(), neighbour) else { return Verdict::TooEarly };
        if run.digest.broken_at.is_some() {
            return Verdict::TooEarly;
        }
        if skill >= SKILL || neighbour - skill < GAP {
            return Verdict::Healthy;
        }
        let message = format!("the network explains {skill:.2} of the targets, the nearest neighbour {neighbour:.2}");
        WORSE_THAN_NEIGHBOURS.found(run.last_step, message).against("skill", skill, neighbour).into()
    }
}
