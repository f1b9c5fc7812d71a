use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds hidden sigmoid or tanh layers that sit at their bounds.
    ///
    /// ## Why it matters
    /// There the derivative is nearly zero: what lies before such a layer hardly learns.
    ///
    /// ## How it is detected
    /// More than `SHARE` of the pre-activations of a hidden layer are beyond 4 in magnitude, where a sigmoid has 7% of
    /// its steepest slope left and a tanh 0.1%, for the patience of `PATIENCE`. That the layer is bounded is seen from
    /// its activations, which stay within -1..=1. The last layer may be sure of its answers and is left out.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=50
    /// sites: fc1 out
    /// step   fc1/pre_activation.saturated_share  fc1/activation.min  fc1/activation.max  out/activation.max
    /// 0..49  0.8                                 0                   1                   3
    /// finding at 9 fc1
    /// ```
    /// A ReLU has no upper bound:
    /// ```trace
    /// sites: fc1 out
    /// step   fc1/pre_activation.saturated_share  fc1/activation.min  fc1/activation.max  out/activation.max
    /// 0..49  0.8                                 0                   90                  3
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Use ReLU or GELU between layers, normalize the inputs, or draw smaller initial weights.
    ///
    /// ## References
    /// - Glorot, Bengio, *Understanding the Difficulty of Training Deep Feedforward Neural Networks*, 2010
    pub(crate) static ACTIVATION_SATURATED: Rule = Rule {
        code: "ACT002",
        name: "activation-saturated",
        severity: Severity::Warning,
        needs: &[Need::Reading(Role::PreActivation), Need::Reading(Role::Activation)],
        scope: Scope::Each(Role::PreActivation),
        since: "0.1.0",
        watch: || Box::new(ActivationSaturated::default()),
    };
}

/// Share of pre-activations. Our choice.
const SHARE: f64 = 0.5;

/// Our choice.
const PATIENCE: Patience = Patience { steps: 20, share: 0.2 };

#[derive(Default)]
struct ActivationSaturated {
    streak: Streak,
}

impl Watch for ActivationSaturated {
    fn see(&mut self, view: &StepView<'_>, site: Option<SiteId>) -> Verdict {
        let Some(site) = site else { return Verdict::TooEarly };
        let (Some(before), Some(after)) =
            (view.reading(site, Role::PreActivation), view.reading(site, Role::Activation))
        else {
            return Verdict::TooEarly;
        };
        let last = view.each(Role::Activation).next_back().is_some_and(|(last, _)| last == site);
        let bounded = after.min >= -1.0 && after.max <= 1.0;
        let share = before.share(before.saturated);
        let streak = self.streak.push(!last && bounded && share > SHARE);
        if streak < PATIENCE.of(view.planned_steps) {
            return if streak == 0 { Verdict::Healthy } else { Verdict::TooEarly };
        }
        let message = format!("{:.0}% of the inputs of a bounded activation are beyond 4", 100.0 * share);
        let draft = ACTIVATION_SATURATED.found(view.step(), message).at(view, Some(site), Role::PreActivation);
        draft.against("saturated share", share, SHARE).into()
    }
}
