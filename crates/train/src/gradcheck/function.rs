//! The loss as a function of the weights, in double precision.
use crate::batches::Batch;
use crate::engine::Engine;
use crate::error::TrainError;
use crate::model::Model;
use crate::random::{Purpose, Random};
use barograph_burn::{
    ModulePath, Scope, StepKey, from_doubles, from_slice, in_double_precision, is_double, separate, to_doubles,
};
use burn::module::{ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Rounding error of a loss, as a multiple of f64's epsilon (our choice: a sum of a few hundred terms).
const ROUNDING: f64 = 32.0;

/// A weight that the optimizer changes.
pub(super) struct Weight {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f64>,
    id: ParamId,
}

/// The loss of a few rows.
pub(super) struct Function<'a, M> {
    engine: &'a Engine<'a>,
    model: &'a M,
    /// The same with weights of f64.
    double: M,
    batch: Batch,
}

impl<'a, M: Model> Function<'a, M> {
    /// The loss of the first rows of the first batch.
    pub(super) fn new(engine: &'a Engine<'a>, model: &'a M, rows: usize) -> Result<Self, TrainError> {
        let places = engine.endless_plans().next().map(|plan| plan.places).unwrap_or_default();
        let batch = engine.rows.gather(&places[..rows.min(places.len())])?;
        let double = separate(model).map(&mut Rewrite::all());
        let function = Self { engine, model, double, batch };
        if function.weights().is_empty() {
            return Err(TrainError::Mismatch(
                "there is nothing to check: no weight of the model is trainable".to_owned(),
            ));
        }
        Ok(function)
    }

    /// The loss at these weights, which may be of f32 or, in double precision, of f64. The model is a copy, for a layer may keep a state.
    fn loss(&self, model: &M) -> Tensor<1> {
        let key = StepKey { seed: self.engine.recipe.seed, ..StepKey::default() };
        let _scope = Scope { training: true, key, kept: self.engine.auxiliary.keep(), ..Scope::default() }.enter();
        let Batch { inputs, features, .. } = &self.batch;
        let inputs = from_slice(inputs.clone(), [self.batch.len(), *features], &self.engine.device);
        let outputs = model.forward(inputs);
        self.engine.losses_of(model, outputs, &self.batch, None, 1.0).0
    }

    /// The same function around weights that are moved at random by up to `share` of their magnitude, or of 1 for a smaller one.
    pub(super) fn nearby(&self, share: f64) -> Self {
        let mut double = separate(&self.double);
        for (number, weight) in self.weights().into_iter().enumerate() {
            let mut random = Random::new(0, Purpose::GradientCheck, 1, number as u32);
            let moved = |value: f64| value + share * value.abs().max(1.0) * (2.0 * random.uniform_f64() - 1.0);
            let values = weight.values.into_iter().map(moved).collect();
            double = double.map(&mut Rewrite { only: Some((weight.id, values)) });
        }
        Self { engine: self.engine, model: self.model, double, batch: self.batch.clone() }
    }

    /// The loss in double precision.
    fn double_loss(&self, model: &M) -> Result<Tensor<1>, TrainError> {
        // burn panics where an operation is given f32 beside f64, which is the business of whoever wrote the model or the loss.
        let loss = catch_unwind(AssertUnwindSafe(|| in_double_precision(|| self.loss(model))));
        match loss {
            Ok(loss) if is_double(&loss) => Ok(loss),
            Ok(_) => Err(not_double("the loss comes out in float32")),
            Err(panic) => {
                let said = panic.downcast_ref::<String>().map(String::as_str);
                let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
                Err(not_double(&format!("burn said {said:?}")))
            }
        }
    }

    /// The loss at the model's weights, with one element moved to `value`.
    pub(super) fn at(&self, weight: &Weight, element: usize, value: f64) -> Result<f64, TrainError> {
        let mut values = weight.values.clone();
        values[element] = value;
        let moved = separate(&self.double).map(&mut Rewrite { only: Some((weight.id, values)) });
        Ok(value_of(&self.double_loss(&moved)?))
    }

    /// The loss at the model's weights.
    pub(super) fn here(&self) -> Result<f64, TrainError> {
        Ok(value_of(&self.double_loss(&separate(&self.double))?))
    }

