use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds activations whose scale grows from layer to layer.
    ///
    /// ## Why it matters
    /// The loss starts far out and its gradient with it. A few layers more, and `f32` overflows.
    ///
    /// ## How it is detected
    /// The standard deviation of the last hidden activation over that of the first is above `TOTAL`, and on average
    /// above `PER_LAYER` from one to the next, in `READINGS` steps in a row. The output is counted too.
    ///
    /// ## Example
    /// ```trace
    /// sites: a b c d
    /// step  a/activation.std  b/activation.std  c/activation.std  d/activation.std
    /// 0..9  1                 16                256               4096
    /// finding at 2 d
    /// ```
    /// ```trace
    /// sites: a b c d
    /// step  a/activation.std  b/activation.std  c/activation.std  d/activation.std
    /// 0..9  1                 1.2               1.5               2
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Use an initializer that fits the activation (He for ReLU, Glorot for tanh), and no unbounded exponential between
    /// layers.
    ///
    /// ## References
    /// - He et al., *Delving Deep into Rectifiers*, 2015, arXiv:1502.01852
    pub(crate) static ACTIVATION_GROWING: Rule = Rule {
        code: "ACT004",
        name: "activation-growing-over-depth",
        severity: Severity::Warning,
        needs: &[Need::Reading(Role::Activation)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(Depth::default()),
    };
}

/// Last layer over first. Our choice.
const TOTAL: f64 = 100.0;

/// From one layer to the next. Our choice: a fitting initializer keeps it near 1.
const PER_LAYER: f64 = 4.0;

/// Steps in a row. Our choice: the scale is set by the initial weights, so that the first steps show it.
const READINGS: u64 = 3;

#[derive(Default)]
struct Depth {
    streak: Streak,
}

impl Watch for Depth {
    fn see(&mut self, view: &StepView<'_>, _site: Option<SiteId>) -> Verdict {
        let mut layers = view.each(Role::Activation).filter(|(_, reading)| reading.m2 > 0.0);

        let (Some((_, first)), Some((site, last))) = (layers.next(), layers.next_back()) else {
            return Verdict::TooEarly;
        };
        let transitions = 1.0 + layers.count() as f64;
        let ratio = last.std() / first.std();
        match self.streak.push(ratio > TOTAL && ratio.powf(1.0 / transitions) > PER_LAYER) {
            0 => Verdict::Healthy,
            1..READINGS => Verdict::TooEarly,
            _ => {
                let message =
                    format!("the scale of the activations grows {:.0} times over {} layers", ratio, transitions + 1.0);
                let draft = ACTIVATION_GROWING.found(view.step(), message).at(view, Some(site), Role::Activation);
                draft.against("scale of the last over the first layer", ratio, TOTAL).into()
            }
        }
    }
}
