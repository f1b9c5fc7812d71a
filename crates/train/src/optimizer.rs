//! burn's optimizers with the settings of a recipe.
use crate::recipe::{OptimizerKind, OptimizerSpec};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, AdamWConfig, ModuleOptimizer, RmsPropConfig, SgdConfig};

/// The optimizer that a recipe asks for. burn's own defaults differ from the field's, so every setting is given.
#[must_use]
pub fn build(spec: &OptimizerSpec) -> ModuleOptimizer {
    let decay = (spec.weight_decay > 0.0).then(|| WeightDecayConfig::new(spec.weight_decay as f32));
    match spec.kind {
        OptimizerKind::Sgd { momentum, nesterov } => {
            let momentum = (momentum > 0.0)
                .then(|| MomentumConfig::new().with_momentum(momentum).with_dampening(0.0).with_nesterov(nesterov));
            SgdConfig::new().with_momentum(momentum).with_weight_decay(decay).init()
        }
        OptimizerKind::Adam { beta1, beta2, epsilon } => AdamConfig::new()
            .with_beta_1(beta1 as f32)
            .with_beta_2(beta2 as f32)
            .with_epsilon(epsilon as f32)
            .with_weight_decay(decay)
            .init(),
        OptimizerKind::AdamW { beta1, beta2, epsilon } => AdamWConfig::new()
            .with_beta_1(beta1 as f32)
            .with_beta_2(beta2 as f32)
            .with_epsilon(epsilon as f32)
            .with_weight_decay(spec.weight_decay as f32)
            .init(),
        OptimizerKind::RmsProp { alpha, epsilon, momentum } => RmsPropConfig::new()
            .with_alpha(alpha as f32)
            .with_epsilon(epsilon as f32)
            .with_momentum(momentum as f32)
            .with_weight_decay(decay)
            .init(),
    }
}
