//! Measurements that several cause rules weigh. Each is one number or answer about the whole run, or `None` if it was not observed.
use crate::cause::Case;
use barograph_vocab::{FactKey, Reading, Role, SiteId};

/// Log-odds of a cause without evidence: about one run in twenty.
pub(crate) const UNLIKELY: f64 = -3.0;

/// Room for rounding at the bounds of activations.
const ROUNDING: f64 = 1e-6;

/// What shows that weights were thrown far by their first updates, if it came before units died: then dead units are its consequence.
pub(crate) fn thrown_before_dying<'a>(case: &Case<'a>) -> Option<&'a barograph_vocab::Finding> {
    case.first_before(&["weight-growing", "update-too-large", "loss-spike", "gradient-exploding"], "units-dead")
}

/// The typical update/weight ratio: the largest over the weights (biases left out) of its mean over the run.
pub(crate) fn update_ratio(case: &Case<'_>) -> Option<f64> {
    let updates = case.digest.each(Role::Update).filter(|(site, _)| case.is_matrix(*site));
    updates.filter_map(|(_, digest)| digest.update_ratio.mean()).reduce(f64::max)
}

/// Whether every output of the run lay within these bounds.
pub(crate) fn outputs_within(case: &Case<'_>, low: f64, high: f64) -> Option<bool> {
    let (_, output) = case.output()?;
    (output.min.seen() > 0).then_some(output.min.min >= low - ROUNDING && output.max.max <= high + ROUNDING)
}

/// Whether an operation's argument, of this reading, is the network's latest output or 1 minus it, by its range.
pub(crate) fn is_of_outputs(case: &Case<'_>, argument: &Reading) -> Option<bool> {
    /// Relative difference of equal ranges: rounding in half precision. Our choice.
    const ERROR: f64 = 1e-2;
    let (_, output) = case.output()?;
    let (low, high) = (output.min.last, output.max.last);
    let near = |a: f64, b: f64| (a - b).abs() <= ERROR * (high - low).max(ROUNDING);
    let is = |low, high| near(argument.min, low) || near(argument.max, high);
    (output.min.seen() > 0).then(|| is(low, high) || is(1.0 - high, 1.0 - low))
}

/// Whether output rows sum to one, as those of a softmax do.
pub(crate) fn rows_sum_to_one(case: &Case<'_>) -> Option<bool> {
    /// Rounding of a sum of a thousand `f32`.
    const ERROR: f64 = 1e-3;
    case.digest.row_sum_error.late().map(|error| error < ERROR)
}

/// Whether the targets are classes; `Some(false)` for real targets.
pub(crate) fn classes(case: &Case<'_>) -> Option<bool> {
    if let Some(task) = case.facts.text(FactKey::Task) {
        return Some(task != "regression");
    }
    let targets = &case.digest.data.as_ref()?.targets;
    Some(targets.integer || targets.class_counts.len() > 1 || (targets.whole && targets.distinct == 2))
}

/// Whether the loss takes probabilities, and gets numbers that are none.
pub(crate) fn scores_for_probabilities(case: &Case<'_>) -> bool {
    let takes = case.facts.text(FactKey::LossTakes);
    matches!(takes, Some("probabilities" | "distribution")) && outputs_within(case, 0.0, 1.0) == Some(false)
}

/// Whether classes are learned by a loss that measures a distance, such as a squared error.
pub(crate) fn distance_for_classes(case: &Case<'_>) -> bool {
    let distances = ["mse", "half_mse", "mae", "huber", "smooth_l1", "log_cosh"];
    classes(case) == Some(true) && case.facts.is(FactKey::Loss, &distances)
}

/// First loss over that of a constant answer. A fresh network's cross-entropy is near 1 of it.
pub(crate) fn first_loss_over_chance(case: &Case<'_>) -> Option<f64> {
    let chance = case.digest.chance_loss.mean().filter(|chance| *chance > 0.0)?;
    Some(case.digest.loss.first()? / chance)
}

