//! Leaps of the loss: back to good weights, and a report.
use crate::support::{bits, data, notes, recipe, trainer, weights, with_target};
use barograph_train::callbacks::{RollbackOnSpike, SpikeReport};
use barograph_train::data::Dataset;
use barograph_train::recipe::{OptimizerKind, OptimizerSpec, Recipe};
use barograph_train::{Network, Outcome, Trainer};
use barograph_vocab::{RunEnd, Scalar};

/// Batches in the order of the file, a snapshot every 10 steps.
fn in_order() -> Recipe {
    let optimizer = OptimizerSpec::from(OptimizerKind::sgd()).with_learning_rate(0.1);
    let mut recipe = Recipe { optimizer, epochs: 1, ..recipe() };
    recipe.data.shuffle = false;
    recipe.data.validation = 0.0;
    recipe.observe.snapshot_every = Some(10);
    recipe
}

/// One target of batch 45 is far out; SGD does not survive that.
fn poisoned() -> Dataset {
    with_target(data(8 * 80), 8 * 45 + 2, 1e6)
}

fn rolling_back(recipe: &Recipe, data: &Dataset) -> Trainer<Network> {
    trainer(recipe, data).callback(RollbackOnSpike::new(10.0, 20))
}

#[test]
fn the_weights_go_back_the_rate_is_cut_and_the_batch_is_skipped() {
    let (recipe, data) = (in_order(), poisoned());
    let without = trainer(&recipe, &data).fit(&data).unwrap();
    assert!(without.last(Scalar::Loss).is_some_and(|loss| loss.is_nan() || loss > 1e6), "nothing to repair");
    let folder = tempfile::tempdir().unwrap();
    let outcome = rolling_back(&recipe, &data).folder(folder.path()).fit(&data).unwrap();
    outcome.close();
    assert_eq!((outcome.end, outcome.steps), (RunEnd::Completed, 80));
    assert!(weights(&outcome).iter().all(|weight| weight.abs() < 10.0));
    let notes = notes(folder.path());
    assert!(notes[0].contains("at step 45: back to the weights before step 30"), "{notes:?}");
    assert!(notes[1].contains("from 0.1 to 0.05"), "{notes:?}");
}

#[test]
fn it_goes_on_from_the_bits_of_the_snapshot() {
    let data = poisoned();
    // A rate of 0 from the rollback on leaves the weights of the snapshot: those after 30 steps.
    let outcome =
        trainer(&in_order(), &data).callback(RollbackOnSpike::new(10.0, 20).factor(1e-300)).fit(&data).unwrap();
    let mut thirty = data.clone();
    thirty.inputs.truncate(240 * data.features());
    if let barograph_train::data::Targets::Real { values, .. } = &mut thirty.targets {
        values.truncate(240);
    }
    let expected = trainer(&in_order(), &thirty).fit(&thirty).unwrap();
    assert_eq!(weights(&outcome), weights(&expected));
}

#[test]
fn supervision_changes_no_bit_of_it() {
    let (recipe, data) = (in_order(), poisoned());
    let run = |trainer: Trainer<Network>| bits(&trainer.fit(&data).unwrap());
    assert!(run(rolling_back(&recipe, &data)) == run(rolling_back(&recipe, &data).unobserved()), "the weights differ");
}

#[test]
fn the_cap_ends_the_run_as_failed() {
    let mut data = poisoned();
    let from = 8 * 60 * data.features();
    data.inputs[from..].fill(f32::NAN);
    let callback = RollbackOnSpike::new(10.0, 20).limit(2);
    let outcome = trainer(&in_order(), &data).callback(callback).fit(&data).unwrap();
    // One rollback at step 45, one at step 60.
    assert_eq!((outcome.end, outcome.steps), (RunEnd::Failed, 62));
}

#[test]
fn without_a_snapshot_the_user_hears_of_it() {
    let mut recipe = in_order();
    recipe.observe.snapshot_every = Some(0);
    let data = poisoned();
    let outcome: Outcome<Network> = rolling_back(&recipe, &data).fit(&data).unwrap();
    assert!(outcome.warnings[0].contains("there is no snapshot to go back to"), "{:?}", outcome.warnings);
}

#[test]
fn a_report_says_step_rows_and_norms() {
    let (recipe, data) = (in_order(), poisoned());
    let folder = tempfile::tempdir().unwrap();
    let report = SpikeReport::new(10.0, 20).limit(1);
    let outcome = trainer(&recipe, &data).callback(report).folder(folder.path()).fit(&data).unwrap();
    outcome.close();
    let text = std::fs::read_to_string(folder.path().join("spikes/step-000045.toml")).unwrap();
    let report: toml::Table = text.parse().unwrap();
    assert_eq!(report["step"].as_integer(), Some(45));
    let rows: Vec<i64> = report["rows"].as_array().unwrap().iter().filter_map(toml::Value::as_integer).collect();
    assert_eq!(rows, (360..368).collect::<Vec<_>>());
    assert!(report["loss"].as_float().unwrap() > 1e6 * report["usual_loss"].as_float().unwrap());
    let tensors = report["tensors"].as_array().unwrap();
    let gradient = tensors
        .iter()
        .find(|tensor| tensor["site"].as_str() == Some("dense2.bias") && tensor["role"].as_str() == Some("gradient"));
    let gradient = gradient.expect("the gradient of dense2.bias");
    let before = gradient["norms_before"].as_array().unwrap();
    assert_eq!(before.len(), 8);
    assert!(gradient["norm"].as_float().unwrap() > 1e3 * before[7].as_float().unwrap());
    let notes = notes(folder.path());
    assert!(notes[0].contains("at step 45; the gradient of dense") && notes[0].contains("rows 360, 361"), "{notes:?}");
    assert_eq!(std::fs::read_dir(folder.path().join("spikes")).unwrap().count(), 1);
    let plain = trainer(&recipe, &data).fit(&data).unwrap();
    assert!(bits(&plain) == bits(&outcome), "a report changes nothing");
}
