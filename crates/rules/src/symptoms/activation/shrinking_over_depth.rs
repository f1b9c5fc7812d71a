use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds activations whose scale shrinks from layer to layer.
    ///
    /// ## Why it matters
    /// Examples become indistinguishable on their way through the network, and so do the gradients on their way back.
    ///
    /// ## How it is detected
    /// The standard deviation of the last hidden activation over that of the first is below `TOTAL`, and on average
    /// below `PER_LAYER` from one to the next, in `READINGS` steps in a row. The output is left out: a softmax over
    /// many classes is small by right.
    ///
    /// ## Example
    /// ```trace
    /// sites: a b c d
    /// step  a/activation.std  b/activation.std  c/activation.std  d/activation.std
    /// 0..9  0.1               0.005             0.0002            0.1
    /// finding at 2 c
    /// ```
    /// ```trace
    /// sites: a b c d
    /// step  a/activation.std  b/activation.std  c/activation.std  d/activation.std
    /// 0..9  0.5               0.4               0.3               0.001
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Use an initializer that fits the activation (He for ReLU, Glorot for tanh), or normalization layers.
    ///
    /// ## References
    /// - He et al., *Delving Deep into Rectifiers*, 2015, arXiv:1502.01852
    pub(crate) static ACTIVATION_SHRINKING: Rule = Rule {
        code: "ACT005",
        name: "activation-shrinking-over-depth",
        severity: Severity::Warning,
        needs: &[Need::Reading(Role::Activation)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(Depth::default()),
    };
}

/// Last layer over first. Our choice.
const TOTAL: f64 = 0.01;

/// From one layer to the next. Our choice: a fitting initializer keeps it near 1.
const PER_LAYER: f64 = 0.25;

/// Steps in a row. Our choice: the scale is set by the initial weights, so that the first steps show it.
const READINGS: u64 = 3;

#[derive(Default)]
struct Depth {
    streak: Streak,
}

impl Watch for Depth {
    fn see(&mut self, view: &StepView<'_>, _site: Option<SiteId>) -> Verdict {
        let mut layers = view.each(Role::Activation).filter(|(_, reading)| reading.m2 > 0.0);
        layers.next_back();
        let (Some((_, first)), Some((site, last))) = (layers.next(), layers.next_back()) else {
            return Verdict::TooEarly;
        };
        let transitions = 1.0 + layers.count() as f64;
        let ratio = last.std() / first.std();
        match self.streak.push(ratio < TOTAL && ratio.powf(1.0 / transitions) < PER_LAYER) {
            0 => Verdict::Healthy,
            1..READINGS => Verdict::TooEarly,
            _ => {
                let message =
                    format!("the scale of the activations shrinks to {:.1e} over {} layers", ratio, transitions + 1.0);
                let draft = ACTIVATION_SHRINKING.found(view.step(), message).at(view, Some(site), Role::Activation);
                draft.against("scale of the last over the first layer", ratio, TOTAL).into()
            }
        }
    }
}
