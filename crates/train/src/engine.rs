//! One step of training. The fit loop, the replay of an incident and the trial of a remedy all run this same code, so that a
//! replay is the step that was seen.
use crate::auxiliary::Auxiliary;
use crate::averages::Averages;
use crate::batches::{Batch, Rows};
use crate::clip::{Clipped, clip};
use crate::gradient_hook::GradientHook;
use crate::losses::{LOSS_SITE, Loss, LossPart, TargetTensor};
use crate::metric::MetricBatch;
use crate::metrics::{Answers, Score, Scoring};
use crate::model::Model;
use crate::optimizers::ScheduledOptimizer;
use crate::penalty::penalty;
use crate::recipe::{Recipe, Reduction, Task};
use crate::review::{Refusal, review};
use crate::weight_rules::WeightRules;
use barograph_burn::{
    Numerics, Observer, Parameters, RunningStatistics, Scope, StepKey, Trace, add_gradients, from_slice,
    gradient_norms, map_gradients, ops, separate, to_vec, with_elements,
};
use barograph_monitor::{Session, row_sums};
use barograph_vocab::{Role, Scalar};
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::prelude::*;

/// Everything that a step changes. A clone shares the tensors, so that a snapshot costs next to nothing until the next step.
pub(crate) struct State<M> {
    pub(crate) model: M,
    pub(crate) optimizer: ScheduledOptimizer,
    pub(crate) hooks: Vec<Box<dyn GradientHook>>,
    pub(crate) averages: Averages,
}

impl<M: Module> Clone for State<M> {
    fn clone(&self) -> Self {
        // Clones of burn's layers share their running statistics, and a snapshot must not change with the training.
        Self {
            model: separate(&self.model),
            optimizer: self.optimizer.clone(),
            hooks: self.hooks.clone(),
            averages: self.averages.clone(),
        }
    }
}

/// What a step is to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StepPlan {
    pub(crate) step: u64,
    pub(crate) epoch: u64,
    /// Places in the training rows.
    pub(crate) places: Vec<usize>,
    pub(crate) learning_rate: f64,
    /// Where the schedule has one.
    pub(crate) momentum: Option<f64>,
}

/// Who watches a step.
#[derive(Default)]
pub(crate) struct Eyes<'a> {
    pub(crate) observer: Option<(&'a Observer, &'a mut Parameters)>,
    /// Records the operations of one batch of the step, by its number.
    pub(crate) trace: Option<(&'a Trace, u32)>,
}

/// What a step gave.
#[derive(Clone, Debug)]
pub(crate) struct StepResult {
    pub(crate) loss: f32,
    pub(crate) accuracy: Option<f64>,
    /// Data-set rows of the batch.
    pub(crate) rows: Vec<u64>,
    /// Why no weight changed, where the step was refused.
    pub(crate) refused: Option<String>,
}

/// A term of the loss that has a name, before its weight.
#[derive(Clone, Debug)]
pub(crate) struct Term {
    pub(crate) name: String,
    pub(crate) value: f32,
}

impl Term {
    /// As its part of a step of several batches.
    fn scaled(self, share: f64) -> Self {
        Self { value: (f64::from(self.value) * share) as f32, ..self }
    }

    /// Those of the parts of a loss that have names.
    pub(crate) fn of(parts: Vec<LossPart>) -> Vec<Self> {
        let named =
            parts.into_iter().filter_map(|part| Some(Self { name: part.name?, value: part.value.into_scalar() }));
        named.collect()
    }
}

/// What stays the same over a run.
pub(crate) struct Engine<'a> {
    pub(crate) recipe: &'a Recipe,
    pub(crate) loss: &'a dyn Loss,
    pub(crate) rows: &'a Rows<'a>,
    pub(crate) scoring: Scoring,
    /// Outputs of the network.
    pub(crate) outputs: usize,
    pub(crate) device: Device,
    /// What is asked of single weights.
    pub(crate) rules: WeightRules,
    /// Losses on the inside of the model, and metrics.
    pub(crate) auxiliary: Auxiliary,
}