/// Hidden layers (all but the last that has an activation) whose activations stay within these bounds.
pub(crate) fn bounded_hidden_layers(case: &Case<'_>, low: f64, high: f64) -> usize {
    let mut layers = case.in_order(Role::Activation);
    layers.next_back();
    let digests = layers.filter_map(|site| case.digest.site(site, Role::Activation));
    digests.filter(|digest| digest.min.min >= low - ROUNDING && digest.max.max <= high + ROUNDING).count()
}

/// Activation functions that come to rest at both ends.
pub(crate) const SATURATING: [&str; 4] = ["sigmoid", "tanh", "softsign", "hard_sigmoid"];

/// Whether the activation functions of hidden layers are known, and none of them saturates: then activations within bounds are only small.
pub(crate) fn none_saturates(case: &Case<'_>) -> bool {
    let is_known =
        |site: &&SiteId| case.facts.text_at(FactKey::Activation, **site).is_some_and(|name| name != "linear");
    let known = case.sites.in_order().iter().filter(is_known).count();
    known > 0 && hidden_activations(case, &SATURATING).1 == 0
}

/// The layer whose activation is the network's output, by facts: the last one with an activation function.
pub(crate) fn last_layer<'a>(case: &Case<'a>) -> Option<(SiteId, &'a str)> {
    let mut layers = case.sites.in_order().iter().rev().copied();
    layers.find_map(|site| Some((site, case.facts.text_at(FactKey::Activation, site)?)))
}

/// The first hidden layer whose activation function, by a fact, is one of `names`; and how many such layers there are.
pub(crate) fn hidden_activations(case: &Case<'_>, names: &[&str]) -> (Option<SiteId>, usize) {
    let is_known = |site: &SiteId| case.facts.text_at(FactKey::Activation, *site).is_some();
    let mut layers: Vec<_> = case.sites.in_order().iter().copied().filter(is_known).collect();
    layers.pop();
    let named =
        |site: &SiteId| case.facts.text_at(FactKey::Activation, *site).is_some_and(|name| names.contains(&name));
    let mut found = layers.into_iter().filter(named);
    let first = found.next();
    (first, usize::from(first.is_some()) + found.count())
}

/// The largest gain of a layer at the beginning: root mean square of its weight times the root of its inputs. Glorot and He give 1 to 1.4.
pub(crate) fn largest_gain(case: &Case<'_>) -> Option<(SiteId, f64)> {
    gains(case).reduce(|a, b| if b.1 > a.1 { b } else { a })
}

/// The smallest gain of a layer at the beginning.
pub(crate) fn smallest_gain(case: &Case<'_>) -> Option<(SiteId, f64)> {
    gains(case).reduce(|a, b| if b.1 < a.1 { b } else { a })
}

/// Layers whose weights are looked up or multiplied one by one: no unit sums over its inputs, so that they have no gain.
const SUMS_NOTHING: [&str; 6] =
    ["embedding", "position_embedding", "layer_norm", "batch_norm", "group_norm", "rms_norm"];

/// The kind of the layer that a weight belongs to, by a fact; empty where it is not known.
pub(crate) fn layer_kind<'a>(case: &Case<'a>, weight: SiteId) -> &'a str {
    case.facts.text_at(FactKey::Layer, case.layer_of(weight)).unwrap_or_default()
}

/// Whether a kind of layer normalizes.
pub(crate) fn is_normalization(kind: &str) -> bool {
    kind.ends_with("_norm")
}

/// Whether a kind of layer walks over time, cells that are called once a time step among them.
pub(crate) fn is_recurrent(kind: &str) -> bool {
    ["rnn", "lstm", "gru"].iter().any(|name| kind.starts_with(name))
}

/// Layers whose kind, by a fact, is of the ones asked for.
pub(crate) fn layers_of_kind<'a>(case: &Case<'a>, is: fn(&str) -> bool) -> impl Iterator<Item = SiteId> + use<'a> {
    let facts = case.facts;
    let sites = case.sites.in_order().iter().copied();
    sites.filter(move |site| facts.text_at(FactKey::Layer, *site).is_some_and(is))
}

