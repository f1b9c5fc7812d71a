//! The targets of a batch.
use barograph_burn::{from_slice, to_vec};
use burn::prelude::*;
use burn::tensor::TensorData;

/// The targets of a batch, as losses see them.
#[allow(clippy::large_enum_variant, reason = "one is made per step")]
#[derive(Clone, Debug)]
pub enum TargetTensor {
    /// A class number a row.
    Classes(Vec<i64>),
    /// `[batch, columns]`.
    Real(Tensor<2>),
}

impl TargetTensor {
    /// Targets in the shape of the outputs: real ones as they are; classes one-hot, or for a single output as 0 and 1.
    #[must_use]
    pub fn like(&self, outputs: &Tensor<2>) -> Tensor<2> {
        match self {
            Self::Real(values) => values.clone(),
            Self::Classes(classes) => {
                let width = outputs.dims()[1];
                let device = outputs.device();
                let mut values = vec![0.0; classes.len() * width];
                for (row, &class) in values.chunks_mut(width.max(1)).zip(classes) {
                    if width == 1 {
                        row[0] = class as f32;
                    } else if let Some(hot) = usize::try_from(class).ok().and_then(|class| row.get_mut(class)) {
                        *hot = 1.0;
                    }
                }
                from_slice(values, [classes.len(), width], &device)
            }
        }
    }

    /// Class numbers `[batch]`; real targets give the column of their largest value.
    #[must_use]
    pub fn classes(&self, device: &Device) -> Tensor<1, Int> {
        match self {
            Self::Classes(classes) => Tensor::from_data(TensorData::new(classes.clone(), [classes.len()]), device),
            Self::Real(values) => {
                let rows = values.dims()[0];
                values.clone().argmax(1).reshape([rows])
            }
        }
    }

    /// Whether there is a number for each of the several outputs, which is then the share of that class.
    pub(super) fn is_distribution(&self, outputs: &Tensor<2>) -> bool {
        matches!(self, Self::Real(values) if values.dims() == outputs.dims() && values.dims()[1] > 1)
    }

    /// Where the right class of each row is: `[batch, outputs]`.
    pub(super) fn hot(&self, outputs: &Tensor<2>) -> Tensor<2, Bool> {
        let ([rows, width], device) = (outputs.dims(), outputs.device());
        let classes = self.classes(&device).reshape([rows, 1]);
        Tensor::<1, Int>::arange(0..width as i64, &device).reshape([1, width]).equal(classes)
    }

    /// A class number for each time step instead of several columns: outputs `[batch, time * classes]` of targets `[batch, time]` as one row a
    /// step, with what each counts. A number below 0 marks a step of which nothing is learned, and counts 0.
    pub(super) fn unrolled(&self, outputs: &Tensor<2>) -> Option<(Tensor<2>, Self, Tensor<2>)> {
        let Self::Real(values) = self else { return None };
        let ([rows, width], columns) = (outputs.dims(), values.dims()[1]);
        if columns < 2 || width == columns || !width.is_multiple_of(columns) {
            return None;
        }
        let (steps, values) = (rows * columns, to_vec(values));
        // A target that is NaN counts NaN, so that the loss shows it.
        let counts = values.iter().map(|&value| if value.is_nan() { value } else { f32::from(value >= 0.0) }).collect();
        let classes = values.iter().map(|&value| value.max(0.0) as i64).collect();
        Some((
            barograph_burn::ops::reshape(outputs.clone(), [steps, width / columns]),
            Self::Classes(classes),
            from_slice(counts, [steps, 1], &outputs.device()),
        ))
    }
}
