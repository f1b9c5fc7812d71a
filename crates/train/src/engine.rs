//! One step of training. The fit loop, the replay of an incident and the trial of a remedy all run this same code, so that a
//! replay is the step that was seen.
use crate::batches::{Batch, Rows};
use crate::clip::{Clipped, clip};
use crate::gradient_hook::GradientHook;
use crate::losses::{LOSS_SITE, Loss};
use crate::metrics::{Answers, Score, Scoring};
use crate::model::Model;
use crate::optimizers::ScheduledOptimizer;
use crate::penalty::penalty;
use crate::recipe::Recipe;
use crate::weight_rules::WeightRules;
use barograph_burn::{
    Observer, Parameters, Scope, StepKey, Trace, from_slice, map_gradients, ops, to_vec, with_elements,
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
    pub(crate) trace: Option<&'a Trace>,
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
        mut batch: Batch,
        mut eyes: Eyes<'_>,
        score: &mut Score,
    ) -> (State<M>, StepResult) {
        let State { model, mut optimizer, mut hooks } = state;
        let observer = eyes.observer.as_ref().map(|(observer, _)| (*observer).clone());
        let scope = Scope {
            training: true,
            key: StepKey { seed: self.recipe.seed, step: plan.step },
            observer: observer.clone(),
            trace: eyes.trace.cloned(),
        };
        let guard = scope.enter();
        if let Some(observer) = &observer {
            observer.with(|session| begin(session, plan, &batch));
        }
        let inputs = std::mem::take(&mut batch.inputs);
        let outputs = model.forward(from_slice(inputs, [batch.len(), batch.features], &self.device));
        let values = to_vec(&outputs);
        let loss = self.loss_of(&model, outputs.clone(), &batch, eyes.trace);
        let value: f32 = loss.clone().into_scalar();
        let accuracy = score.see(self.scoring, &values, outputs.dims()[1], batch.answers());
        if let Some(observer) = &observer {
            observer.with(|session| observe_outputs(session, &outputs, &values, &batch, f64::from(value), accuracy));
        }
        let mut gradients = GradientsParams::new();
        if loss.is_tracked() {
            gradients = GradientsParams::from_grads(loss.backward(), &model);
        }
        drop(guard);
        for hook in &mut hooks {
            map_gradients(&model, &mut gradients, |weight, gradient| hook.after_backward(weight, gradient));
        }
        if let Some((observer, parameters)) = &mut eyes.observer {
            observer.with(|session| observe_gradients(session, parameters, &model, &gradients));
        }
        let clipped = clip(&self.recipe.clip, &model, &mut gradients);
        for hook in &mut hooks {
            map_gradients(&model, &mut gradients, |weight, gradient| hook.before_update(weight, gradient));
        }
        let keep = observer.as_ref().is_some_and(|observer| observer.with(|session| session.updates_due()));
        let old = keep.then(|| model.clone());
        let model = if matches!(clipped, Clipped::Refused(_)) {
            model
        } else {
            self.rules.constrain(optimizer.step(plan.learning_rate, plan.momentum, model, gradients))
        };
        if let Some((observer, parameters)) = &eyes.observer {
            observer.with(|session| {
                if let Some(old) = &old {
                    parameters.read_updates(old, &model, session);
                }
                if self.has_clip() {
                    session.scalar(Scalar::Clipped, if clipped == Clipped::Clipped { 1.0 } else { 0.0 });
                }
            });
        }
        let refused = matches!(clipped, Clipped::Refused(_))
            .then(|| "a gradient is not finite, so clipping refused the step and no weight changed".to_owned());
        (State { model, optimizer, hooks }, StepResult { loss: value, accuracy, rows: batch.numbers, refused })
    }

    fn loss_of<M: Model>(&self, model: &M, outputs: Tensor<2>, batch: &Batch, trace: Option<&Trace>) -> Tensor<1> {
        let targets = batch.targets(&self.device);
        let compute = |outputs| Scope::at(LOSS_SITE, || self.loss.loss(outputs, &targets));
        let loss = match trace {
            None => compute(outputs),
            Some(trace) => trace.whole("loss", LOSS_SITE, outputs, compute),
        };
        let penalties = [penalty(&self.recipe.penalty, model), self.rules.penalty(model)];
        penalties.into_iter().flatten().fold(loss, ops::add)
    }

    fn has_clip(&self) -> bool {
        self.recipe.clip != crate::recipe::ClipSpec::default()
    }
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

fn observe_outputs(
    session: &mut Session,
    outputs: &Tensor<2>,
    values: &[f32],
    batch: &Batch,
    loss: f64,
    accuracy: Option<f64>,
) {
    let width = outputs.dims()[1];
    let site = session.site("output", width, &[width]);
    with_elements(outputs, |elements| {
        session.read(site, Role::Output, elements);
        if session.units_due() {
            session.read_units(site, Role::Output, elements, [batch.len(), width, 1]);
        }
    });
    if width > 1 {
        let (sum, error) = row_sums(values, width);
        session.scalar(Scalar::OutputRowSum, sum);
        session.scalar(Scalar::OutputRowSumError, error);
    }
    session.scalar(Scalar::Loss, loss);
    if let Some(accuracy) = accuracy {
        session.scalar(Scalar::Accuracy, accuracy);
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