impl Engine<'_> {
    /// Runs one step on the rows of its plan. `score` gathers the accuracy or R2 of the epoch.
    pub(crate) fn step<M: Model>(
        &self,
        state: State<M>,
        plan: &StepPlan,
        batch: Batch,
        mut eyes: Eyes<'_>,
        score: &mut Score,
    ) -> (State<M>, StepResult) {
        let State { model, mut optimizer, mut hooks, averages } = state;
        // What a step that is refused has changed all the same.
        let may_refuse = self.has_clip() || !hooks.is_empty();
        let before =
            may_refuse.then(|| (model.buffers(), RunningStatistics::of(&model), model.carried(), hooks.clone()));
        let scale = hooks.iter().find_map(|hook| hook.loss_factor());
        let products = self.recipe.precision.products();
        let _numerics = Numerics { products, loss_factor: scale.unwrap_or(1.0) }.enter();
        let Passes { loss, accuracy, mut gradients, rows, .. } = self.passes(&model, plan, batch, &mut eyes, score);
        for hook in &mut hooks {
            map_gradients(&model, &mut gradients, |weight, gradient| hook.after_backward(weight, gradient));
        }
        // Gradients beyond half precision under a loss scale are found every now and then, and the scale is lowered.
        let is_beyond = scale.is_some_and(|scale| scale > 1.0) && loss.is_finite() && !are_finite(&model, &gradients);
        if let Some((observer, _)) = &eyes.observer
            && let Some(scale) = scale
        {
            observer.with(|session| session.scalar(Scalar::LossScale, scale));
        }
        if let Some((observer, parameters)) = eyes.observer.as_mut().filter(|_| !is_beyond) {
            observer.with(|session| observe_gradients(session, parameters, &model, &gradients));
        }
        let (clipped, refusal) = self.limit(&mut hooks, &model, f64::from(loss), &mut gradients);
        for hook in &mut hooks {
            map_gradients(&model, &mut gradients, |weight, gradient| hook.before_update(weight, gradient));
        }
        let observer = eyes.observer.as_ref().map(|(observer, _)| *observer);
        let keep = observer.is_some_and(|observer| observer.with(|session| session.updates_due()));
        let old = keep.then(|| model.clone());
        let finite = refusal.is_none() || are_finite(&model, &gradients);
        let mut model = match &refusal {
            None => self.rules.constrain(optimizer.step(plan.learning_rate, plan.momentum, model, gradients)),
            Some(_) => model,
        };
        if let (Some(_), Some((buffers, running, carried, hooks_before))) = (&refusal, before) {
            for (name, values) in buffers {
                model.set_buffer(&name, values);
            }
            model = running.put_back(model);
            model.set_carried(&carried);
            hooks = hooks_before;
            for hook in &mut hooks {
                hook.refused(finite);
            }
        }
        if let Some((observer, parameters)) = &eyes.observer {
            observer.with(|session| {
                if let Some(old) = &old {
                    parameters.read_updates(old, &model, session);
                }
                if self.has_clip() || clipped {
                    session.scalar(Scalar::Clipped, if clipped { 1.0 } else { 0.0 });
                }
            });
        }
        let refused = refusal.map(|refusal| refusal.text(&model));
        (State { model, optimizer, hooks, averages }, StepResult { loss, accuracy, rows, refused })
    }

    /// Forward and backward passes over the batches of a step: one, or several whose gradients are summed.
    fn passes<M: Model>(
        &self,
        model: &M,
        plan: &StepPlan,
        whole: Batch,
        eyes: &mut Eyes<'_>,
        score: &mut Score,
    ) -> Passes {
        let observer = eyes.observer.as_ref().map(|(observer, _)| (*observer).clone());
        if let Some(observer) = &observer {
            observer.with(|session| {
                begin(session, plan, &whole, !self.recipe.outputs.is_empty());
                if let Some(entropy) = self.entropy_of_steps(&whole) {
                    session.scalar(Scalar::ChanceLoss, entropy);
                }
            });
        }
        model.begin_step(plan.epoch);
        let rows = whole.numbers.clone();
        let gradients = GradientsParams::new();
        let mut passes = Passes { loss: 0.0, terms: Vec::new(), accuracy: None, gradients, rows };
        let all = whole.split(self.recipe.batch as usize);
        let (batches, rows) = (all.len(), passes.rows.len() as f64);
        let mut right = None;
        for (number, batch) in (0..).zip(all) {
            let scope = Scope {
                training: true,
                key: StepKey { seed: self.recipe.seed, step: plan.step, batch: number },
                // A step has one reading of each activation: that of its first batch.
                observer: observer.clone().filter(|_| number == 0),
                trace: eyes.trace.filter(|(_, traced)| *traced == number).map(|(trace, _)| trace.clone()),
                kept: self.auxiliary.keep(),
            };
            let share = if batches == 1 { 1.0 } else { batch.len() as f64 / rows };
            let Pass { loss, terms, accuracy, gradients } = self.pass(model, batch, scope, share, score);
            if let Some(accuracy) = accuracy {
                right = Some(right.unwrap_or(0.0) + share * accuracy);
            }
            if number == 0 {
                (passes.loss, passes.gradients) = (loss, gradients);
                passes.terms = terms.into_iter().map(|term| term.scaled(share)).collect();
            } else {
                passes.loss += loss;
                for (sum, term) in passes.terms.iter_mut().zip(terms) {
                    sum.value += term.scaled(share).value;
                }
                add_gradients(model, &mut passes.gradients, gradients);
            }
        }
        passes.accuracy = right;
        if let Some(observer) = &observer {
            observer.with(|session| {
                observe_terms(session, &passes.terms);
                session.scalar(Scalar::Loss, f64::from(passes.loss));
                if let Some(accuracy) = passes.accuracy {
                    session.scalar(Scalar::Accuracy, accuracy);
                }
            });
        }
        passes
    }

    /// Forward and backward pass over one batch, which counts by its `share` of the step's rows.
    fn pass<M: Model>(&self, model: &M, mut batch: Batch, scope: Scope, share: f64, score: &mut Score) -> Pass {
        let (observer, trace) = (scope.observer.clone(), scope.trace.clone());
        let guard = scope.enter();
        let inputs = std::mem::take(&mut batch.inputs);
        let outputs = model.forward(from_slice(inputs, [batch.len(), batch.features], &self.device));
        let values = to_vec(&outputs);
        let (loss, terms) = self.losses_of(model, outputs.clone(), &batch, trace.as_ref(), share);
        let value: f32 = loss.clone().into_scalar();
        let accuracy = self.score(score, &terms, &values, outputs.dims()[1], &batch);
        if let Some(observer) = observer.as_ref().filter(|_| self.recipe.outputs.is_empty()) {
            observer.with(|session| observe_outputs(session, &outputs, &values, batch.len()));
        }
        let mut gradients = GradientsParams::new();
        if loss.is_tracked() {
            let factor = Numerics::now().loss_factor;
            gradients = GradientsParams::from_grads(scaled(loss, factor).backward(), model);
        }
        drop(guard);
        Pass { loss: value, terms, accuracy, gradients }
    }

    /// Hooks look at the gradients, then the recipe's limits are applied. Returns whether some gradient was made smaller, and why the
    /// step is not taken, if it is not.
    fn limit<M: Model>(
        &self,
        hooks: &mut [Box<dyn GradientHook>],
        model: &M,
        loss: f64,
        gradients: &mut GradientsParams,
    ) -> (bool, Option<Refusal>) {
        let (reviewed, refusal) = review(hooks, model, loss, gradients);
        if refusal.is_some() {
            return (false, refusal);
        }
        match clip(&self.recipe.clip, model, gradients) {
            Clipped::Untouched => (reviewed, None),
            Clipped::Clipped => (true, None),
            Clipped::Refused(weight) => {
                let reason = "a gradient is not finite, so that clipping would spread it".to_owned();
                (reviewed, Some(Refusal { weight: Some(weight), reason }))
            }
        }
    }

    /// The loss of a batch, and those of its terms that have names. Of a loss that is a mean, `share` counts; the sum of all batches has the
    /// penalty once.
    pub(crate) fn losses_of<M: Model>(
        &self,
        model: &M,
        outputs: Tensor<2>,
        batch: &Batch,
        trace: Option<&Trace>,
        share: f64,
    ) -> (Tensor<1>, Vec<Term>) {
        let (targets, weights) = (batch.targets(&self.device), batch.weights(&self.device));
        let mut parts = Vec::new();
        let mut compute = |outputs| Scope::at(LOSS_SITE, || self.sum(&mut parts, outputs, &targets, weights.as_ref()));
        let loss = match trace {
            None => compute(outputs),
            Some(trace) => trace.whole("loss", LOSS_SITE, outputs, compute),
        };
        let is_sum = share != 1.0 && self.loss.describe().reduction == Some(Reduction::Sum);
        let loss = scaled(loss, if is_sum { 1.0 } else { share });
        let penalties = [penalty(&self.recipe.penalty, model), self.rules.penalty(model), self.auxiliary.penalty()];
        let penalties = penalties.into_iter().flatten();
        (penalties.fold(loss, |loss, penalty| ops::add(loss, scaled(penalty, share))), Term::of(parts))
    }

    /// The terms of the loss of the outputs, whose rows count by their weights `[batch, 1]` where there are some.
    pub(crate) fn parts_of(
        &self,
        outputs: Tensor<2>,
        targets: &TargetTensor,
        weights: Option<&Tensor<2>>,
    ) -> Vec<LossPart> {
        match weights {
            None => self.loss.parts(outputs, targets),
            Some(weights) => self.loss.weighted_parts(outputs, targets, weights),
        }
    }

    /// Fills in the terms of the loss, and adds them up.
    fn sum(
        &self,
        parts: &mut Vec<LossPart>,
        outputs: Tensor<2>,
        targets: &TargetTensor,
        weights: Option<&Tensor<2>>,
    ) -> Tensor<1> {
        let device = outputs.device();
        *parts = self.parts_of(outputs, targets, weights);
        parts.extend(self.auxiliary.parts(targets));
        LossPart::sum(parts).unwrap_or_else(|| from_slice(vec![0.0], [1], &device))
    }

    /// Takes in the outputs of a batch. Returns its accuracy, where there is one.
    pub(crate) fn score(
        &self,
        score: &mut Score,
        terms: &[Term],
        outputs: &[f32],
        width: usize,
        batch: &Batch,
    ) -> Option<f64> {
        let steps = if self.recipe.outputs.is_empty() { self.answers_of_steps(batch) } else { None };
        let targets = steps.as_deref().map_or(batch.answers(), Answers::Real);
        score.see_metrics(&self.auxiliary.metrics, &MetricBatch { outputs, width, targets });
        for term in terms {
            score.see_term(&term.name, f64::from(term.value), batch.len());
        }
        if self.recipe.outputs.is_empty() {
            return score.see(self.scoring, outputs, width, targets);
        }
        for output in self.loss.outputs() {
            output.score(score.of_output(output.score_name()), outputs, width, batch.answers());
        }
        None
    }

    /// The class of each time step, where some only fill up: no answer is known for those.
    fn answers_of_steps(&self, batch: &Batch) -> Option<Vec<f32>> {
        let mask = Scope::mask().filter(|mask| mask.dims() == [batch.len(), batch.columns()])?;
        let Answers::Real(classes) = batch.answers() else { return None };
        let known = |(class, counts): (&f32, f32)| if counts == 0.0 { -1.0 } else { *class };
        (self.scoring.task == Task::Multiclass).then(|| classes.iter().zip(to_vec(&mask)).map(known).collect())
    }

    /// The entropy of the classes of a batch, where there is one for each of several time steps: what a constant answer would have as its loss.
    fn entropy_of_steps(&self, batch: &Batch) -> Option<f64> {
        let Answers::Real(classes) = batch.answers() else { return None };
        if self.scoring.task != Task::Multiclass || !self.scoring.aligned || batch.columns() == self.outputs {
            return None;
        }
        let mut counts = std::collections::BTreeMap::<u32, f64>::new();
        let known = classes.iter().filter(|class| **class >= 0.0);
        known.for_each(|class| *counts.entry(class.to_bits()).or_default() += 1.0);
        let all: f64 = counts.values().sum();
        Some(counts.values().map(|count| -(count / all) * (count / all).ln()).sum())
    }

    fn has_clip(&self) -> bool {
        self.recipe.clip != crate::recipe::ClipSpec::default()
    }
}

