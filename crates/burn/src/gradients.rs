//! Gradients of a module, tensor by tensor, whatever their rank.
use crate::tensor::with_elements;
use burn::module::{ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::prelude::*;

/// Replaces each gradient, flattened, by what `map` makes of it; `None` takes it away, and the weight stays as it is.
///
/// `map` gets the number of the weight in the order of the module's fields.
pub fn map_gradients<M: Module>(
    module: &M,
    gradients: &mut GradientsParams,
    map: impl FnMut(usize, Tensor<1>) -> Option<Tensor<1>>,
) {
    module.visit(&mut Mapper { gradients, next: 0, map });
}

/// Adds the gradients of another pass over the same module.
pub fn add_gradients<M: Module>(module: &M, gradients: &mut GradientsParams, more: GradientsParams) {
    module.visit(&mut Adder { gradients, more });
}

/// The L2 norm of each gradient, and whether it is finite, in the order of the module's fields; weights without one are left out.
#[must_use]
pub fn gradient_norms<M: Module>(module: &M, gradients: &GradientsParams) -> Vec<GradientNorm> {
    let mut norms = Norms { gradients, next: 0, norms: Vec::new() };
    module.visit(&mut norms);
    norms.norms
}

/// The norm of one gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GradientNorm {
    /// Number of the weight in the order of the module's fields.
    pub weight: usize,
    /// L2 norm over its finite elements.
    pub norm: f64,
    /// Whether every element is finite.
    pub finite: bool,
}

struct Mapper<'a, F> {
    gradients: &'a mut GradientsParams,
    next: usize,
    map: F,
}

impl<F: FnMut(usize, Tensor<1>) -> Option<Tensor<1>>> ModuleVisitor for Mapper<'_, F> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let number = self.next;
        self.next += 1;
        let Some(gradient) = self.gradients.remove::<D>(param.id) else { return };
        let shape = gradient.dims();
        if let Some(mapped) = (self.map)(number, gradient.flatten::<1>(0, D - 1)) {
            self.gradients.register::<D>(param.id, mapped.reshape(shape));
        }
    }
}

struct Adder<'a> {
    gradients: &'a mut GradientsParams,
    more: GradientsParams,
}

impl ModuleVisitor for Adder<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(more) = self.more.remove::<D>(param.id) else { return };
        let sum = match self.gradients.remove::<D>(param.id) {
            Some(gradient) => gradient.add(more),
            None => more,
        };
        self.gradients.register::<D>(param.id, sum);
    }
}

struct Norms<'a> {
    gradients: &'a GradientsParams,
    next: usize,
    norms: Vec<GradientNorm>,
}

impl ModuleVisitor for Norms<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let weight = self.next;
        self.next += 1;
        let Some(gradient) = self.gradients.get::<D>(param.id) else { return };
        let reading =
            with_elements(&gradient, |elements| barograph_stats::read(elements, barograph_stats::Options::default()));
        if let Some(reading) = reading {
            self.norms.push(GradientNorm { weight, norm: reading.l2, finite: reading.non_finite() == 0 });
        }
    }
}
