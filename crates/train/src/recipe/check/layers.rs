//! Layers, and what they ask of the data.
use super::Found;
use crate::recipe::{ConstraintKind, Examples, LayerKind, LayerSpec, Recipe, RegularizerKind, TokenSpec};

pub(super) fn check_layers(recipe: &Recipe, found: &mut Found) {
    check_names("layers", &recipe.layers, found);
    check_constraints("layers", &recipe.layers, found);
    check_images(recipe, found);
}

/// Names of one list differ, whether it is that of the recipe or of a layer with layers inside.
pub(super) fn check_names(list: &str, layers: &[LayerSpec], found: &mut Found) {
    for (number, layer) in layers.iter().enumerate() {
        if let Some(inner) = layer.kind.layers() {
            let key = format!("{list}.{number}.layers");
            if inner.is_empty() {
                let kind = layer.kind.name();
                let text = format!(
                    "{list}.{number} ({kind}) has no layers of its own; add at least one, as [[layers.layers]]"
                );
                found.push((key.clone(), text));
            }
            check_names(&key, inner, found);
        }
        let Some(name) = &layer.name else { continue };
        if let Some(earlier) = layers[..number].iter().position(|other| other.name.as_ref() == Some(name)) {
            found.push((
                format!("{list}.{number}.name"),
                format!("two layers are named {name:?}: {list}.{earlier} and {list}.{number}; rename one"),
            ));
        }
        if name.bytes().all(|byte| byte.is_ascii_digit()) {
            let text = format!("{list}.{number}.name is {name:?}, which reads as the number of a layer; add a letter");
            found.push((format!("{list}.{number}.name"), text));
        }
    }
}

/// Convolutions and pools want an image, and a dense or flatten layer ends it, until a reshape makes another one.
fn check_images(recipe: &Recipe, found: &mut Found) {
    let is_folder = matches!(recipe.data.examples, Examples::Images { .. });
    let (mut ended_by, mut is_image) = (None, recipe.data.image.is_some() || is_folder);
    for (number, layer) in recipe.layers.iter().enumerate() {
        let kind = layer.kind.name();
        match &layer.kind {
            LayerKind::Reshape { shape } => {
                is_image = shape.len() == 3;
                ended_by = if is_image { None } else { Some((number, kind)) };
            }
            LayerKind::Dense { .. }
            | LayerKind::Flatten
            | LayerKind::GlobalMaxPool
            | LayerKind::GlobalAveragePool
            | LayerKind::Embedding { .. } => ended_by = ended_by.or(Some((number, kind))),
            // What layers inside make of an image is only known once the shapes are.
            LayerKind::Residual { .. }
            | LayerKind::Parallel { .. }
            | LayerKind::Sequential { .. }
            | LayerKind::EncoderDecoder { .. } => return,
            LayerKind::Conv2d { .. }
            | LayerKind::Conv2dTranspose { .. }
            | LayerKind::MaxPool2d { .. }
            | LayerKind::AvgPool2d { .. } => {
                let text = if let Some((before, ended_by)) = ended_by {
                    format!(
                        "layers.{number} ({kind}) needs an image, but layers.{before} ({ended_by}) has made a row of it; move it up"
                    )
                } else if !is_image {
                    format!(
                        "layers.{number} ({kind}) needs an image; say how a row becomes one with image = [channels, height, width] under [data]"
                    )
                } else {
                    continue;
                };
                found.push((format!("layers.{number}.kind"), text));
                return;
            }
            _ => {}
        }
    }
}

/// Bounds that do not go together.
pub(super) fn check_constraints(list: &str, layers: &[LayerSpec], found: &mut Found) {
    for (number, layer) in layers.iter().enumerate() {
        let key = format!("{list}.{number}");
        let named = layer.kind.constraints().into_iter();
        for (name, constraint) in named {
            if let ConstraintKind::MinMaxNorm { min, max, .. } = constraint
                && min > max
            {
                let text = format!("{key}.{name}.min is {min}, above max = {max}; swap them");
                found.push((format!("{key}.{name}.min"), text));
            }
        }
        if layer
            .kind
            .weights()
            .is_some_and(|weights| matches!(weights.activity_regularizer, RegularizerKind::Orthogonal { .. }))
        {
            let text = format!(
                "{key}.activity_regularizer cannot be orthogonal, which compares the vectors of a weight; use l1 or l2"
            );
            found.push((format!("{key}.activity_regularizer"), text));
        }
        if let LayerKind::RRelu { lower, upper } = layer.kind
            && lower > upper
        {
            let text = format!("{key}.lower is {lower}, above upper = {upper}; swap them");
            found.push((format!("{key}.lower"), text));
        }
        check_constraints(&format!("{key}.layers"), layer.kind.layers().unwrap_or_default(), found);
    }
}

/// Layers that read on where the last batch ended need rows that do too.
pub(super) fn check_stateful(recipe: &Recipe, found: &mut Found) {
    for (number, layer) in recipe.layers.iter().enumerate() {
        if layer.kind.recurrent().is_some_and(|recurrent| recurrent.stateful && recurrent.bidirectional) {
            let text = format!(
                "layers.{number} is stateful and bidirectional, but the direction backward would have to know the future; take one out"
            );
            found.push((format!("layers.{number}.stateful"), text));
        }
    }
    if !recipe.is_stateful() {
        return;
    }
    let mut report = |key: &str, text: &str| found.push((key.to_owned(), text.to_owned()));
    if recipe.data.shuffle {
        report(
            "data.shuffle",
            "a stateful layer reads on where the last batch ended, so that rows must keep their order; set data.shuffle = false",
        );
    }
    match &recipe.data.examples {
        Examples::Windows { length, stride, .. }
        | Examples::NextTokens { spec: TokenSpec { length, .. }, stride: Some(stride) }
            if stride != length =>
        {
            report(
                "data.examples.stride",
                "a stateful layer reads on where the last window ended; set stride to the length of the windows",
            );
        }
        Examples::Rows | Examples::Images { .. } | Examples::Text { .. } if recipe.data.validation > 0.0 => {
            report(
                "data.validation",
                "rows are held out at random, which would tear holes into what a stateful layer reads; take it out, or use examples = { kind = \"windows\", ... }",
            );
        }
        _ => {}
    }
}
