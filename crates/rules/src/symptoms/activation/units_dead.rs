use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds layers most of whose units are zero for every example, batch after batch.
    ///
    /// ## Why it matters
    /// A unit that is zero for every input has zero gradient, so it never recovers. The network silently becomes smaller than it looks.
    ///
    /// ## How it is detected
    /// More than `MAX_DEAD` of the units are zero over the whole batch, in `READINGS` unit readings in a row.
    ///
    /// ## Example
    /// ```trace
    /// step   fc1/activation.zero_share  fc1/activation.dead  fc2/activation.dead
    /// 0..3   0.50                       0                    0
    /// 4..20  0.97                       60                   3
    /// finding at 7 fc1
    /// ```
    /// Half of the outputs off, but no unit off for all, is what a healthy ReLU looks like:
    /// ```trace
    /// step   fc1/activation.zero_share  fc1/activation.dead
    /// 0..20  0.52                       2
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Lower the learning rate, or replace ReLU by GELU or leaky ReLU.
    ///
    /// ## References
    /// - Lu et al., *Dying ReLU and Initialization*, 2019, arXiv:1903.06733
    pub(crate) static UNITS_DEAD: Rule = Rule {
        code: "ACT001",
        name: "units-dead",
        severity: Severity::Warning,
        needs: &[Need::Units(Role::Activation)],
        scope: Scope::Each(Role::Activation),
        since: "0.1.0",
        watch: || Box::new(UnitsDead::default()),
    };
}

/// Our choice: wide layers lose a third of their units and train well; a layer that has lost two thirds has little left to pass on.
const MAX_DEAD: f64 = 0.7;

/// Unit readings in a row. Our choice: they are ten steps apart after the first five, so that four span several batches.
const READINGS: u64 = 4;

#[derive(Default)]
struct UnitsDead {
    streak: Streak,
}

impl Watch for UnitsDead {
    fn see(&mut self, view: &StepView<'_>, site: Option<SiteId>) -> Verdict {
        let Some(units) = site.and_then(|site| view.units(site, Role::Activation)) else { return Verdict::TooEarly };
        let share = f64::from(units.dead) / f64::from(units.units.max(1));
        match self.streak.push(share > MAX_DEAD) {
            0 => Verdict::Healthy,
            1..READINGS => Verdict::TooEarly,
            _ => {
                let message = format!("{} of {} units are zero for every example", units.dead, units.units);
                let draft = UNITS_DEAD.found(view.step(), message).at(view, site, Role::Activation);
                draft.against("share of dead units", share, MAX_DEAD).into()
            }
        }
    }
}
