//! What shape each layer puts out.
use super::layers::{LayerKind, Padding};
use super::{Recipe, RecipeError};
use crate::data::counted;

/// The shape of one example between two layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// This many values in a row.
    Row(u64),
    /// Channels, height and width.
    Image([u64; 3]),
}

impl Shape {
    /// Values of one example.
    #[must_use]
    pub const fn values(self) -> u64 {
        match self {
            Self::Row(values) => values,
            Self::Image([channels, height, width]) => channels.saturating_mul(height).saturating_mul(width),
        }
    }
}

/// Positions that a window of `size` takes along `length` pixels.
fn positions(length: u64, size: u64, stride: u64) -> Option<u64> {
    (size >= 1 && stride >= 1 && size <= length).then(|| (length - size) / stride + 1)
}

/// The shape that a layer makes of `input`, or why it cannot.
fn output(kind: &LayerKind, input: Shape) -> Result<Shape, String> {
    let image = || match input {
        Shape::Image(image) => Ok(image),
        Shape::Row(_) => Err(format!(
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
    match kind {
        LayerKind::Dense { units, .. } => Ok(Shape::Row(*units)),
        LayerKind::Conv2d { channels, kernel, stride, padding, .. } => {
            let [_, height, width] = image()?;
            match padding {
                Padding::Valid => windows([*channels, height, width], *kernel, *stride),
                Padding::Same => {
                    Ok(Shape::Image([*channels, height.div_ceil((*stride).max(1)), width.div_ceil((*stride).max(1))]))
                }
            }
        }
        LayerKind::MaxPool2d { size, stride } | LayerKind::AvgPool2d { size, stride } => {
            windows(image()?, *size, stride.unwrap_or(*size))
        }
        LayerKind::Flatten => Ok(Shape::Row(input.values())),
        LayerKind::Dropout { .. }
        | LayerKind::BatchNorm { .. }
        | LayerKind::LayerNorm { .. }
        | LayerKind::Activation { .. } => Ok(input),
    }
}

impl Recipe {
    /// The shape that each layer puts out, given the number of input columns.
    ///
    /// # Errors
    /// When `data.image` does not multiply to `inputs`, an image layer gets a row, or a window does not fit its image.
    pub fn shapes(&self, inputs: u64) -> Result<Vec<Shape>, RecipeError> {
        let mut shape = match self.data.image {
            None => Shape::Row(inputs),
            Some(image) if Shape::Image(image).values() == inputs => Shape::Image(image),
            Some(image) => {
                let [channels, height, width] = image;
                let values = Shape::Image(image).values();
                return Err(RecipeError::one(
                    self.place("data.image"),
                    "data.image",
                    format!(
                        "data.image = [{channels}, {height}, {width}] makes {values} values of each row, but the data has {}",
                        counted(inputs as usize, "input")
                    ),
                ));
            }
        };
        let mut shapes = Vec::with_capacity(self.layers.len());
        for (number, layer) in self.layers.iter().enumerate() {
            let key = format!("layers.{number}");
            shape = output(&layer.kind, shape).map_err(|text| {
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
