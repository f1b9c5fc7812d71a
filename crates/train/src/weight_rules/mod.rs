//! What is asked of single weights: regularizers, which add to the loss, and constraints, which act after each update.
//!
//! Both belong to the step, so that a replay and a trial repeat them.
mod constraint;
mod regularizer;

pub use constraint::Constraint;
pub use regularizer::Regularizer;

use crate::error::TrainError;
use crate::model::Model;
use crate::recipe::{ConstraintKind, LayerKind, RegularizerKind, suggest};
use barograph_burn::{Parameters, Scope, ops};
use burn::module::{ModuleMapper, ModuleVisitor, Param};
use burn::prelude::*;
use std::sync::Arc;

/// What a model asks of one of its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightRule {
    /// The weight's site: `dense1.weight`; or a layer's, for every weight of this part in it.
    pub site: String,
    /// Which of the weights.
    pub part: WeightPart,
    /// The axis that counts the units.
    pub unit_axis: usize,
    /// What is added to the loss.
    pub regularizer: RegularizerKind,
    /// What it is brought back to.
    pub constraint: ConstraintKind,
}

/// The weights of a layer, by what they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightPart {
    /// Multiplied with the inputs, or looked up.
    Weight,
    /// Multiplied with the state of a recurrent layer.
    Recurrent,
    /// Added.
    Bias,
}

/// What a recipe asks of the weights of a layer at `site`.
pub(crate) fn rules_of_layer(kind: &LayerKind, site: &str) -> Vec<WeightRule> {
    let rule = |part, regularizer, constraint| {
        // Weights are `[inputs, units]`, but for filters `[units, inputs, ...]`, which transposed ones have the other way round, and for
        // embeddings, where each row stands for itself.
        let is_unit_first =
            matches!(kind, LayerKind::Conv1d { .. } | LayerKind::Conv2d { .. } | LayerKind::Embedding { .. });
        WeightRule { site: site.to_owned(), part, unit_axis: usize::from(!is_unit_first), regularizer, constraint }
    };
    let mut rules = Vec::new();
    if let LayerKind::Embedding { regularizer, constraint, .. } = kind {
        rules.push(rule(WeightPart::Weight, *regularizer, *constraint));
    }
    if let Some(weights) = kind.weights() {
        rules.push(rule(WeightPart::Weight, weights.regularizer, weights.constraint));
        rules.push(rule(WeightPart::Bias, weights.bias_regularizer, weights.bias_constraint));
    }
    if let LayerKind::Rnn { recurrent, .. } | LayerKind::Lstm { recurrent, .. } | LayerKind::Gru { recurrent } = kind {
        rules.push(rule(WeightPart::Recurrent, recurrent.recurrent_regularizer, recurrent.recurrent_constraint));
    }
    rules.retain(|rule| rule.regularizer != RegularizerKind::None || rule.constraint != ConstraintKind::None);
    rules
}

impl WeightPart {
    /// What the weight of this name is; `None` for the scale and shift of a normalization and for slopes.
    fn of(name: &str) -> Option<Self> {
        match name {
            "recurrent_weight" => Some(Self::Recurrent),
            "weight" | "input_weight" => Some(Self::Weight),
            "bias" | "recurrent_bias" => Some(Self::Bias),
            _ => None,
        }
    }
}

/// What is asked of each weight, by its number in the order of the module's fields.
#[derive(Default)]
pub(crate) struct WeightRules {
    regularizers: Vec<(usize, usize, Arc<dyn Regularizer>)>,
    constraints: Vec<(usize, usize, Arc<dyn Constraint>)>,
}

/// What was asked from code, by the weight's site.
#[derive(Clone)]
pub(crate) enum AskedRule {
    Regularizer(String, Arc<dyn Regularizer>),
    Constraint(String, Arc<dyn Constraint>),
}

impl WeightRules {
    /// What a model asks, and what code asks besides.
    pub(crate) fn new<M: Model>(model: &M, asked: &[AskedRule]) -> Result<Self, TrainError> {
        let parameters = Parameters::of(model).renamed(|path| model.site_of(path));
        let mut rules = Self::default();
        for rule in model.weight_rules() {
            for (number, parameter) in parameters.list().iter().enumerate() {
                if !rule.is_for(&parameter.path) {
                    continue;
                }
                if rule.regularizer != RegularizerKind::None {
                    rules.regularizers.push((number, rule.unit_axis, Arc::new(rule.regularizer)));
                }
                if rule.constraint != ConstraintKind::None {
                    rules.constraints.push((number, rule.unit_axis, Arc::new(rule.constraint)));
                }
            }
        }
        for asked in asked {
            match asked {
                AskedRule::Regularizer(site, regularizer) => {
                    let (number, axis) = find(&parameters, site)?;
                    rules.regularizers.push((number, axis, Arc::clone(regularizer)));
                }
                AskedRule::Constraint(site, constraint) => {
                    let (number, axis) = find(&parameters, site)?;
                    rules.constraints.push((number, axis, Arc::clone(constraint)));
                }
            }
        }
        Ok(rules)
    }

