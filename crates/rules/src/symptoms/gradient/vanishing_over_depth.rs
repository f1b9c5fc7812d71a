use super::over_depth;
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds gradients that become smaller from layer to layer on their way back to the first layer.
    ///
    /// ## Why it matters
    /// The first layers learn orders of magnitude more slowly than the last ones, which is to say not at all.
    ///
    /// ## How it is detected
    /// Over the weights in execution order, biases left out, the root mean square of the gradient of the first is
    /// `TOTAL` times smaller than that of the last, and on average `PER_LAYER` times from one to the next. Both hold
    /// for the patience of `PATIENCE`.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=100
    /// sites: a b c d
    /// step   a/gradient.rms  b/gradient.rms  c/gradient.rms  d/gradient.rms
    /// 0..99  1e-6            1e-5            1e-4            1e-2
    /// finding at 9 a
    /// ```
    /// A factor of three a layer is what healthy sigmoid layers lose:
    /// ```trace
    /// sites: a b c d
    /// step   a/gradient.rms  b/gradient.rms  c/gradient.rms  d/gradient.rms
    /// 0..99  0.001           0.003           0.01            0.03
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Replace sigmoid and tanh between layers by ReLU or GELU, and use an initializer that fits; for many layers add
    /// skip connections.
    ///
    /// ## References
    /// - Glorot, Bengio, *Understanding the Difficulty of Training Deep Feedforward Neural Networks*, 2010
    /// - Hochreiter, *Untersuchungen zu dynamischen neuronalen Netzen*, 1991
    pub(crate) static GRADIENT_VANISHING: Rule = Rule {
        code: "GRD004",
        name: "gradient-vanishing-over-depth",
        severity: Severity::Warning,
        needs: &[Need::Reading(Role::Gradient)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(Depth::default()),
    };
}

/// First layer over last. Our choice: healthy networks of ten layers stay within a factor of thirty.
const TOTAL: f64 = 100.0;

/// From one layer to the next. Our choice: a sigmoid alone loses a factor of four.
const PER_LAYER: f64 = 8.0;

/// Our choice.
const PATIENCE: Patience = Patience { steps: 20, share: 0.1 };

#[derive(Default)]
struct Depth {
    streak: Streak,
}

impl Watch for Depth {
    fn see(&mut self, view: &StepView<'_>, _site: Option<SiteId>) -> Verdict {
        let Some(depth) = over_depth(view) else { return Verdict::TooEarly };
        let ratio = depth.last / depth.first;
        let streak = self.streak.push(ratio > TOTAL && ratio.powf(1.0 / depth.transitions) > PER_LAYER);
        if streak < PATIENCE.of(view.planned_steps) {
            return if streak == 0 { Verdict::Healthy } else { Verdict::TooEarly };
        }
        let message =
            format!("the gradient vanishes {ratio:.0} times over {} layers on its way back", depth.transitions + 1.0);
        let draft = GRADIENT_VANISHING.found(view.step(), message).at(view, Some(depth.site), Role::Gradient);
        draft.against("ratio of first and last layer", ratio, TOTAL).into()
    }
}
