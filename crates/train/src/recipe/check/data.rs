//! The data, and keys that say nothing for one kind of examples.
use super::Found;
use crate::recipe::{Examples, Normalize, Recipe};

pub(super) fn check_data(recipe: &Recipe, found: &mut Found) {
    if recipe.data.validation_file.is_some() && recipe.data.validation > 0.0 {
        let text =
            "data.validation holds out rows of data.file, and data.validation_file those of another; keep one of them";
        found.push(("data.validation".to_owned(), text.to_owned()));
    }
    // Code may bring rows that are held out.
    if recipe.validation_every > 1 && recipe.data.file.is_some() && !recipe.data.holds_out() {
        let text = "validation_every says when rows that are held out are measured, and there are none; set data.validation or data.validation_file, or take it out";
        found.push(("validation_every".to_owned(), text.to_owned()));
    }
    if let Some(weight) = recipe.data.weight.as_ref().filter(|weight| recipe.data.target.contains(weight)) {
        let text =
            format!("data.weight = {weight:?} is a target, and cannot be the weight of its rows; name another column");
        found.push(("data.weight".to_owned(), text));
    }
    for (key, normalize) in
        [("data.normalize", recipe.data.normalize), ("data.normalize_target", recipe.data.normalize_target)]
    {
        if let Normalize::Fixed { scale: 0.0, .. } = normalize {
            found.push((
                format!("{key}.scale"),
                format!("{key}.scale must not be 0: every value would become the shift"),
            ));
        }
    }
}

/// Keys that say nothing for one kind of examples.
pub(super) fn check_examples(recipe: &Recipe, found: &mut Found) {
    let data = &recipe.data;
    let kind = data.examples.name();
    let mut out = |key: &str, why: &str| {
        found.push((
            format!("data.{key}"),
            format!("data.{key} does not go with examples of the kind {kind:?}: {why}; take it out"),
        ));
    };
    if data.image.is_some() && data.examples != Examples::Rows {
        out("image", "their shape is known");
    }
    let (is_image, is_stream) =
        (matches!(data.examples, Examples::Images { .. }), matches!(data.examples, Examples::NextTokens { .. }));
    let is_text = is_stream || matches!(data.examples, Examples::Text { .. });
    if (is_image || is_stream) && !data.inputs.is_empty() {
        out("inputs", "there are no columns");
    }
    if (is_image || is_stream) && !data.target.is_empty() {
        out(
            "target",
            if is_image { "the class of an image is its folder" } else { "each token is answered by the next" },
        );
    }
    if (is_image || is_stream) && data.weight.is_some() {
        out("weight", "there are no columns");
    }
    if is_text && data.normalize != Normalize::None {
        out("normalize", "the number of a token is no measure");
    }
    if is_stream && data.normalize_target != Normalize::None {
        out("normalize_target", "the number of a token is no measure");
    }
    if is_text && data.stream {
        out("stream", "tokens are held in memory");
    }
}
