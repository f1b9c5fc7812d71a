//! Programming errors, as cases plant them.
use barograph_train::GradientHook;
use burn::prelude::*;

/// `zero_grad` was forgotten: gradients of all steps add up.
#[derive(Clone, Default)]
pub(super) struct NeverZeroed {
    sums: Vec<Option<Tensor<1>>>,
}

impl GradientHook for NeverZeroed {
    fn after_backward(&mut self, weight: usize, gradient: Tensor<1>) -> Option<Tensor<1>> {
        if self.sums.len() <= weight {
            self.sums.resize(weight + 1, None);
        }
        let sum = match self.sums[weight].take() {
            Some(sum) => sum + gradient,
            None => gradient,
        };
        self.sums[weight] = Some(sum.clone());
        Some(sum)
    }

    fn copy(&self) -> Box<dyn GradientHook> {
        Box::new(self.clone())
    }
}

/// The optimizer climbs.
#[derive(Clone)]
pub(super) struct Climbs;

impl GradientHook for Climbs {
    fn after_backward(&mut self, _weight: usize, gradient: Tensor<1>) -> Option<Tensor<1>> {
        Some(gradient.neg())
    }

    fn copy(&self) -> Box<dyn GradientHook> {
        Box::new(self.clone())
    }
}

/// The optimizer was given the parameters of another model: these gradients never reach it.
#[derive(Clone)]
pub(super) struct OtherParameters;

impl GradientHook for OtherParameters {
    fn before_update(&mut self, _weight: usize, _gradient: Tensor<1>) -> Option<Tensor<1>> {
        None
    }

    fn copy(&self) -> Box<dyn GradientHook> {
        Box::new(self.clone())
    }
}
