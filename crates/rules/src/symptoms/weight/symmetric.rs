use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds layers whose units have exactly equal weights.
    ///
    /// ## Why it matters
    /// Equal units get equal gradients and stay equal for ever: the layer is one unit wide.
    ///
    /// ## How it is detected
    /// At least `SHARE` of the units of a weight (biases left out) equal another one in `READINGS` unit readings in a
    /// row. Units of zeros are not counted, since a last layer often starts there on purpose.
    ///
    /// ## Example
    /// ```trace
    /// step  fc1/weight.l2  fc1/weight.duplicates  fc2/weight.duplicates
    /// 0..9  0.1            63                     0
    /// finding at 2 fc1
    /// ```
    /// A layer that starts equal and comes apart:
    /// ```trace
    /// step  fc1/weight.l2  fc1/weight.duplicates
    /// 0..1  0.1            63
    /// 2..9  0.1            0
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Draw the initial weights at random: He for ReLU, Glorot for tanh and sigmoid.
    ///
    /// ## References
    /// - Goodfellow, Bengio, Courville, *Deep Learning*, 2016, section 8.4: initial parameters must break symmetry
    pub(crate) static WEIGHT_SYMMETRIC: Rule = Rule {
        code: "WGT004",
        name: "weight-symmetric",
        severity: Severity::Warning,
        needs: &[Need::Units(Role::Weight)],
        scope: Scope::Each(Role::Weight),
        since: "0.1.0",
        watch: || Box::new(WeightSymmetric::default()),
    };
}

/// Share of units that equal another one. Our choice: quantized or tied weights have some.
const SHARE: f64 = 0.4;

/// Unit readings in a row. Our choice.
const READINGS: u64 = 3;

#[derive(Default)]
struct WeightSymmetric {
    streak: Streak,
}

impl Watch for WeightSymmetric {
    fn see(&mut self, view: &StepView<'_>, site: Option<SiteId>) -> Verdict {
        let Some(site) = site.filter(|site| view.is_matrix(*site)) else { return Verdict::TooEarly };
        let Some(units) = view.units(site, Role::Weight).filter(|units| units.units > 1) else {
            return Verdict::TooEarly;
        };
        let share = f64::from(units.duplicates) / f64::from(units.units);
        match self.streak.push(share >= SHARE) {
            0 => Verdict::Healthy,
            1..READINGS => Verdict::TooEarly,
            _ => {
                let message = format!("{} of {} units have the weights of another one", units.duplicates, units.units);
                let draft = WEIGHT_SYMMETRIC.found(view.step(), message).at(view, Some(site), Role::Weight);
                draft.against("share of equal units", share, SHARE).into()
            }
        }
    }
}
