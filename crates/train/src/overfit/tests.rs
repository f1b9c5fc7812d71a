use super::*;
use crate::Network;
use crate::data::{Dataset, Targets};
use crate::recipe::{Activation, LossKind, OptimizerKind, OptimizerSpec};
use barograph_burn::cpu;

fn recipe() -> Recipe {
    Recipe {
        layers: vec![LayerSpec::dense(16).with_activation(Activation::Tanh), LayerSpec::dense(3)],
        loss: LossKind::CrossEntropy.into(),
        optimizer: OptimizerSpec::from(OptimizerKind::adam()).with_learning_rate(0.02),
        batch: 8,
        ..Recipe::default()
    }
}

fn rows() -> Dataset {
    let inputs = (0..48).map(|number| (number as f32 * 1.3).sin()).collect();
    Dataset::new(inputs, 4, Targets::Classes((0..12).map(|row| row % 3).collect())).unwrap()
}

fn found(recipe: &Recipe, data: &Dataset, options: &OverfitOptions) -> Overfit {
    let model = Network::from_recipe(recipe, data.features(), &cpu(true)).unwrap();
    overfit(&Subject { model: &model, loss: &recipe.loss, recipe, data }, options).unwrap()
}

#[test]
fn a_sound_network_learns_a_batch_by_heart() {
    let result = found(&recipe(), &rows(), &OverfitOptions::default());
    assert!(result.passed && result.advice.is_empty(), "{result:?}");
    assert_eq!(result.rows, 8);
    assert!(result.losses[0] > 0.9 && result.lowest() <= 0.01 * result.losses[0], "{result:?}");
    // It ends as soon as it is there.
    assert!(result.losses.len() < 500 && result.losses[result.losses.len() - 2] > result.goal);
}

#[test]
fn a_penalty_does_not_stand_in_the_way() {
    let penalty = PenaltySpec { l2: 0.1, ..PenaltySpec::default() };
    assert!(found(&Recipe { penalty, ..recipe() }, &rows(), &OverfitOptions::default()).passed);
}

#[test]
fn frozen_layers_are_suspected_where_nothing_moves() {
    let layers = vec![LayerSpec::dense(3).frozen()];
    let result = found(&Recipe { layers, ..recipe() }, &rows(), &OverfitOptions::default());
    assert!(!result.passed && result.losses.len() <= 251, "{}", result.losses.len());
    assert!(result.advice[0].contains("frozen"), "{:?}", result.advice);
}

#[test]
fn rows_that_contradict_each_other_are_named() {
    let mut data = rows();
    data.inputs = [0.5, -0.5, 0.25, 1.0].repeat(12);
    let result = found(&recipe(), &data, &OverfitOptions::default());
    assert!(!result.passed);
    assert!(result.advice[0].contains("same inputs have different targets"), "{:?}", result.advice);
}

#[test]
fn a_rate_that_is_too_high_is_suspected() {
    let mut wild = recipe();
    wild.optimizer = OptimizerSpec::from(OptimizerKind::sgd()).with_learning_rate(1e20);
    wild.loss = LossKind::Mse.into();
    let result = found(&wild, &rows(), &OverfitOptions::default());
    assert!(!result.passed && result.advice.iter().any(|text| text.contains("lower the learning rate")), "{result:?}");
}

#[test]
fn what_keeps_a_loss_from_zero_is_taken_out() {
    let inside = vec![LayerSpec::dense(16), LayerSpec::dropout(0.3)];
    let mut dropped = recipe();
    dropped.layers.insert(1, LayerSpec::residual(inside));
    dropped.layers[0] = dropped.layers[0].clone().with_regularizer(RegularizerKind::L2 { factor: 0.1 });
    dropped.optimizer.weight_decay = 0.1;
    dropped.loss.label_smoothing = 0.1;
    let (plain, out) = without_regularization(&dropped);
    assert_eq!(out, ["dropout", "penalties on weights", "weight decay", "label smoothing"]);
    assert!(found(&plain, &rows(), &OverfitOptions::default()).passed);
    assert_eq!(without_regularization(&plain), (plain.clone(), Vec::new()));
}

#[test]
fn settings_out_of_range_are_refused() {
    let (recipe, data) = (recipe(), rows());
    let model = Network::from_recipe(&recipe, 4, &cpu(true)).unwrap();
    let subject = Subject { model: &model, loss: &recipe.loss, recipe: &recipe, data: &data };
    for bad in [OverfitOptions { steps: 0, share: 0.1 }, OverfitOptions { steps: 1, share: f64::NAN }] {
        assert!(overfit(&subject, &bad).is_err());
    }
}

#[test]
fn each_step_is_told() {
    let (recipe, data) = (recipe(), rows());
    let model = Network::from_recipe(&recipe, data.features(), &cpu(true)).unwrap();
    let subject = Subject { model: &model, loss: &recipe.loss, recipe: &recipe, data: &data };
    let mut losses = Vec::new();
    let result = overfit_with(&subject, &OverfitOptions::default(), &mut |progress: Progress<'_>| {
        losses.extend(progress.loss);
        assert_eq!((progress.done, progress.of), (losses.len() as u64, 1_000));
    });
    assert_eq!(losses, result.unwrap().losses);
}
