//! One step of training. The fit loop, the replay of an incident and the trial of a remedy all run this same code, so that a
//! replay is the step that was seen.
use crate::averages::Averages;
use crate::batches::{Batch, Rows};
use crate::clip::{Clipped, clip};
use crate::gradient_hook::GradientHook;
use crate::losses::{LOSS_SITE, Loss};
use crate::metrics::{Answers, Score, Scoring};
use crate::model::Model;
use crate::optimizers::ScheduledOptimizer;
use crate::penalty::penalty;
use crate::recipe::{Recipe, Reduction};
use crate::review::{Refusal, review};
use crate::weight_rules::WeightRules;
use barograph_burn::{
    Observer, Parameters, Scope, StepKey, Trace, add_gradients, from_slice, map_gradients, ops, to_vec, with_elements,
};
use barograph_monitor::{Session, row_sums};
use barograph_vocab::{Role, Scalar};
use burn::optim::GradientsParams;
use burn::prelude::*;

/// Everything that a step changes. A clone shares the tensors, so that a snapshot costs next to nothing until the next step.
#[derive(Clone)]
pub(crate) struct State<M> {
    pub(crate) model: M,
    pub(crate) optimizer: ScheduledOptimizer,
    pub(crate) hooks: Vec<Box<dyn GradientHook>>,
    pub(crate) averages: Averages,
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
        let before = may_refuse.then(|| (model.buffers(), hooks.clone()));
        let Passes { loss, accuracy, mut gradients, rows } = self.passes(&model, plan, batch, &mut eyes, score);
        for hook in &mut hooks {
            map_gradients(&model, &mut gradients, |weight, gradient| hook.after_backward(weight, gradient));
        }
        if let Some((observer, parameters)) = &mut eyes.observer {
            observer.with(|session| observe_gradients(session, parameters, &model, &gradients));
        }
        let (clipped, refusal) = self.limit(&mut hooks, &model, f64::from(loss), &mut gradients);
        for hook in &mut hooks {
            map_gradients(&model, &mut gradients, |weight, gradient| hook.before_update(weight, gradient));
        }
        let observer = eyes.observer.as_ref().map(|(observer, _)| *observer);
        let keep = observer.is_some_and(|observer| observer.with(|session| session.updates_due()));
        let old = keep.then(|| model.clone());
        let model = match &refusal {
            None => self.rules.constrain(optimizer.step(plan.learning_rate, plan.momentum, model, gradients)),
            Some(_) => model,
        };
        if let (Some(_), Some((buffers, hooks_before))) = (&refusal, before) {
            for (name, values) in buffers {
                model.set_buffer(&name, values);
            }
            hooks = hooks_before;
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
            observer.with(|session| begin(session, plan, &whole));
        }
        let rows = whole.numbers.clone();
        let mut passes = Passes { loss: 0.0, accuracy: None, gradients: GradientsParams::new(), rows };
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
            };
            let share = if batches == 1 { 1.0 } else { batch.len() as f64 / rows };
            let Pass { loss, accuracy, gradients } = self.pass(model, batch, scope, share, score);
            if let Some(accuracy) = accuracy {
                right = Some(right.unwrap_or(0.0) + share * accuracy);
            }
            if number == 0 {
                (passes.loss, passes.gradients) = (loss, gradients);
            } else {
                passes.loss += loss;
                add_gradients(model, &mut passes.gradients, gradients);
            }
        }
        passes.accuracy = right;
        if let Some(observer) = &observer {
            observer.with(|session| {
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
        let loss = self.loss_of(model, outputs.clone(), &batch, trace.as_ref(), share);
        let value: f32 = loss.clone().into_scalar();
        let accuracy = score.see(self.scoring, &values, outputs.dims()[1], batch.answers());
        if let Some(observer) = &observer {
            observer.with(|session| observe_outputs(session, &outputs, &values, batch.len()));
        }
        let mut gradients = GradientsParams::new();
        if loss.is_tracked() {
            gradients = GradientsParams::from_grads(loss.backward(), model);
        }
        drop(guard);
        Pass { loss: value, accuracy, gradients }
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

    /// The loss of a batch. Of a loss that is a mean, `share` counts; the sum of all batches has the penalty once.
    fn loss_of<M: Model>(
        &self,
        model: &M,
        outputs: Tensor<2>,
        batch: &Batch,
        trace: Option<&Trace>,
        share: f64,
    ) -> Tensor<1> {
        let targets = batch.targets(&self.device);
        let compute = |outputs| Scope::at(LOSS_SITE, || self.loss.loss(outputs, &targets));
        let loss = match trace {
            None => compute(outputs),
            Some(trace) => trace.whole("loss", LOSS_SITE, outputs, compute),
        };
        let is_sum = share != 1.0 && self.loss.describe().reduction == Some(Reduction::Sum);
        let loss = scaled(loss, if is_sum { 1.0 } else { share });
        let penalties = [penalty(&self.recipe.penalty, model), self.rules.penalty(model)];
        penalties.into_iter().flatten().fold(loss, |loss, penalty| ops::add(loss, scaled(penalty, share)))
    }

    fn has_clip(&self) -> bool {
        self.recipe.clip != crate::recipe::ClipSpec::default()
    }
}

/// What one batch of a step gave.
struct Pass {
    loss: f32,
    accuracy: Option<f64>,
    gradients: GradientsParams,
}

/// What all batches of a step gave.
struct Passes {
    loss: f32,
    accuracy: Option<f64>,
    gradients: GradientsParams,
    /// Data-set rows.
    rows: Vec<u64>,
}

/// A factor of 1 leaves the tensor itself, and the operations of a step as they are.
fn scaled(x: Tensor<1>, factor: f64) -> Tensor<1> {
    if factor == 1.0 { x } else { ops::mul_scalar(x, factor) }
}

fn begin(session: &mut Session, plan: &StepPlan, batch: &Batch) {
    session.begin_step(plan.step, plan.epoch as u32);
    session.scalar(Scalar::LearningRate, plan.learning_rate);
    session.scalar(Scalar::BatchRows, batch.len() as f64);
    let input = session.site("input", batch.features, &[batch.features]);
    session.read(input, Role::Input, barograph_burn::elements(&batch.inputs));
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
