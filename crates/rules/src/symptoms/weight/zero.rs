use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds a weight that is zero everywhere and stays so.
    ///
    /// ## Why it matters
    /// A layer of zeros passes nothing on, and no gradient back. Two of them one after the other never leave zero: each needs
    /// the other to get a gradient.
    ///
    /// ## How it is detected
    /// Every element of a weight (biases left out) is zero from step 0 on, for the patience of `PATIENCE`. Last layers, and last
    /// layers of a residual branch, often start at zero on purpose; they have left it after the first step. A weight known
    /// not to be trainable is left out.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=50
    /// step   fc1/weight.abs_max  fc2/weight.abs_max
    /// 0..49  0                   0
    /// finding at 9 fc1
    /// finding at 9 fc2
    /// ```
    /// A last layer that starts at zero:
    /// ```trace
    /// facts: steps=50
    /// step   fc1/weight.abs_max  out/weight.abs_max
    /// 0      0.3                 0
    /// 1..49  0.3                 0.01->0.2
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Draw the initial weights at random: He for ReLU, Glorot for tanh and sigmoid. Only biases may start at zero.
    ///
    /// ## References
    /// - Goodfellow, Bengio, Courville, *Deep Learning*, 2016, section 8.4: initial parameters must break symmetry
    pub(crate) static WEIGHT_ZERO: Rule = Rule {
        code: "WGT006",
        name: "weight-zero",
        severity: Severity::Warning,
        needs: &[Need::Reading(Role::Weight)],
        scope: Scope::Each(Role::Weight),
        since: "0.1.0",
        watch: || Box::new(WeightZero::default()),
    };
}

/// Our choice: one step is enough to leave zero where a gradient comes.
const PATIENCE: Patience = Patience { steps: 20, share: 0.2 };

#[derive(Default)]
struct WeightZero {
    left: bool,
    streak: Streak,
}

impl Watch for WeightZero {
    fn see(&mut self, view: &StepView<'_>, site: Option<SiteId>) -> Verdict {
        let Some(site) = site.filter(|site| view.is_matrix(*site)) else { return Verdict::TooEarly };
        let Some(weight) = view.reading(site, Role::Weight) else { return Verdict::TooEarly };
        let trainable = view.facts.flag_at(FactKey::Trainable, site) != Some(false);
        self.left |= weight.abs_max > 0.0 || weight.l2 > 0.0 || weight.finite() == 0 || !trainable;
        if self.left {
            return Verdict::Healthy;
        }
        let streak = self.streak.push(true);
        if streak < PATIENCE.of(view.planned_steps) {
            return Verdict::TooEarly;
        }
        let message = format!("every element of the weight was zero in each of the first {streak} steps");
        let draft = WEIGHT_ZERO.found(view.step(), message).at(view, Some(site), Role::Weight);
        draft.plain("steps in a row", streak as f64).into()
    }
}
