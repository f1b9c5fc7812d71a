//! The targets of a batch.
use barograph_burn::from_slice;
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
}
