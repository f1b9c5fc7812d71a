//! What the trainer knows of a run besides its readings.
use crate::engine::Engine;
use crate::model::LayerFact;
use crate::recipe::{OptimizerKind, Precision, Reduction};
use barograph_monitor::Session;
use barograph_vocab::{FactKey, FactValue, Provenance};

/// Length of the run.
pub(crate) struct Extent {
    /// Trainable elements.
    pub(crate) parameters: usize,
    /// Training rows.
    pub(crate) rows: usize,
    /// Validation rows.
    pub(crate) validation_rows: usize,
    /// Planned steps.
    pub(crate) steps: u64,
}

/// Writes down what the recipe declares, and what is plain from the data set and the loop.
pub(crate) fn declare(session: &mut Session, engine: &Engine<'_>, layers: &[LayerFact], extent: &Extent) {
    let recipe = engine.recipe;
    for (key, number) in [
        (FactKey::Parameters, extent.parameters as f64),
        (FactKey::Rows, extent.rows as f64),
        (FactKey::ValidationRows, extent.validation_rows as f64),
        (FactKey::Steps, extent.steps as f64),
        (FactKey::BatchSize, recipe.batch.min(extent.rows as u64) as f64),
    ] {
        session.fact(key, None, FactValue::Number(number), Provenance::Measured);
    }
    let mut declare = |key, value| session.fact(key, None, value, Provenance::Declared);
    let text = |text: &str| FactValue::Text(text.to_owned());
    let loss = engine.loss.describe();
    if recipe.outputs.is_empty() {
        // Several outputs may have several tasks.
        declare(FactKey::Task, text(engine.scoring.task.name()));
    }
    declare(FactKey::Loss, text(&loss.name));
    declare(FactKey::LossTakes, text(loss.takes.map_or("unknown", |takes| takes.name())));
    if let Some(reduction) = loss.reduction {
        declare(FactKey::LossReduction, text(if reduction == Reduction::Sum { "sum" } else { "mean" }));
    }
    if recipe.precision != Precision::F32 {
        declare(FactKey::Precision, text(recipe.precision.fact()));
    }
    declare(FactKey::Optimizer, text(recipe.optimizer.kind.name()));
    declare(FactKey::Schedule, text(recipe.schedule.kind.name()));
    declare(FactKey::Normalize, text(recipe.data.normalize.name()));
    declare(FactKey::Shuffle, FactValue::Flag(recipe.data.shuffle));
    let (momentum, epsilon) = match recipe.optimizer.kind {
        OptimizerKind::Sgd { momentum, .. } | OptimizerKind::SgdW { momentum, .. } => (momentum, None),
        OptimizerKind::Adam { beta1, epsilon, .. }
        | OptimizerKind::AdamW { beta1, epsilon, .. }
        | OptimizerKind::RAdam { beta1, epsilon, .. }
        | OptimizerKind::NAdam { beta1, epsilon, .. }
        | OptimizerKind::QHAdam { beta1, epsilon, .. } => (beta1, Some(epsilon)),
        OptimizerKind::RmsProp { momentum, epsilon, .. } => (momentum, Some(epsilon)),
    };
    let numbers = [
        (FactKey::LearningRate, Some(recipe.optimizer.learning_rate)),
        (FactKey::Momentum, Some(momentum)),
        (FactKey::Epsilon, epsilon),
        (FactKey::WeightDecay, Some(recipe.optimizer.weight_decay)),
        (FactKey::L1, Some(recipe.penalty.l1)),
        (FactKey::L2, Some(recipe.penalty.l2)),
        (FactKey::ClipNorm, recipe.clip.global_norm),
        (FactKey::ClipValue, recipe.clip.value),
        (FactKey::Epochs, Some(recipe.epochs as f64)),
        (FactKey::Seed, Some(recipe.seed as f64)),
    ];
    for (key, number) in numbers {
        if let Some(number) = number {
            declare(key, FactValue::Number(number));
        }
    }
    for LayerFact { site, key, value } in layers {
        let site = session.site(site, 0, &[]);
        session.fact(*key, Some(site), value.clone(), Provenance::Declared);
    }
}
