//! An optimizer that follows a schedule.
use super::momentum::SharedMomentum;
use super::with_momentum;
use crate::recipe::OptimizerSpec;
use barograph_burn::{OptimizerState, Parameters, optimizer_state, with_optimizer_state};
use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};

/// The optimizer of a recipe, with the rate and, where the schedule has one, the momentum given at each step.
#[derive(Clone)]
pub(crate) struct ScheduledOptimizer {
    optimizer: ModuleOptimizer,
    momentum: SharedMomentum,
}

impl ScheduledOptimizer {
    pub(crate) fn new(spec: &OptimizerSpec) -> Self {
        let momentum = SharedMomentum::default();
        Self { optimizer: with_momentum(spec, &momentum), momentum }
    }

    /// One step. `momentum` replaces that of the recipe, or `beta1`; an optimizer that has neither does not heed it.
    pub(crate) fn step<M: Module>(
        &mut self,
        rate: f64,
        momentum: Option<f64>,
        model: M,
        gradients: GradientsParams,
    ) -> M {
        self.momentum.set(momentum);
        self.optimizer.step(rate, model, gradients)
    }

    /// What it keeps of the weights.
    pub(crate) fn state(&self, weights: &Parameters) -> Result<OptimizerState, String> {
        optimizer_state(&self.optimizer, weights)
    }

    /// The same optimizer with what another one kept.
    pub(crate) fn with_state(self, weights: &Parameters, state: &OptimizerState) -> Result<Self, String> {
        let optimizer = with_optimizer_state(self.optimizer, weights, state)?;
        Ok(Self { optimizer, ..self })
    }
}
