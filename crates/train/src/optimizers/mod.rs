//! The optimizers. Each is one file with one formula, which runs in one pass over memory on the CPU and with the backend's
//! operations elsewhere.
#![allow(
    clippy::inline_always,
    reason = "a formula must be inlined into code for the instructions that this machine has"
)]

mod adam;
mod lookahead;
mod momentum;
mod nadam;
mod qhadam;
mod radam;
mod rms_prop;
mod scheduled;
mod sgd;
mod sgdw;

use crate::recipe::{OptimizerKind, OptimizerSpec};
use barograph_burn::{Formula, Number, update};
use burn::optim::{LearningRate, ModuleOptimizer, Optimizer, RecordState, StateSink, StateSource, join_path};
use burn::prelude::*;
use lookahead::Lookahead;
use momentum::SharedMomentum;
pub(crate) use scheduled::ScheduledOptimizer;

/// The optimizer that a recipe asks for.
#[must_use]
pub fn build(spec: &OptimizerSpec) -> ModuleOptimizer {
    with_momentum(spec, &SharedMomentum::default())
}

/// The same, with a momentum that can be changed later.
fn with_momentum(spec: &OptimizerSpec, shared: &SharedMomentum) -> ModuleOptimizer {
    let around = Around {
        decay: spec.weight_decay,
        decay_vectors: spec.kind.decays_all(),
        momentum: shared.clone(),
        lookahead: spec.lookahead_steps.map(|steps| Lookahead { steps, alpha: spec.lookahead_alpha }),
    };
    match spec.kind {
        OptimizerKind::Sgd { momentum: 0.0, .. } => around.rule(|decay| sgd::Sgd { decay }),
        OptimizerKind::Sgd { momentum, nesterov } => around.rule(|decay| sgd::Momentum { momentum, nesterov, decay }),
        OptimizerKind::SgdW { momentum, nesterov, .. } => around.rule(|decay| sgdw::SgdW { momentum, nesterov, decay }),
        OptimizerKind::Adam { beta1, beta2, epsilon } => {
            around.rule(|decay| adam::Adam { beta1, beta2, epsilon, decay, decoupled: false })
        }
        OptimizerKind::AdamW { beta1, beta2, epsilon, .. } => {
            around.rule(|decay| adam::Adam { beta1, beta2, epsilon, decay, decoupled: true })
        }
        OptimizerKind::RAdam { beta1, beta2, epsilon } => {
            around.rule(|decay| radam::RAdam { beta1, beta2, epsilon, decay })
        }
        OptimizerKind::NAdam { beta1, beta2, epsilon, momentum_decay } => {
            around.rule(|decay| nadam::NAdam { beta1, beta2, epsilon, momentum_decay, decay })
        }
        OptimizerKind::QHAdam { beta1, beta2, nu1, nu2, epsilon } => {
            around.rule(|decay| qhadam::QHAdam { beta1, beta2, nu1, nu2, epsilon, decay })
        }
        OptimizerKind::RmsProp { alpha, epsilon, momentum: 0.0 } => {
            around.rule(|decay| rms_prop::RmsProp { alpha, epsilon, decay })
        }
        OptimizerKind::RmsProp { alpha, epsilon, momentum } => {
            around.rule(|decay| rms_prop::Momentum { average: rms_prop::RmsProp { alpha, epsilon, decay }, momentum })
        }
    }
}

/// What goes around any rule.
#[derive(Clone)]
struct Around {
    decay: f64,
    /// Whether it also takes from weights of one dimension: biases, and the scale and shift of normalization layers.
    decay_vectors: bool,
    /// What a schedule puts in place of the rule's own.
    momentum: SharedMomentum,
    lookahead: Option<Lookahead>,
}

impl Around {
    /// The optimizer of a rule, which is asked for by its weight decay.
    fn rule<R: Rule<N>, const N: usize>(self, rule: impl Fn(f64) -> R) -> ModuleOptimizer {
        let vectors = rule(if self.decay_vectors { self.decay } else { 0.0 });
        Kept { rule: rule(self.decay), vectors, around: self }.into()
    }
}