/// What one batch of a step gave.
struct Pass {
    loss: f32,
    terms: Vec<Term>,
    accuracy: Option<f64>,
    gradients: GradientsParams,
}

/// What all batches of a step gave.
struct Passes {
    loss: f32,
    terms: Vec<Term>,
    accuracy: Option<f64>,
    gradients: GradientsParams,
    /// Data-set rows.
    rows: Vec<u64>,
}

/// A factor of 1 leaves the tensor itself, and the operations of a step as they are.
fn scaled(x: Tensor<1>, factor: f64) -> Tensor<1> {
    if factor == 1.0 { x } else { ops::mul_scalar(x, factor) }
}

fn begin(session: &mut Session, plan: &StepPlan, batch: &Batch, several: bool) {
    session.begin_step(plan.step, plan.epoch as u32);
    session.scalar(Scalar::LearningRate, plan.learning_rate);
    session.scalar(Scalar::BatchRows, batch.len() as f64);
    let input = session.site("input", batch.features, &[batch.features]);
    session.read(input, Role::Input, barograph_burn::elements(&batch.inputs));
    if several {
        // Columns of several outputs are no one tensor: classes of one stand beside numbers of another.
        return;
    }
    let columns = batch.columns();
    let target = session.site("target", columns, &[columns]);
    match batch.answers() {
        Answers::Real(values) => {
            session.read(target, Role::Target, barograph_burn::elements(values));
        }
        Answers::Classes(classes) => {
            let classes: Vec<f32> = classes.iter().map(|&class| class as f32).collect();
            session.read(target, Role::Target, barograph_burn::elements(&classes));
        }
    }
}

