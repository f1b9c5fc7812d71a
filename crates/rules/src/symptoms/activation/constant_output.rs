use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds a network that puts out the same values for every example.
    ///
    /// ## Why it matters
    /// Whatever it is shown, it answers the same. A softmax over one unit is 1; a layer that is all dead gives its
    /// biases.
    ///
    /// ## How it is detected
    /// Every output unit has one and the same value over the whole batch, in `READINGS` unit readings in a row of
    /// batches of at least `ROWS` rows.
    ///
    /// ## Example
    /// ```trace
    /// step   out/output.mean  out/output.std  out/output.units  out/output.constant
    /// 0..19  1                0               1                 1
    /// finding at 2 out
    /// ```
    /// Classes that are always right still differ from row to row:
    /// ```trace
    /// step   out/output.mean  out/output.units  out/output.constant
    /// 0..19  0.1              10                2
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// With one output unit use a sigmoid and not a softmax. Otherwise look for the first layer whose units are all
    /// constant.
    ///
    /// ## References
    /// - Zhang et al., *An Empirical Study on TensorFlow Program Bugs*, 2018
    pub(crate) static OUTPUT_CONSTANT: Rule = Rule {
        code: "ACT003",
        name: "output-constant",
        severity: Severity::Warning,
        needs: &[Need::Units(Role::Output)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(OutputConstant::default()),
    };
}

/// Unit readings in a row. Our choice.
const READINGS: u64 = 3;

/// In a batch of one row every unit is constant.
const ROWS: u64 = 2;

#[derive(Default)]
struct OutputConstant {
    streak: Streak,
}

impl Watch for OutputConstant {
    fn see(&mut self, view: &StepView<'_>, _site: Option<SiteId>) -> Verdict {
        let Some((site, role)) = view.output() else { return Verdict::TooEarly };
        let (Some(units), Some(reading)) = (view.units(site, role), view.reading(site, role)) else {
            return Verdict::TooEarly;
        };
        if units.units == 0 || reading.count / u64::from(units.units) < ROWS {
            return Verdict::TooEarly;
        }
        match self.streak.push(units.constant >= units.units) {
            0 => Verdict::Healthy,
            1..READINGS => Verdict::TooEarly,
            _ => {
                let message = match units.units {
                    1 => "the output has the same value for every example".to_owned(),
                    units => format!("all {units} outputs have the same value for every example"),
                };
                let draft = OUTPUT_CONSTANT.found(view.step(), message).at(view, Some(site), role);
                draft.plain("mean output", reading.mean).into()
            }
        }
    }
}
