//! Shows all gradients of a step to the hooks, before the optimizer gets them.
use crate::gradient_hook::{GradientHook, Review, StepGradients, WeightGradient};
use crate::model::Model;
use barograph_burn::Parameters;
use burn::module::{ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::prelude::*;

/// Why a step is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The number of the weight that it is about.
    pub(crate) weight: Option<usize>,
    pub(crate) reason: String,
}

impl Refusal {
    /// For people, with the name of the weight.
    pub(crate) fn text<M: Model>(&self, model: &M) -> String {
        let parameters = Parameters::of(model).renamed(|path| model.site_of(path));
        let weight = self.weight.and_then(|number| parameters.list().get(number));
        let place = weight.map_or_else(String::new, |weight| format!(" ({})", weight.path));
        format!("{}{place}: the step was refused and nothing changed", self.reason)
    }
}

/// Asks each hook. Returns whether some gradient was made smaller, and why the step is not taken, if it is not.
pub(crate) fn review<M: Model>(
    hooks: &mut [Box<dyn GradientHook>],
    model: &M,
    loss: f64,
    gradients: &mut GradientsParams,
) -> (bool, Option<Refusal>) {
    if hooks.is_empty() {
        return (false, None);
    }
    let mut taker = Taker { gradients, next: 0, weights: Vec::new() };
    model.visit(&mut taker);
    let mut step = StepGradients { loss, weights: taker.weights };
    let (mut clipped, mut refusal) = (false, None);
    for hook in hooks {
        match hook.review(&mut step) {
            Review::Kept => {}
            Review::Clipped => clipped = true,
            Review::Refused { weight, reason } => {
                refusal = Some(Refusal { weight, reason });
                break;
            }
        }
    }
    model.visit(&mut Giver { gradients, next: 0, weights: step.weights.into_iter().peekable() });
    (clipped, refusal)
}

struct Taker<'a> {
    gradients: &'a mut GradientsParams,
    next: usize,
    weights: Vec<WeightGradient>,
}

impl ModuleVisitor for Taker<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let number = self.next;
        self.next += 1;
        let Some(gradient) = self.gradients.remove::<D>(param.id) else { return };
        let weight = param.val().inner();
        let shape = weight.dims().to_vec();
        let (weight, gradient) = (weight.flatten(0, D - 1), gradient.flatten(0, D - 1));
        self.weights.push(WeightGradient { number, shape, weight, gradient });
    }
}

struct Giver<'a> {
    gradients: &'a mut GradientsParams,
    next: usize,
    weights: std::iter::Peekable<std::vec::IntoIter<WeightGradient>>,
}

impl ModuleVisitor for Giver<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let number = self.next;
        self.next += 1;
        if let Some(weight) = self.weights.next_if(|weight| weight.number == number) {
            self.gradients.register::<D>(param.id, weight.gradient.reshape(param.val().dims()));
        }
    }
}
