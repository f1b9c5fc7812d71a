//! What shape each layer puts out.
use super::block_shapes::{inner_shapes, of_block};
use super::{Examples, Recipe, RecipeError};
use super::{LayerKind, OutputSpec, Padding, RecurrentSpec};
use crate::data::counted;
use std::fmt;

pub(super) const EMBEDDING_FIRST: &str =
    "embedding takes the whole numbers of the data, so that it must be the first layer; move it up";

/// The shape of one example between two layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// This many values in a row.
    Row(u64),
    /// Time steps and features of each; the features of one step lie side by side.
    Sequence([u64; 2]),
    /// Channels, height and width.
    Image([u64; 3]),
}

impl Shape {
    /// Values of one example.
    #[must_use]
    pub const fn values(self) -> u64 {
        match self {
            Self::Row(values) => values,
            Self::Sequence([time, features]) => time.saturating_mul(features),
            Self::Image([channels, height, width]) => channels.saturating_mul(height).saturating_mul(width),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row(values) => write!(f, "[{values}]"),
            Self::Sequence([time, features]) => write!(f, "[{time}, {features}]"),
            Self::Image([channels, height, width]) => write!(f, "[{channels}, {height}, {width}]"),
        }
    }
}

/// Positions that a window of `size` takes along `length` pixels.
fn positions(length: u64, size: u64, stride: u64) -> Option<u64> {
    (size >= 1 && stride >= 1 && size <= length).then(|| (length - size) / stride + 1)
}

