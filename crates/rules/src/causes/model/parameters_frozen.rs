use crate::clues::UNLIKELY;
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// Parameters are marked as not trainable, or the graph is cut before them: they have no gradient.
    ///
    /// ## How it is weighed
    /// A network none of whose weights changes speaks for it if none has a gradient either.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=50
    /// step   loss       fc1/weight.l2  fc2/weight.l2
    /// 0..49  2.31|2.30  8.0            8.0
    /// cause
    /// ```
    /// With a gradient the optimizer is to blame:
    /// ```trace
    /// facts: steps=50
    /// step   loss       fc1/weight.l2  fc1/gradient.l2
    /// 0..49  2.31|2.30  8.0            0.3
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Set `requires_grad` (or `trainable`) of the parameters, and give them to the optimizer.
    ///
    /// ## References
    /// - PyTorch, *Autograd mechanics: locally disabling gradient computation*
    pub(crate) static PARAMETERS_FROZEN: CauseRule = CauseRule {
        slug: "parameters-frozen",
        title: "Weights that should learn never change",
        explains: &["no-weight-changes"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    // A gradient of zeros has come all the way from the loss: nothing is cut or frozen, something on the way has no derivative.
    let gradients = case.digest.each(Role::Gradient).next().is_some();
    let frozen = case
        .sites
        .in_order()
        .iter()
        .filter(|site| case.facts.flag_at(FactKey::Trainable, **site) == Some(false))
        .count();
    case.weigh(UNLIKELY)
        .symptom("no-weight-changes", 4.0)
        .when(!gradients && case.has("no-weight-changes"), 1.5, || Evidence::plain("no weight has a gradient", 0.0))
        .when(gradients, -4.0, || Evidence::plain("weights have gradients", 1.0))
        .when(frozen > 0, 1.0, || Evidence::plain("weights that are not trainable", frozen as f64))
        .done()
}

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::advice("make the parameters trainable, and give them to the optimizer")]
}
