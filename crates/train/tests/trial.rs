//! A trial of a remedy is the training that it is held against, parts written in Rust and all, but for the remedy.
use barograph_burn::ops;
use barograph_train::data::{Dataset, Targets};
use barograph_train::layers::Fans;
use barograph_train::random::Random;
use barograph_train::recipe::{LayerSpec, LossKind, OptimizerKind, OptimizerSpec, OutputSpec, Recipe};
use barograph_train::{TargetTensor, Trainer, try_remedy};
use barograph_vocab::{Edit, EditValue, Remedy, Trial};
use burn::prelude::*;

/// y = 2x - 1 at 40 places from 0.1 to 4.
fn line() -> Dataset {
    let x: Vec<f32> = (1..=40u8).map(|i| f32::from(i) / 10.0).collect();
    let values = x.iter().map(|x| 2.0 * x - 1.0).collect();
    Dataset::new(x, 1, Targets::Real { values, columns: 1 }).expect("a data set")
}

fn recipe() -> Recipe {
    Recipe {
        layers: vec![LayerSpec::dense(1)],
        loss: LossKind::Mse.into(),
        optimizer: OptimizerSpec::from(OptimizerKind::sgd()).with_learning_rate(1e-6),
        epochs: 40,
        ..Recipe::default()
    }
}

fn remedy(key: &str, value: EditValue) -> Remedy {
    Remedy { text: key.to_owned(), change: vec![Edit { key: key.to_owned(), value }], verified: None }
}

fn higher_rate() -> Remedy {
    remedy("optimizer.learning_rate", EditValue::Number(0.01))
}

fn trainer() -> Trainer<barograph_train::Network> {
    Trainer::from_recipe(&recipe(), &line()).expect("a trainer")
}

fn trial(trainer: Trainer<barograph_train::Network>, remedy: &Remedy) -> Option<Trial> {
    let outcome = trainer.fit(&line()).expect("trained");
    try_remedy(&outcome, &recipe(), &line(), remedy).expect("tried")
}

#[test]
fn first_weights_of_a_trial_are_those_that_were_asked_for() {
    // From a weight of 100 the first loss is far above that of any usual one.
    let large = |shape: &[usize], _: Fans, _: &mut Random| vec![100.0; shape.iter().product()];
    for remedy in [higher_rate(), remedy("seed", EditValue::Number(3.0))] {
        let asked = trial(trainer().initializer("dense1.weight", large), &remedy).expect("a trial");
        assert!(asked.loss_first > 1e3, "{}: {}", remedy.text, asked.loss_first);
        let plain = trial(trainer(), &remedy).expect("a trial");
        assert!(plain.loss_first < 1e3, "{}: {}", remedy.text, plain.loss_first);
    }
}

#[test]
fn constraints_regularizers_and_auxiliary_losses_hold_in_a_trial() {
    let free = trial(trainer(), &higher_rate()).expect("a trial");
    assert!(free.works && free.loss_last < 0.5, "{free:?}");
    // A weight of 0 leaves a loss that cannot fall far.
    let zero = |weight: Tensor<2>| ops::mul_scalar(weight, 0.0);
    let held = trial(trainer().constraint("dense1.weight", zero), &higher_rate()).expect("a trial");
    assert!(held.loss_last > 1.0, "{held:?}");
    let dear = |_: Tensor<2>| Tensor::<1>::from_floats([7.0], &barograph_burn::cpu(true));
    let penalized = trial(trainer().regularizer("dense1.weight", dear), &higher_rate()).expect("a trial");
    assert!(penalized.loss_last > 7.0, "{penalized:?}");
    let also = |inside: &[Tensor<2>], _: &TargetTensor| {
        ops::add_scalar(ops::mul_scalar(ops::mean(inside[0].clone()), 0.0), 9.0)
    };
    let auxiliary = trial(trainer().auxiliary_loss("also", 1.0, ["dense1"], also), &higher_rate()).expect("a trial");
    assert!(auxiliary.loss_last > 9.0, "{auxiliary:?}");
}

#[test]
fn a_loss_written_in_rust_is_that_of_the_trial_and_no_remedy_replaces_it() {
    let offset = |outputs: Tensor<2>, targets: &TargetTensor| {
        let error = ops::sub(outputs.clone(), targets.like(&outputs));
        ops::add_scalar(ops::mean(ops::square(error)), 50.0)
    };
    let custom = || {
        let network =
            barograph_train::Network::from_recipe(&recipe(), 1, &barograph_burn::cpu(true)).expect("a network");
        Trainer::new(network, offset).recipe(recipe())
    };
    let tried = trial(custom(), &higher_rate()).expect("a trial");
    assert!(tried.loss_last > 50.0, "{tried:?}");
    let other = remedy("loss.kind", EditValue::Text("mae".to_owned()));
    assert_eq!(trial(custom(), &other), None);
    assert!(trial(trainer(), &other).is_some());
}

#[test]
fn no_remedy_is_tried_on_one_loss_of_several_or_without_a_weight_that_a_part_is_for() {
    let other = remedy("loss.kind", EditValue::Text("mae".to_owned()));
    let outputs = vec![OutputSpec::new("a", "y0", LossKind::Mse, []), OutputSpec::new("b", "y0", LossKind::Mse, [])];
    let several = Recipe { outputs, ..recipe() };
    let outcome = Trainer::from_recipe(&several, &line()).expect("a trainer").fit(&line()).expect("trained");
    assert_eq!(try_remedy(&outcome, &several, &line(), &other).expect("judged"), None);
    assert!(try_remedy(&outcome, &several, &line(), &higher_rate()).expect("tried").is_some());
    let renamed = remedy("layers.0.name", EditValue::Text("first".to_owned()));
    let constrained = || trainer().constraint("dense1.weight", |weight: Tensor<2>| weight);
    assert_eq!(trial(constrained(), &renamed), None);
    assert!(trial(trainer(), &renamed).is_some());
}
