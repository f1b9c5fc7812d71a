//! What shape a layer with layers inside puts out.
use super::shapes::{EMBEDDING_FIRST, Shape, output};
use super::{LayerKind, LayerSpec, Merge, layer_names};
use crate::data::counted;

/// The shape that a layer with layers inside makes of `input`, or why it cannot.
pub(super) fn of_block(kind: &LayerKind, input: Shape, is_data: bool) -> Result<Shape, String> {
    match kind {
        LayerKind::Sequential { .. } => Ok(inside(kind, input, is_data)?.last().map_or(input, |[_, output]| *output)),
        LayerKind::EncoderDecoder { layers, .. } => match inside(kind, input, is_data)?[..] {
            [[_, encoded @ Shape::Image(_)], _] => Err(format!(
                "the encoder puts out an image {encoded}, and a decoder attends to a sequence; put a reshape at its end"
            )),
            [_, [_, output]] if layers[1..].iter().any(attends) => Ok(output),
            _ => Err("no layer of the decoder attends to the encoder; put a transformer_decoder into it".to_owned()),
        },
        LayerKind::Residual { .. } => match inside(kind, input, false)?.last() {
            Some(&[_, output]) if output != input => Err(format!(
                "the layers of a residual block must give back the shape that they take: {input} comes in and {output} comes out"
            )),
            _ => Ok(input),
        },
        LayerKind::Parallel { merge, .. } => {
            let outputs = inside(kind, input, false)?.into_iter().map(|[_, output]| output);
            merged(*merge, &outputs.collect::<Vec<_>>())
        }
        _ => Ok(input),
    }
}

/// What each of the layers inside of a layer takes and puts out.
pub(crate) fn shapes_inside(kind: &LayerKind, input: Shape) -> Result<Vec<[Shape; 2]>, String> {
    inside(kind, input, true)
}

fn inside(kind: &LayerKind, input: Shape, is_data: bool) -> Result<Vec<[Shape; 2]>, String> {
    let layers = kind.layers().unwrap_or_default();
    let inputs = match kind {
        LayerKind::Parallel { .. } => vec![input; layers.len()],
        LayerKind::EncoderDecoder { source, .. } => divided_input(*source, layers.len(), input)?.to_vec(),
        _ => return chain(layers, input, is_data),
    };
    let of =
        |((layer, name), input): ((&LayerSpec, String), Shape)| Ok([input, inner_shape(layer, &name, input, is_data)?]);
    layers.iter().zip(layer_names(layers)).zip(inputs).map(of).collect()
}

/// What each of several layers in a row takes and puts out.
fn chain(layers: &[LayerSpec], input: Shape, is_data: bool) -> Result<Vec<[Shape; 2]>, String> {
    let mut shape = input;
    let of = |(number, (layer, name)): (usize, (&LayerSpec, String))| {
        let before = shape;
        shape = inner_shape(layer, &name, before, is_data && number == 0)?;
        Ok([before, shape])
    };
    layers.iter().zip(layer_names(layers)).enumerate().map(of).collect()
}

/// The shape behind each of the layers of an output.
pub(crate) fn inner_shapes(layers: &[LayerSpec], input: Shape) -> Result<Vec<Shape>, String> {
    Ok(chain(layers, input, false)?.into_iter().map(|[_, output]| output).collect())
}

fn inner_shape(layer: &LayerSpec, name: &str, input: Shape, is_data: bool) -> Result<Shape, String> {
    match layer.kind {
        LayerKind::Embedding { .. } if !is_data => Err(format!("{name}: {EMBEDDING_FIRST}")),
        _ => output(&layer.kind, input, is_data).map_err(|text| format!("{name}: {text}")),
    }
}

/// Whether a layer of a decoder attends to the encoder.
fn attends(layer: &LayerSpec) -> bool {
    match &layer.kind {
        LayerKind::TransformerDecoder { .. } => true,
        LayerKind::EncoderDecoder { .. } => false,
        kind => kind.layers().is_some_and(|layers| layers.iter().any(attends)),
    }
}

/// What the encoder reads and what the decoder does.
fn divided_input(source: u64, layers: usize, input: Shape) -> Result<[Shape; 2], String> {
    if layers != 2 {
        return Err(format!(
            "encoder_decoder has {} of its own, and needs two: the encoder and the decoder; put the layers of each into one with kind = \"sequential\"",
            counted(layers, "layer")
        ));
    }
    let (all, what) = match input {
        Shape::Sequence([time, _]) => (time, "time step"),
        Shape::Row(values) => (values, "value"),
        Shape::Image(_) => {
            return Err(format!(
                "encoder_decoder needs a sequence or a row, and an image {input} comes in; put a reshape before it"
            ));
        }
    };
    if source >= all {
        return Err(format!(
            "source = {source} leaves nothing of the {} that come in for the decoder; make it smaller",
            counted(all as usize, what)
        ));
    }
    Ok(match input {
        Shape::Sequence([time, features]) => {
            [Shape::Sequence([source, features]), Shape::Sequence([time - source, features])]
        }
        Shape::Row(_) | Shape::Image(_) => [Shape::Row(source), Shape::Row(all - source)],
    })
}

/// The shape of the outputs of branches together.
fn merged(merge: Merge, outputs: &[Shape]) -> Result<Shape, String> {
    let Some((&first, others)) = outputs.split_first() else {
        return Err("a parallel block needs at least one layer of its own".to_owned());
    };
    others.iter().try_fold(first, |sum, &next| match (merge, sum, next) {
        (Merge::Add | Merge::Multiply | Merge::Average | Merge::Maximum, sum, next) if sum == next => Ok(sum),
        (Merge::Concat, Shape::Row(sum), Shape::Row(next)) => Ok(Shape::Row(sum.saturating_add(next))),
        (Merge::Concat, Shape::Sequence([time, sum]), Shape::Sequence([same, next])) if time == same => {
            Ok(Shape::Sequence([time, sum.saturating_add(next)]))
        }
        (Merge::Concat, Shape::Image([sum, height, width]), Shape::Image([next, rows, columns]))
            if [height, width] == [rows, columns] =>
        {
            Ok(Shape::Image([sum.saturating_add(next), height, width]))
        }
        (Merge::Add | Merge::Multiply | Merge::Average | Merge::Maximum, ..) => {
            let done = match merge {
                Merge::Multiply => "multiplied",
                Merge::Average => "averaged",
                Merge::Maximum => "compared",
                Merge::Add | Merge::Concat => "added",
            };
            Err(format!("branches of different shapes, {sum} and {next}, cannot be {done}; make them equal"))
        }
        (Merge::Concat, ..) => Err(format!(
            "branches of the shapes {sum} and {next} cannot be joined along the channels; make them equal but for those"
        )),
    })
}