fn observe_outputs(session: &mut Session, outputs: &Tensor<2>, values: &[f32], rows: usize) {
    let width = outputs.dims()[1];
    let site = session.site("output", width, &[width]);
    with_elements(outputs, |elements| {
        session.read(site, Role::Output, elements);
        if session.units_due() {
            session.read_units(site, Role::Output, elements, [rows, width, 1]);
        }
    });
    if width > 1 {
        let (sum, error) = row_sums(values, width);
        session.scalar(Scalar::OutputRowSum, sum);
        session.scalar(Scalar::OutputRowSumError, error);
    }
}

/// The terms of the loss that have names, each at the site of that name.
fn observe_terms(session: &mut Session, terms: &[Term]) {
    for term in terms {
        let site = session.site(&term.name, 0, &[]);
        session.read(site, Role::Loss, barograph_burn::elements(&[term.value]));
    }
}

fn are_finite<M: Model>(model: &M, gradients: &GradientsParams) -> bool {
    gradient_norms(model, gradients).iter().all(|gradient| gradient.finite)
}

fn observe_gradients<M: Model>(
    session: &mut Session,
    parameters: &mut Parameters,
    model: &M,
    gradients: &GradientsParams,
) {
    if !parameters.is_announced() {
        parameters.announce(session);
    }
    let norm = parameters.read(model, gradients, session);
    session.scalar(Scalar::GradientNorm, norm);
}