/// The shape that a layer makes of `input`, or why it cannot. What comes from the data may be looked up in an embedding.
pub(super) fn output(kind: &LayerKind, input: Shape, is_data: bool) -> Result<Shape, String> {
    let image = || match input {
        Shape::Image(image) => Ok(image),
        Shape::Row(_) | Shape::Sequence(_) => Err(format!(
            "{} needs an image; give data.image = [channels, height, width], and put it before any flatten or dense layer",
            kind.name()
        )),
    };
    let windows = |[channels, height, width]: [u64; 3], size: u64, stride: u64| {
        let rows = positions(height, size, stride);
        let columns = positions(width, size, stride);
        rows.zip(columns).map(|(rows, columns)| Shape::Image([channels, rows, columns])).ok_or_else(|| {
            format!("a window of {size}x{size} does not fit the image of {height}x{width} that comes in; use fewer or smaller windows")
        })
    };
    let sequence = || match input {
        Shape::Sequence(sequence) => Ok(sequence),
        Shape::Row(_) | Shape::Image(_) => Err(format!(
            "{} needs a sequence, and {input} comes in; put a layer with kind = \"reshape\" and shape = [time, features] before it",
            kind.name()
        )),
    };
    let recurrent = |spec: &RecurrentSpec| {
        let [time, _] = sequence()?;
        let outputs = spec.outputs();
        Ok(if spec.return_sequences { Shape::Sequence([time, outputs]) } else { Shape::Row(outputs) })
    };
    match kind {
        LayerKind::Dense { units, .. } => Ok(match input {
            Shape::Sequence([time, _]) => Shape::Sequence([time, *units]),
            Shape::Row(_) | Shape::Image(_) => Shape::Row(*units),
        }),
        LayerKind::Conv2d { channels, kernel, stride, padding, .. } => {
            let [_, height, width] = image()?;
            match padding {
                Padding::Valid => windows([*channels, height, width], *kernel, *stride),
                Padding::Same => {
                    Ok(Shape::Image([*channels, height.div_ceil((*stride).max(1)), width.div_ceil((*stride).max(1))]))
                }
            }
        }
        LayerKind::Conv1d { channels, kernel, stride, padding, .. } => {
            let [time, _] = sequence()?;
            Ok(Shape::Sequence([convolved(time, *kernel, *stride, *padding)?, *channels]))
        }
        LayerKind::Conv2dTranspose { channels, kernel, stride, padding, .. } => {
            let [_, height, width] = image()?;
            let side = |pixels: u64| match padding {
                Padding::Same => pixels.saturating_mul(*stride),
                Padding::Valid => (pixels - 1).saturating_mul(*stride).saturating_add(*kernel),
            };
            Ok(Shape::Image([*channels, side(height), side(width)]))
        }
        LayerKind::MaxPool2d { size, stride } | LayerKind::AvgPool2d { size, stride } => {
            windows(image()?, *size, stride.unwrap_or(*size))
        }
        LayerKind::MaxPool1d { size, stride } | LayerKind::AvgPool1d { size, stride } => {
            pooled(sequence()?, *size, stride.unwrap_or(*size))
        }
        LayerKind::GlobalMaxPool | LayerKind::GlobalAveragePool => match input {
            Shape::Row(_) => Err(format!(
                "{} needs an image or a sequence, and a row of values comes in; put it before any flatten layer",
                kind.name()
            )),
            Shape::Sequence(_) | Shape::Image(_) => Ok(Shape::Row(input.channels() as u64)),
        },
        LayerKind::Flatten => Ok(Shape::Row(input.values())),
        LayerKind::Reshape { shape } => reshaped(shape, input),
        LayerKind::Embedding { dimension, .. } => Ok(Shape::Sequence([input.values(), *dimension])),
        LayerKind::Rnn { recurrent: spec, .. }
        | LayerKind::Lstm { recurrent: spec, .. }
        | LayerKind::Gru { recurrent: spec } => recurrent(spec),
        LayerKind::PositionEmbedding { .. } | LayerKind::Masking { .. } => sequence().map(Shape::Sequence),
        LayerKind::MultiHeadAttention { heads, .. } => {
            divided(sequence()?[1], *heads, "heads", "features").map(|()| input)
        }
        LayerKind::TransformerEncoder { block } | LayerKind::TransformerDecoder { block } => {
            divided(sequence()?[1], block.heads, "heads", "features").map(|()| input)
        }
        LayerKind::GroupNorm { groups, .. } => {
            divided(input.channels() as u64, *groups, "groups", "channels").map(|()| input)
        }
        LayerKind::Glu => halved(input),
        LayerKind::Custom { layer } => layer.written()?.output(input),
        LayerKind::Sequential { .. }
        | LayerKind::Residual { .. }
        | LayerKind::Parallel { .. }
        | LayerKind::EncoderDecoder { .. } => of_block(kind, input, is_data),
        LayerKind::Dropout { .. }
        | LayerKind::BatchNorm { .. }
        | LayerKind::LayerNorm { .. }
        | LayerKind::RmsNorm { .. }
        | LayerKind::LeakyRelu { .. }
        | LayerKind::RRelu { .. }
        | LayerKind::Threshold { .. }
        | LayerKind::Prelu { .. }
        | LayerKind::Activation { .. } => Ok(input),
    }
}

/// A sequence of the windows of `size` along one of so many time steps.
fn pooled([time, features]: [u64; 2], size: u64, stride: u64) -> Result<Shape, String> {
    let places = positions(time, size, stride).ok_or_else(|| {
        let steps = counted(time as usize, "time step");
        format!("a window of {size} does not fit the {steps} that come in; use fewer or smaller windows")
    })?;
    Ok(Shape::Sequence([places, features]))
}

/// Positions of a kernel along so many time steps.
fn convolved(time: u64, kernel: u64, stride: u64, padding: Padding) -> Result<u64, String> {
    match padding {
        Padding::Same => Ok(time.div_ceil(stride.max(1))),
        Padding::Valid => positions(time, kernel, stride).ok_or_else(|| {
            let steps = counted(time as usize, "time step");
            format!("a kernel of {kernel} does not fit the {steps} that come in; use a smaller kernel")
        }),
    }
}

/// Whether `whole` can be cut into so many equal parts.
fn divided(whole: u64, parts: u64, what: &str, of: &str) -> Result<(), String> {
    if parts > 0 && whole.is_multiple_of(parts) {
        return Ok(());
    }
    Err(format!("{parts} {what} do not divide the {whole} {of} that come in; change one of the two numbers"))
}

