//! A learned row of numbers for each whole number.
use super::{Fans, initialize, tap_as};
use crate::random::Random;
use crate::recipe::{Initializer, Shape};
use barograph_burn::{Scope, from_slice, ops};
use barograph_vocab::Role;
use burn::module::{Module, Param};
use burn::prelude::*;

/// Each whole number of a row becomes the row of `weight` at that place: `[length]` to `[length, dimension]` (Bengio et al.,
/// 2003).
#[derive(Module, Debug)]
pub struct Embedding {
    /// `[vocabulary, dimension]`.
    pub weight: Param<Tensor<2>>,
    #[module(skip)]
    output: Shape,
    mask_zero: bool,
}

impl Embedding {
    /// A layer for numbers from 0 to below `vocabulary` that puts out sequences of shape `output`.
    #[must_use]
    pub fn new(
        vocabulary: usize,
        output: Shape,
        initializer: Initializer,
        trainable: bool,
        random: &mut Random,
        device: &Device,
    ) -> Self {
        let dimension = output.channels();
        let fans = Fans { fan_in: vocabulary, fan_out: dimension };
        let weight = initialize(initializer, vocabulary * dimension, fans, random);
        let weight = Param::from_tensor(from_slice(weight, [vocabulary, dimension], device));
        Self { weight: weight.set_require_grad(trainable), output, mask_zero: false }
    }

    /// With the number 0 as what fills up sequences that are shorter, or not.
    #[must_use]
    pub fn with_mask_zero(mut self, mask_zero: bool) -> Self {
        self.mask_zero = mask_zero;
        self
    }

    /// Whether a row of inputs can be looked up; `first` is the column of the data that it begins with.
    ///
    /// # Errors
    /// With the first column whose value is no whole number of the vocabulary.
    pub fn check(&self, site: &str, row: &[f32], first: usize) -> Result<(), String> {
        let vocabulary = self.weight.dims()[0];
        let known = |value: f32| value >= 0.0 && value < vocabulary as f32 && value.fract() == 0.0;
        let Some(column) = row.iter().position(|&value| !known(value)) else { return Ok(()) };
        Err(format!(
            "column {} of the inputs is {}, but {site} takes whole numbers from 0 to {}; give it a larger vocabulary, or \
             repair the row, and leave data.normalize at \"none\"",
            first + column,
            row[column],
            vocabulary - 1,
        ))
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        let [batch, _] = x.dims();
        if self.mask_zero {
            Scope::set_mask(Some(x.clone().not_equal_elem(0.0).float().cast(x.dtype())));
        }
        let rows = ops::embedding(x, self.weight.val());
        tap_as(site, Role::Activation, ops::reshape(rows, [batch, self.output.values() as usize]), self.output)
    }
}