/// What one optimizer computes, with `N` numbers kept for every element of a weight.
trait Rule<const N: usize>: Clone + Send + Sync + 'static {
    /// One step of it.
    type Step: Formula<N>;

    /// The step with this number, which starts at 1.
    fn step(&self, rate: f64, number: u64) -> Self::Step;

    /// The rule with another momentum; itself where it has none.
    #[must_use]
    fn with_momentum(self, _: f64) -> Self {
        self
    }
}

/// A rule as burn's optimizers are: it keeps its numbers for each weight, all zero at first.
#[derive(Clone)]
struct Kept<R, const N: usize> {
    rule: R,
    /// The rule of weights of one dimension.
    vectors: R,
    around: Around,
}

impl<R: Rule<N>, const N: usize> Kept<R, N> {
    /// The rule of weights with this many dimensions.
    fn rule(&self, dimensions: usize) -> R {
        let rule = if dimensions < 2 { self.vectors.clone() } else { self.rule.clone() };
        match self.around.momentum.get() {
            Some(momentum) => rule.with_momentum(momentum),
            None => rule,
        }
    }
}

/// What is kept of one weight.
#[derive(Clone)]
struct State<const D: usize> {
    step: u64,
    values: Vec<Tensor<D>>,
    /// The slow weight of Lookahead.
    slow: Option<Tensor<D>>,
}

impl<const D: usize> RecordState for State<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        out.push_scalar(prefix, "step", self.step.into());
        if let Some(slow) = &self.slow {
            out.push_tensor(prefix, "slow", slow.to_data());
        }
        for (index, value) in self.values.iter().enumerate() {
            out.push_tensor(&join_path(prefix, "values"), &index.to_string(), value.to_data());
        }
    }

    fn state_unflatten(prefix: &str, source: &mut StateSource, device: &Device) -> Option<Self> {
        let step = source.take_scalar(prefix, "step")?.try_into().ok()?;
        let slow = source.take_tensor(prefix, "slow").map(|data| Tensor::from_data(data, device));
        let prefix = join_path(prefix, "values");
        let values = (0..).map_while(|index: usize| source.take_tensor(&prefix, &index.to_string()));
        Some(Self { step, values: values.map(|data| Tensor::from_data(data, device)).collect(), slow })
    }
}

impl<R: Rule<N>, const N: usize> Optimizer for Kept<R, N> {
    type State<const D: usize> = State<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        weight: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<State<D>>,
    ) -> (Tensor<D>, Option<State<D>>) {
        let State { step, values, slow } = state.unwrap_or(State { step: 0, values: Vec::new(), slow: None });
        let step = step + 1;
        let values: Result<[Tensor<D>; N], _> = values.try_into();
        let values = values.unwrap_or_else(|_| std::array::from_fn(|_| weight.zeros_like()));
        let slow = self.around.lookahead.map(|lookahead| (lookahead, slow.unwrap_or_else(|| weight.clone())));
        let (weight, values) = update(&self.rule(D).step(rate, step), weight, gradient, values);
        let (weight, slow) = match slow {
            Some((lookahead, slow)) => {
                let (weight, slow) = lookahead.follow(step, weight, slow);
                (weight, Some(slow))
            }
            None => (weight, None),
        };
        (weight, Some(State { step, values: values.into(), slow }))
    }

    fn to_device<const D: usize>(mut state: State<D>, device: &Device) -> State<D> {
        for value in state.values.iter_mut().chain(&mut state.slow) {
            if value.device() != *device {
                *value = value.clone().to_device(device);
            }
        }
        state
    }
}

/// The gradient with L2 weight decay added, as in an L2 penalty of half the decay.
#[inline(always)]
fn decayed<X: Number>(gradient: X, weight: &X, decay: f32) -> X {
    if decay == 0.0 { gradient } else { weight.clone().scaled(decay).plus(gradient) }
}

#[cfg(test)]
mod tests;