fn halved(input: Shape) -> Result<Shape, String> {
    let channels = input.channels() as u64;
    if !channels.is_multiple_of(2) {
        return Err(format!(
            "glu lets one half of the channels gate the other, and {channels} come in; make them even"
        ));
    }
    Ok(match input {
        Shape::Row(values) => Shape::Row(values / 2),
        Shape::Sequence([time, features]) => Shape::Sequence([time, features / 2]),
        Shape::Image([channels, height, width]) => Shape::Image([channels / 2, height, width]),
    })
}

fn reshaped(shape: &[u64], input: Shape) -> Result<Shape, String> {
    let output = match *shape {
        [time, features] => Shape::Sequence([time, features]),
        [channels, height, width] => Shape::Image([channels, height, width]),
        _ => Shape::Row(shape.iter().product()),
    };
    if output.values() == input.values() {
        return Ok(output);
    }
    Err(format!(
        "shape = {output} holds {}, and {input} comes in, which is {}; the two must be equal",
        counted(output.values() as usize, "value"),
        input.values()
    ))
}

impl Recipe {
    /// The number of the layer that an output starts from; the last where it names none that is there.
    pub(crate) fn start_of(&self, output: &OutputSpec) -> usize {
        let last = self.layers.len().saturating_sub(1);
        let named = output.from.as_ref().and_then(|from| self.layer_names().iter().position(|name| name == from));
        named.unwrap_or(last)
    }

    /// The shape that each of several outputs has, given the number of input columns.
    ///
    /// # Errors
    /// As [`Recipe::shapes`].
    pub fn output_shapes(&self, inputs: u64) -> Result<Vec<Shape>, RecipeError> {
        let shapes = self.shapes(inputs)?;
        let of = |(number, output): (usize, &OutputSpec)| {
            let key = format!("outputs.{number}.layers");
            let start = shapes.get(self.start_of(output)).copied().unwrap_or(Shape::Row(inputs));
            let own = inner_shapes(&output.layers, start).map_err(|text| {
                RecipeError::one(self.place(&key), key.as_str(), format!("output {}, layer {text}", output.name))
            })?;
            Ok(own.last().copied().unwrap_or(start))
        };
        self.outputs.iter().enumerate().map(of).collect()
    }

    /// The shape of one example, given the number of input values.
    ///
    /// # Errors
    /// When `data.image` does not multiply to `inputs`.
    pub fn input_shape(&self, inputs: u64) -> Result<Shape, RecipeError> {
        match &self.data.examples {
            Examples::Windows { length, .. } => return Ok(Shape::Sequence([*length, inputs / length.max(&1)])),
            Examples::Images { spec } => return Ok(Shape::Image(spec.shape())),
            Examples::Rows | Examples::Text { .. } | Examples::NextTokens { .. } => {}
        }
        match self.data.image {
            None => Ok(Shape::Row(inputs)),
            Some(image) if Shape::Image(image).values() == inputs => Ok(Shape::Image(image)),
            Some(image) => {
                let [channels, height, width] = image;
                let values = Shape::Image(image).values();
                Err(RecipeError::one(
                    self.place("data.image"),
                    "data.image",
                    format!(
                        "data.image = [{channels}, {height}, {width}] makes {values} values of each row, but the data has {}",
                        counted(inputs as usize, "input")
                    ),
                ))
            }
        }
    }

    /// The shape that each layer puts out, given the number of input columns.
    ///
    /// # Errors
    /// When `data.image` does not multiply to `inputs`, a layer gets another shape than it needs, or a window does not fit.
    pub fn shapes(&self, inputs: u64) -> Result<Vec<Shape>, RecipeError> {
        let mut shape = self.input_shape(inputs)?;
        let mut shapes = Vec::with_capacity(self.layers.len());
        for (number, layer) in self.layers.iter().enumerate() {
            let key = format!("layers.{number}");
            let placed = match layer.kind {
                LayerKind::Embedding { .. } if number > 0 => Err(EMBEDDING_FIRST.to_owned()),
                _ => output(&layer.kind, shape, number == 0),
            };
            shape = placed.map_err(|text| {
                RecipeError::one(
                    self.place(&key),
                    key.as_str(),
                    format!("layer {}: {text}", self.layer_names()[number]),
                )
            })?;
            shapes.push(shape);
        }
        Ok(shapes)
    }
}
