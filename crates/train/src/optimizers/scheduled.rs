//! An optimizer that follows a schedule.
use super::momentum::SharedMomentum;
use super::with_momentum;
use crate::recipe::OptimizerSpec;
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
}