    /// What rounding can make of a difference over `step`, for a loss of this magnitude.
    pub(super) fn rounding(magnitude: f64, step: f64) -> f64 {
        ROUNDING * f64::EPSILON * magnitude / step
    }

    fn weights(&self) -> Vec<Weight> {
        let mut collector = Collector { model: self.model, path: ModulePath::default(), weights: Vec::new() };
        self.double.visit(&mut collector);
        collector.weights
    }

    /// The weights and autodiff's derivative by each; zeros for one that the loss does not depend on.
    pub(super) fn derivatives(&self) -> Result<(Vec<Weight>, Vec<Vec<f64>>), TrainError> {
        let model = separate(&self.double);
        let loss = self.double_loss(&model)?;
        let derivatives = in_double_precision(|| derivatives(&model, &loss));
        Ok((self.weights(), derivatives))
    }

    /// Autodiff's derivatives as training computes them.
    pub(super) fn single_derivatives(&self) -> Vec<Vec<f64>> {
        // The copy keeps what the model notes while it runs, such as running means, to itself.
        let model = separate(self.model);
        derivatives(&model, &self.loss(&model))
    }

    /// Refuses a loss that is another one each time.
    pub(super) fn must_repeat(&self) -> Result<(), TrainError> {
        let (first, second) = (self.here()?, self.here()?);
        let differs = (first - second).abs() > ROUNDING * f64::EPSILON * first.abs();
        if differs {
            return Err(TrainError::Mismatch(format!(
                "the loss is {first:e} and then {second:e} for the same inputs: the model or the loss draws random numbers of its own, or \
                 keeps a state; take them from barograph_train::random, keyed by the step"
            )));
        }
        Ok(())
    }
}

fn not_double(why: &str) -> TrainError {
    TrainError::Mismatch(format!(
        "the model or the loss does not compute in float64 although all its weights are ({why}): differences have too few digits then; \
         make constants with barograph_burn::from_slice, which follows"
    ))
}

fn value_of(loss: &Tensor<1>) -> f64 {
    to_doubles(loss).first().copied().unwrap_or(f64::NAN)
}

/// The derivative by each trainable weight.
fn derivatives<M: Model>(model: &M, loss: &Tensor<1>) -> Vec<Vec<f64>> {
    let mut gradients = GradientsParams::new();
    if loss.is_tracked() {
        gradients = GradientsParams::from_grads(loss.backward(), model);
    }
    let mut reader = Reader { gradients, found: Vec::new() };
    model.visit(&mut reader);
    reader.found
}

struct Reader {
    gradients: GradientsParams,
    found: Vec<Vec<f64>>,
}

impl ModuleVisitor for Reader {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !param.val().is_require_grad() {
            return;
        }
        let gradient = self.gradients.get::<D>(param.id).map(|gradient| to_doubles(&gradient));
        self.found.push(gradient.unwrap_or_else(|| vec![0.0; param.val().dims().iter().product()]));
    }
}

/// Turns weights into f64, all of them or one of them with new values.
struct Rewrite {
    only: Option<(ParamId, Vec<f64>)>,
}

impl Rewrite {
    const fn all() -> Self {
        Self { only: None }
    }
}

impl ModuleMapper for Rewrite {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.only.as_ref().is_some_and(|(id, _)| *id != param.id) {
            return param;
        }
        let (id, old, mapper) = param.consume();
        let values = self.only.as_ref().map_or_else(|| to_doubles(&old), |(_, values)| values.clone());
        let new = from_doubles(values, old.dims(), &old.device()).set_require_grad(old.is_require_grad());
        Param::from_mapped_value(id, new, mapper)
    }
}

struct Collector<'a, M> {
    model: &'a M,
    path: ModulePath,
    weights: Vec<Weight>,
}

impl<M: Model> ModuleVisitor for Collector<'_, M> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.leave();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        if !value.is_require_grad() {
            return;
        }
        self.weights.push(Weight {
            name: self.model.site_of(&self.path.dotted()),
            shape: value.dims().to_vec(),
            values: to_doubles(&value),
            id: param.id,
        });
    }
}
