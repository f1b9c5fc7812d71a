use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds the layers whose activations were not finite when the loss or a gradient broke.
    ///
    /// ## Why it matters
    /// The first of them in execution order is where the run broke.
    ///
    /// ## How it is detected
    /// An activation holds NaN or infinite elements at a step whose loss, weights or gradients are not finite. Where
    /// these are finite, an infinite activation is on purpose: the mask of an attention.
    ///
    /// ## Example
    /// ```trace
    /// step  loss  fc1/activation.rms  fc2/activation.rms  fc2/activation.inf
    /// 0..4  2.3   1                   1e30                0
    /// 5     NaN   1                   1e38                12
    /// finding at 5 fc2
    /// ```
    /// A mask:
    /// ```trace
    /// step  loss  attn/activation.rms  attn/activation.inf
    /// 0..9  2.3   1                    64
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Look at the scale of what goes into this layer: its weights, the layer before, the inputs.
    ///
    /// ## References
    /// - IEEE 754-2019, section 7.4: overflow
    pub(crate) static ACTIVATION_NOT_FINITE: Rule = Rule {
        code: "ACT009",
        name: "activation-not-finite",
        severity: Severity::Error,
        needs: &[Need::Reading(Role::Activation)],
        scope: Scope::Each(Role::Activation),
        since: "0.1.0",
        watch: || Box::new(ActivationNotFinite),
    };
}

struct ActivationNotFinite;

impl Watch for ActivationNotFinite {
    fn see(&mut self, view: &StepView<'_>, site: Option<SiteId>) -> Verdict {
        let Some(activation) = site.and_then(|site| view.reading(site, Role::Activation)) else {
            return Verdict::TooEarly;
        };
        let bad = activation.non_finite();
        if bad == 0 || !view.broken() {
            return Verdict::Healthy;
        }
        let message = format!("{bad} of {} activations are not finite", activation.count);
        let draft = ACTIVATION_NOT_FINITE.found(view.step(), message).at(view, site, Role::Activation);
        draft.plain("non-finite elements", bad as f64).into()
    }

    fn sees_broken_steps(&self) -> bool {
        true
    }
}