    /// The sum of all regularizers, shape `[1]`; `None` when there is none.
    pub(crate) fn penalty<M: Model>(&self, model: &M) -> Option<Tensor<1>> {
        if self.regularizers.is_empty() {
            return None;
        }
        Scope::at("regularizers", || {
            let mut sum = Penalty { rules: self, next: 0, total: None };
            model.visit(&mut sum);
            sum.total
        })
    }

    /// The model with every constraint kept.
    pub(crate) fn constrain<M: Model>(&self, model: M) -> M {
        if self.constraints.is_empty() { model } else { model.map(&mut Keeper { rules: self, next: 0 }) }
    }
}

impl WeightRule {
    fn is_for(&self, path: &str) -> bool {
        let is_inside = path.strip_prefix(self.site.as_str()).is_some_and(|rest| rest.starts_with('.'));
        is_inside && path.rsplit('.').next().and_then(WeightPart::of) == Some(self.part)
    }
}

/// The number and the unit axis of a weight.
pub(crate) fn find(parameters: &Parameters, site: &str) -> Result<(usize, usize), TrainError> {
    let found = parameters.list().iter().position(|parameter| parameter.path == site);
    let Some(number) = found else {
        let hint = suggest::hint(site, parameters.list().iter().map(|parameter| parameter.path.as_str()));
        return Err(TrainError::Mismatch(format!("there is no weight {site:?}{hint}")));
    };
    // Dense weights are `[inputs, units]`, those of convolutions `[units, inputs, ...]`.
    Ok((number, usize::from(parameters.list()[number].shape.len() == 2)))
}

/// A weight as `[units, inputs]`.
fn by_units<const D: usize>(weight: Tensor<D>, axis: usize) -> Tensor<2> {
    let dims = weight.dims();
    let count: usize = dims.iter().product();
    if D < 2 {
        return ops::reshape(weight, [1, count]);
    }
    let units = dims[axis.min(D - 1)];
    let weight = if axis == 0 { weight } else { ops::swap_axes(weight, 0, axis.min(D - 1)) };
    ops::reshape(weight, [units, count / units.max(1)])
}

/// The way back from [`by_units`].
fn as_before<const D: usize>(weight: Tensor<2>, mut dims: [usize; D], axis: usize) -> Tensor<D> {
    if D < 2 || axis == 0 {
        return weight.reshape(dims);
    }
    let axis = axis.min(D - 1);
    dims.swap(0, axis);
    weight.reshape(dims).swap_dims(0, axis)
}

struct Penalty<'a> {
    rules: &'a WeightRules,
    next: usize,
    total: Option<Tensor<1>>,
}

impl ModuleVisitor for Penalty<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let here = self.next;
        self.next += 1;
        for (number, axis, regularizer) in &self.rules.regularizers {
            if *number != here {
                continue;
            }
            let term = regularizer.penalty(by_units(param.val(), *axis));
            self.total = Some(match self.total.take() {
                Some(total) => ops::add(total, term),
                None => term,
            });
        }
    }
}

struct Keeper<'a> {
    rules: &'a WeightRules,
    next: usize,
}

impl ModuleMapper for Keeper<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let here = self.next;
        self.next += 1;
        let asked: Vec<_> = self.rules.constraints.iter().filter(|(number, ..)| *number == here).collect();
        if asked.is_empty() {
            return param;
        }
        let (id, weight, mapper) = param.consume();
        let (dims, is_trained) = (weight.dims(), weight.is_require_grad());
        let kept = asked.into_iter().fold(weight.inner(), |weight, (_, axis, constraint)| {
            as_before(constraint.constrained(by_units(weight, *axis)), dims, *axis)
        });
        let kept = Tensor::from_inner(kept).set_require_grad(is_trained);
        Param::from_mapped_value(id, kept, mapper)
    }
}

#[cfg(test)]
mod tests;