/// The first dense or convolutional layer with a softmax behind it that is not the last layer, and how many there are. Attention is none.
pub(crate) fn hidden_softmax(case: &Case<'_>) -> (Option<SiteId>, usize) {
    let mut layers = case.sites.in_order().iter().copied();
    let Some((last, _)) = last_layer(case) else { return (None, 0) };
    let is_plain = |site: SiteId| {
        let kind = layer_kind(case, site);
        ["dense", "activation"].contains(&kind) || kind.starts_with("conv")
    };
    let softmax = |site: &SiteId| {
        *site != last && case.facts.text_at(FactKey::Activation, *site) == Some("softmax") && is_plain(*site)
    };
    let first = layers.find(softmax);
    (first, usize::from(first.is_some()) + layers.filter(softmax).count())
}

/// The weight of a recurrent layer whose gradient was the largest of all, and how far it grew: over its first steps, or over the gradients
/// of all other layers, whichever is more. `None` if another layer's gradient was larger.
pub(crate) fn recurrent_jump(case: &Case<'_>) -> Option<(SiteId, f64)> {
    let recurrent: Vec<&str> = layers_of_kind(case, is_recurrent).map(|site| case.sites.path(site)).collect();
    let within = |site: SiteId| {
        let path = case.sites.path(site);
        recurrent
            .iter()
            .any(|layer| path.strip_prefix(layer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    };
    let gradients = || case.digest.each(Role::Gradient).filter(|(site, _)| case.is_matrix(*site));
    let (site, largest) =
        gradients().filter(|(site, _)| within(*site)).reduce(|a, b| if b.1.rms.max > a.1.rms.max { b } else { a })?;
    let others = gradients().filter(|(site, _)| !within(*site)).map(|(_, seen)| seen.rms.max).fold(0.0, f64::max);
    let early = largest.rms.early().filter(|early| *early > 0.0)?;
    let over_others = if others > 0.0 { largest.rms.max / others } else { 0.0 };
    (largest.rms.max > others).then(|| (site, over_others.max(largest.rms.max / early)))
}

/// Whether the optimizer divides each gradient by its own running size; `None` where it is not known.
pub(crate) fn is_adaptive(case: &Case<'_>) -> Option<bool> {
    /// By the usage of torch, Keras and ours.
    const ADAPTIVE: [&str; 10] =
        ["adam", "adamw", "nadam", "radam", "qhadam", "adamax", "rmsprop", "adagrad", "adadelta", "sparseadam"];
    Some(ADAPTIVE.contains(&case.facts.text(FactKey::Optimizer)?))
}

fn gains<'a>(case: &'a Case<'_>) -> impl Iterator<Item = (SiteId, f64)> + use<'a> {
    let sums = |site: &SiteId| case.is_matrix(*site) && !SUMS_NOTHING.contains(&layer_kind(case, *site));
    case.digest.each(Role::Weight).filter(move |(site, _)| sums(site)).filter_map(|(site, weight)| {
        let fact = case.facts.number_at(FactKey::FanIn, site);
        let fact = fact.or_else(|| case.facts.number_at(FactKey::FanIn, case.layer_of(site)));
        Some((site, weight.rms.first * fact.or_else(|| fan_in(case, site))?.sqrt()))
    })
}

/// Inputs of one unit, by the shape of the weight: all axes but that of the units, which is the first or the last.
fn fan_in(case: &Case<'_>, site: SiteId) -> Option<f64> {
    let place = case.sites.get(site)?;
    let count: f64 = place.shape.iter().map(|axis| f64::from(*axis)).product();
    (place.shape.len() > 1 && place.units > 0).then(|| count / f64::from(place.units))
}

/// Whether, of several outputs, the loss of one alone grows by orders of magnitude.
pub(crate) fn explodes_alone(case: &Case<'_>) -> bool {
    case.findings.iter().filter(|finding| finding.name == "output-loss-exploding").count() == 1
}

/// Whether the run broke before any update could have done it.
pub(crate) fn broke_at_once(case: &Case<'_>) -> bool {
    case.digest.broken_at == Some(0)
}
