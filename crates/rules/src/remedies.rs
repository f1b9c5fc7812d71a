//! Remedies that several causes share, with the edits that a recipe needs for them.
use crate::cause::Case;
use crate::clues;
use barograph_vocab::{Edit, EditValue, FactKey, Remedy, SiteId};

/// What a run says its loss is, where it is the sum of those of several outputs.
const SEVERAL: &str = "several";

/// A remedy that only words can say.
pub(crate) fn advice(text: impl Into<String>) -> Remedy {
    Remedy { text: text.into(), change: Vec::new(), verified: None }
}

/// A remedy that sets one recipe key.
pub(crate) fn set(text: impl Into<String>, key: impl Into<String>, value: EditValue) -> Remedy {
    Remedy { text: text.into(), change: vec![Edit { key: key.into(), value }], verified: None }
}

/// A remedy that sets one recipe key to a word.
pub(crate) fn choose(text: impl Into<String>, key: impl Into<String>, word: &str) -> Remedy {
    set(text, key, EditValue::Text(word.to_owned()))
}

/// A remedy that sets a key of the run's one loss. Words alone where several outputs have a loss each: which of them it is, nobody says.
pub(crate) fn choose_for_loss(case: &Case<'_>, text: impl Into<String>, key: &str, word: &str) -> Remedy {
    match case.facts.text(FactKey::Loss) {
        Some(SEVERAL) => advice(text),
        _ => choose(text, format!("loss.{key}"), word),
    }
}

/// The learning rate multiplied by `factor`, from what the run used. Words alone where that is not known.
pub(crate) fn scale_rate(case: &Case<'_>, factor: f64) -> Remedy {
    let verb = if factor < 1.0 { "lower" } else { "raise" };
    let used = case.digest.learning_rate.max;
    let used = if used.is_finite() { Some(used) } else { case.facts.number(FactKey::LearningRate) };
    let Some(rate) = used else {
        let by = if factor < 1.0 { 1.0 / factor } else { factor };
        return advice(format!("{verb} the learning rate by a factor of {by:.0}"));
    };
    // Two digits are all that a learning rate deserves, and 0.001 should not become 0.00010000000000000002.
    let new: f64 = format!("{:.1e}", rate * factor).parse().unwrap_or(rate * factor);
    let text = format!("{verb} the learning rate from {rate} to {new}");
    set(text, "optimizer.learning_rate", EditValue::Number(new))
}

/// A limit for the global gradient norm.
pub(crate) fn clip(norm: f64) -> Remedy {
    set(format!("clip the global gradient norm at {norm}"), "clip.global_norm", EditValue::Number(norm))
}

/// Inputs of zero mean and unit deviation.
pub(crate) fn normalize_inputs() -> Remedy {
    choose("normalize each input column to zero mean and unit deviation", "data.normalize", "standard")
}

/// More epochs, from what the run had planned.
pub(crate) fn more_epochs(case: &Case<'_>, factor: f64) -> Remedy {
    let Some(epochs) = case.facts.number(FactKey::Epochs) else {
        return advice(format!("train {factor:.0} times as long"));
    };
    let more = (epochs * factor).ceil();
    set(format!("train for {more} epochs instead of {epochs}"), "epochs", EditValue::Number(more))
}

/// Another activation for a layer: an edit where its number in the recipe is known, else words.
pub(crate) fn activation(case: &Case<'_>, site: Option<SiteId>, kind: &str) -> Remedy {
    in_layer(case, site, "activation", kind)
}

/// Another initializer for the layer at `path`, in the same way.
pub(crate) fn initializer(case: &Case<'_>, path: Option<&str>, kind: &str) -> Remedy {
    in_layer(case, path.and_then(|path| case.sites.find(path)), "initializer", kind)
}

/// The cross-entropy of raw scores, whose logarithm is stable; where the last layer is a softmax, without it.
pub(crate) fn loss_on_scores(case: &Case<'_>) -> Remedy {
    let text = "take the cross-entropy of raw scores, whose logarithm is stable";
    let mut remedy = choose_for_loss(case, text, "kind", "cross_entropy");
    if remedy.change.is_empty() {
        return remedy;
    }
    if let Some((site, "softmax")) = clues::last_layer(case) {
        remedy.change.extend(activation(case, Some(site), "linear").change);
        remedy.text = format!("{text}, and take the softmax away from {}", case.sites.path(site));
    }
    remedy
}

fn in_layer(case: &Case<'_>, site: Option<SiteId>, key: &str, word: &str) -> Remedy {
    let Some(layer) = site.map(|site| case.layer_of(site)) else { return advice(format!("use the {key} {word}")) };
    let text = format!("use the {key} {word} at {}", case.sites.path(layer));
    match recipe_layer(case, layer) {
        Some(number) => choose(text, format!("layers.{number}.{key}"), word),
        None => advice(text),
    }
}

/// The number of a layer in its recipe: recipes name the kind of each layer, in order.
fn recipe_layer(case: &Case<'_>, layer: SiteId) -> Option<usize> {
    let is_layer = |site: &&SiteId| case.facts.text_at(FactKey::Layer, **site).is_some();
    case.sites.in_order().iter().filter(is_layer).position(|site| *site == layer)
}
