//! The precision of a training.
use super::visit::{Counts, Limits, Section, Visitor, words};
use super::{Recipe, RecipeError};
use burn::prelude::*;
use burn::tensor::FloatDType;

words! {
    /// The precision of matrix products and convolutions. Weights, sums, losses and updates are single precision in any case.
    Precision, "precision", {
        /// Single precision.
        F32 = "f32",
        /// Half precision with the range of single precision, and three bits less of every number than `f16`.
        Bf16 = "bf16",
        /// Half precision, at most 65504, so that the loss is scaled; see `[loss_scale]`.
        F16 = "f16",
    }
}

impl Precision {
    /// The type of products in it.
    #[must_use]
    pub const fn products(self) -> FloatDType {
        match self {
            Self::F32 => FloatDType::F32,
            Self::Bf16 => FloatDType::BF16,
            Self::F16 => FloatDType::F16,
        }
    }

    /// What it is called in facts, as in torch.
    pub(crate) const fn fact(self) -> &'static str {
        match self {
            Self::F32 => "float32",
            Self::Bf16 => "bfloat16",
            Self::F16 => "float16",
        }
    }
}

impl Recipe {
    /// Checks that a device computes in the recipe's precision.
    ///
    /// # Errors
    /// When it does not; and what to do.
    pub(crate) fn check_precision(&self, device: &Device) -> Result<(), RecipeError> {
        if device.supports_dtype(self.precision.products()) {
            return Ok(());
        }
        let (precision, device) = (self.precision.name(), &self.device);
        let text = format!("the device {device} does not compute in {precision}; use precision = \"f32\"");
        Err(RecipeError::one(self.place("precision"), "precision", text))
    }
}

/// `[loss_scale]`: what the loss is multiplied with in a training with `precision = "f16"`, so that small gradients do not become 0. Gradients
/// are divided by it again. A step in which a gradient is beyond half precision is not taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossScaleSpec {
    /// `initial`: the factor of the first step. Default 65536, as in torch.
    pub initial: f64,
    /// `growth`: what it is multiplied with after `interval` good steps. Default 2.
    pub growth: f64,
    /// `backoff`: what it is multiplied with after a step that was not taken; it does not fall below 1. Default 0.5.
    pub backoff: f64,
    /// `interval`: good steps in a row before it grows. Default 2000.
    pub interval: u64,
}

impl Default for LossScaleSpec {
    fn default() -> Self {
        Self { initial: 65536.0, growth: 2.0, backoff: 0.5, interval: 2000 }
    }
}

impl Section for LossScaleSpec {
    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        let from_one = Limits { min: 1.0, ..Limits::ANY };
        visitor.number("initial", &mut self.initial, from_one);
        visitor.number("growth", &mut self.growth, from_one);
        visitor.number("backoff", &mut self.backoff, Limits::SHRINKING);
        visitor.count("interval", &mut self.interval, Counts::from(1), false);
    }
}
