use crate::clues::UNLIKELY;
use crate::digest::SiteDigest;
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// Parameters are marked as not trainable, or the graph is cut before them: they have no gradient.
    ///
    /// ## How it is weighed
    /// A network none of whose weights changes speaks for it if none has a gradient either. So do weights that stand still
    /// without a gradient, or are known not to be trainable, in a network that learns nothing: the more so if they are
    /// `MOST` of its weights. A network that learns with frozen layers is healthy.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=50
    /// step   loss       fc1/weight.l2  fc2/weight.l2
    /// 0..49  2.31|2.30  8.0            8.0
    /// cause
    /// ```
    /// All but the last layer is frozen, and that cannot do it alone:
    /// ```trace
    /// facts: steps=50 fc1.trainable=false fc2.trainable=false out.trainable=true
    /// step   loss       accuracy  chance_loss  fc1/weight.l2  fc2/weight.l2  out/weight.l2  out/gradient.l2
    /// 0..49  2.31|2.30  0.1       2.3          8.0            8.0            8.0->8.1       0.2
    /// cause
    /// ```
    /// Layers that were trained before, and a last layer that learns:
    /// ```trace
    /// facts: steps=50 fc1.trainable=false fc2.trainable=false out.trainable=true
    /// step   loss      accuracy   chance_loss  fc1/weight.l2  fc2/weight.l2  out/weight.l2  out/gradient.l2
    /// 0..49  2.3->0.1  0.1->0.97  2.3          8.0            8.0            8.0->9         0.2
    /// no cause
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
        explains: &[
            "no-weight-changes", "loss-flat", "loss-at-chance", "worse-than-neighbours", "loss-still-falling",
        ],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

/// Share of the weights of a network. Our choice.
const MOST: f64 = 0.5;

/// Readings of a weight that show that it stands still. Our choice.
const READINGS: u64 = 3;

/// Whether a weight stands still because it gets no gradient. A gradient of zeros has come all the way from the loss: nothing is cut or
/// frozen then, something on the way has no derivative.
fn is_frozen(case: &Case<'_>, site: SiteId) -> bool {
    let others_have = case.digest.each(Role::Gradient).next().is_some();
    let told = case.facts.flag_at(FactKey::Trainable, site) == Some(false);
    let no_gradient = (others_have || told) && case.digest.site(site, Role::Gradient).is_none();
    let updated = case.digest.site(site, Role::Update).is_some_and(|seen| seen.rms.max > 0.0);
    let still = |seen: &SiteDigest| seen.l2.seen() >= READINGS && seen.l2.min == seen.l2.max;
    no_gradient && !updated && case.digest.site(site, Role::Weight).is_some_and(still)
}

fn weigh(case: &Case<'_>) -> Weighing {
    let gradients = case.digest.each(Role::Gradient).next().is_some();
    let weights: Vec<SiteId> = case.in_order(Role::Weight).filter(|site| case.is_matrix(*site)).collect();
    let frozen: Vec<SiteId> = weights.iter().copied().filter(|site| is_frozen(case, *site)).collect();
    let share = frozen.len() as f64 / weights.len().max(1) as f64;
    let told = |site: &&SiteId| case.facts.flag_at(FactKey::Trainable, **site) == Some(false);
    let not_trainable = case.sites.in_order().iter().filter(told).count();
    let none_changes = case.has("no-weight-changes");
    case.weigh(UNLIKELY)
        .symptom("no-weight-changes", 4.0)
        .when(!gradients && none_changes, 1.5, || Evidence::plain("no weight has a gradient", 0.0))
        .first_symptom(&[
            ("loss-flat", 1.2),
            ("loss-at-chance", 1.2),
            ("worse-than-neighbours", 1.0),
            ("loss-still-falling", 1.0),
        ])
        .when(share > MOST, 2.0, || Evidence::against("share of weights without a gradient", share, MOST))
        .when(gradients && frozen.is_empty(), -6.0, || Evidence::plain("weights have gradients", 1.0))
        .when(frozen.is_empty() && !none_changes, -6.0, || Evidence::plain("no weight stands still", 0.0))
        .when(not_trainable > 0, 1.0, || Evidence::plain("weights that are not trainable", not_trainable as f64))
        .at(frozen.first().copied().filter(|_| !none_changes))
        .unless_in_trouble(4.0)
        .done()
}

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::advice("make the parameters trainable, and give them to the optimizer")]
}
