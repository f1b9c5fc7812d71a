//! Checkpoints on disk.
use crate::support::{bits, data, recipe, trainer};
use barograph_train::callbacks::{Action, Lambda, ModelCheckpoint};
use barograph_train::recipe::{Monitor, Recipe, Watch};
use barograph_train::{Network, load_weights, save_weights};
use std::path::Path;

const LOSS: Watch = Watch { monitor: Monitor::Loss, mode: barograph_train::recipe::Mode::Auto, min_delta: 0.0 };

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder.join("checkpoints")).unwrap().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn checkpoints_of_epochs_and_steps_are_kept_apart_and_hold_the_weights() {
    let (recipe, data) = (recipe(), data(64));
    let folder = tempfile::tempdir().unwrap();
    let outcome = trainer(&recipe, &data)
        .callback(ModelCheckpoint::new(LOSS, 2))
        .callback(ModelCheckpoint::new(LOSS, 2).every_steps(4))
        .folder(folder.path())
        .fit(&data)
        .unwrap();
    assert_eq!(
        files(folder.path()),
        ["epoch-0002.safetensors", "epoch-0003.safetensors", "step-000012.safetensors", "step-000016.safetensors"]
    );
    let fresh = Network::from_recipe(&Recipe { seed: 9, ..recipe.clone() }, 4, &barograph_burn::cpu(true)).unwrap();
    let model = load_weights(&folder.path().join("checkpoints/epoch-0003.safetensors"), fresh).unwrap();
    let again = folder.path().join("again.safetensors");
    save_weights(&again, &model, 0, 0).unwrap();
    assert!(bits(&outcome) == std::fs::read(again).unwrap(), "the weights differ");
}

#[test]
fn the_last_healthy_one_outlives_weights_that_are_not_finite() {
    // A learning rate that no network survives: the loss of step 6 is finite, and the weights after it are not.
    let (recipe, data) = (Recipe { epochs: 1, ..recipe() }, data(128));
    let break_it = Lambda::default().on_step(|step| match step.step {
        5 => Action::SetLearningRate(f64::INFINITY),
        _ => Action::Continue,
    });
    let folder = tempfile::tempdir().unwrap();
    trainer(&recipe, &data)
        .callback(ModelCheckpoint::new(LOSS, 1).every_steps(1))
        .callback(break_it)
        .folder(folder.path())
        .fit(&data)
        .unwrap();
    assert_eq!(files(folder.path()), ["step-000006.safetensors", "step-000012.safetensors"]);
}
