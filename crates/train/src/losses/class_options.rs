//! What may be asked of a loss of classes besides its formula.
use super::TargetTensor;
use crate::recipe::{LossKind, LossSpec, LossWants};
use barograph_burn::{from_slice, ops};
use burn::prelude::*;

/// Label smoothing and class weights.
pub(super) struct ClassOptions<'a> {
    smoothing: f64,
    weights: &'a [f64],
}

impl<'a> ClassOptions<'a> {
    pub(super) fn new(spec: &'a LossSpec) -> Self {
        Self { smoothing: spec.label_smoothing, weights: &spec.class_weights }
    }

    pub(super) fn smooths(&self) -> bool {
        self.smoothing > 0.0
    }

    /// Targets with their share taken away and spread over the classes; a single output is yes or no, two classes.
    pub(super) fn smoothed(&self, target: Tensor<2>) -> Tensor<2> {
        let classes = target.dims()[1];
        self.spread(target, classes)
    }

    /// Targets of which each is yes or no.
    pub(super) fn smoothed_flags(&self, target: Tensor<2>) -> Tensor<2> {
        self.spread(target, 2)
    }

    fn spread(&self, target: Tensor<2>, classes: usize) -> Tensor<2> {
        if !self.smooths() {
            return target;
        }
        ops::add_scalar(ops::mul_scalar(target, 1.0 - self.smoothing), self.smoothing / classes.max(1) as f64)
    }

    /// Targets, each class times its weight.
    pub(super) fn weighted(&self, target: Tensor<2>) -> Tensor<2> {
        match self.row(target.dims()[1], &target.device()) {
            Some(weights) => ops::mul(target, weights),
            None => target,
        }
    }

    /// The weight of each example `[batch, 1]`: that of its class, or of its classes by their shares. `None` where all count alike.
    pub(super) fn of_rows(&self, targets: &TargetTensor, outputs: &Tensor<2>) -> Option<Tensor<2>> {
        let weights = self.row(outputs.dims()[1], &outputs.device())?;
        Some(ops::sum_dim(ops::mul(targets.like(outputs), weights), 1))
    }

    /// The weight of each target `[batch, outputs]` that is yes or no.
    pub(super) fn of_flags(&self, targets: &TargetTensor, outputs: &Tensor<2>) -> Option<Tensor<2>> {
        let [no, yes] = *self.weights else { return None };
        Some(ops::add_scalar(ops::mul_scalar(targets.like(outputs), yes - no), no))
    }

    /// How much each term of a loss counts, where not all count alike.
    pub(super) fn of_terms(&self, kind: &LossKind, targets: &TargetTensor, outputs: &Tensor<2>) -> Option<Tensor<2>> {
        if kind.wants() == LossWants::Flags { self.of_flags(targets, outputs) } else { self.of_rows(targets, outputs) }
    }

    /// One weight an output `[1, outputs]`; a class without a number counts 1.
    fn row(&self, outputs: usize, device: &Device) -> Option<Tensor<2>> {
        if self.weights.is_empty() {
            return None;
        }
        let weights = (0..outputs).map(|class| self.weights.get(class).map_or(1.0, |weight| *weight as f32));
        Some(from_slice(weights.collect(), [1, outputs], device))
    }
}
