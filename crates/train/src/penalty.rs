//! What is added to the loss for large weights.
use crate::recipe::PenaltySpec;
use barograph_burn::{Scope, ops};
use burn::module::{Module, ModuleVisitor, Param};
use burn::prelude::*;

/// `l1` times the sum of magnitudes plus `l2` times the sum of squares of all weight matrices; biases and the scales of
/// normalization layers are left out. `None` when there is nothing to add.
#[must_use]
pub fn penalty<M: Module>(spec: &PenaltySpec, model: &M) -> Option<Tensor<1>> {
    if *spec == PenaltySpec::default() {
        return None;
    }
    Scope::at("penalty", || {
        let mut sum = Sum { spec: *spec, total: None };
        model.visit(&mut sum);
        sum.total
    })
}

struct Sum {
    spec: PenaltySpec,
    total: Option<Tensor<1>>,
}

impl Sum {
    fn add(&mut self, term: Tensor<1>) {
        self.total = Some(match self.total.take() {
            Some(total) => ops::add(total, term),
            None => term,
        });
    }
}

impl ModuleVisitor for Sum {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if D < 2 {
            return;
        }
        if self.spec.l1 > 0.0 {
            self.add(ops::mul_scalar(ops::sum(ops::abs(param.val())), self.spec.l1));
        }
        if self.spec.l2 > 0.0 {
            self.add(ops::mul_scalar(ops::sum(ops::square(param.val())), self.spec.l2));
        }
    }
}
