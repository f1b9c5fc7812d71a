use super::over_depth;
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds gradients that become larger from layer to layer on their way back to the first layer.
    ///
    /// ## Why it matters
    /// The first layers are torn about while the last ones stand still: no learning rate fits both.
    ///
    /// ## How it is detected
    /// Over the weights in execution order, biases left out, the root mean square of the gradient of the first is
    /// `TOTAL` times larger than that of the last, and on average `PER_LAYER` times from one to the next. Both hold for
    /// the patience of `PATIENCE`.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=100
    /// sites: a b c d
    /// step   a/gradient.rms  b/gradient.rms  c/gradient.rms  d/gradient.rms
    /// 0..99  100             3               0.1             0.003
    /// finding at 9 a
    /// ```
    /// ```trace
    /// sites: a b c d
    /// step   a/gradient.rms  b/gradient.rms  c/gradient.rms  d/gradient.rms
    /// 0..99  0.03            0.02            0.01            0.01
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Use an initializer that fits the activation (He for ReLU, Glorot for tanh), normalization layers, or skip
    /// connections.
    ///
    /// ## References
    /// - Glorot, Bengio, *Understanding the Difficulty of Training Deep Feedforward Neural Networks*, 2010
    /// - Hochreiter, *Untersuchungen zu dynamischen neuronalen Netzen*, 1991
    pub(crate) static GRADIENT_GROWING: Rule = Rule {
        code: "GRD003",
        name: "gradient-growing-over-depth",
        severity: Severity::Warning,
        needs: &[Need::Reading(Role::Gradient)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(Depth::default()),
    };
}

/// First layer over last. Our choice: healthy networks of ten layers stay within a factor of thirty.
const TOTAL: f64 = 1e3;

/// From one layer to the next. Our choice: He initialization keeps it near 1.
const PER_LAYER: f64 = 4.0;

/// Our choice.
const PATIENCE: Patience = Patience { steps: 20, share: 0.1 };

#[derive(Default)]
struct Depth {
    streak: Streak,
}

impl Watch for Depth {
    fn see(&mut self, view: &StepView<'_>, _site: Option<SiteId>) -> Verdict {
        let Some(depth) = over_depth(view) else { return Verdict::TooEarly };
        let ratio = depth.first / depth.last;
        let streak = self.streak.push(ratio > TOTAL && ratio.powf(1.0 / depth.transitions) > PER_LAYER);
        if streak < PATIENCE.of(view.planned_steps) {
            return if streak == 0 { Verdict::Healthy } else { Verdict::TooEarly };
        }
        let message =
            format!("the gradient grows {ratio:.0} times over {} layers on its way back", depth.transitions + 1.0);
        let draft = GRADIENT_GROWING.found(view.step(), message).at(view, Some(depth.site), Role::Gradient);
        draft.against("ratio of first and last layer", ratio, TOTAL).into()
    }
}
