//! Several batches that make one step.
use crate::support::{FEATURES, bits, data, distance, recipe, trainer, weights};
use barograph_burn::ops;
use barograph_train::callbacks::{GradientAccumulation, TerminateOnNan};
use barograph_train::data::Dataset;
use barograph_train::recipe::{CallbackSpec, LayerSpec, Recipe, Reduction};
use barograph_train::{Network, TargetTensor, Trainer};
use barograph_vocab::{Exactness, Incident, Phase};
use burn::prelude::*;

fn accumulated(recipe: &Recipe, batches: u64) -> Recipe {
    let callbacks = vec![CallbackSpec::GradientAccumulation { batches }];
    Recipe { batch: recipe.batch / batches, callbacks, ..recipe.clone() }
}

#[test]
fn batches_of_a_step_equal_one_large_batch_to_rounding() {
    let data = data(100);
    for reduction in [Reduction::Mean, Reduction::Sum] {
        let mut large = Recipe { batch: 32, ..recipe() };
        large.loss.reduction = reduction;
        large.penalty.l2 = 0.01;
        large.clip.global_norm = Some(0.5);
        let one = trainer(&large, &data).fit(&data).unwrap();
        // 75 rows: two whole steps, and one of 11 rows in batches of 8 and 3.
        let several = trainer(&accumulated(&large, 4), &data).fit(&data).unwrap();
        assert_eq!((one.steps, several.steps), (9, 9));
        let apart = distance(&weights(&one), &weights(&several));
        assert!(apart < 2e-6, "{reduction:?}: {apart}");
        for (one, several) in one.history.iter().zip(&several.history) {
            for ((scalar, a), (_, b)) in one.scalars.iter().zip(&several.scalars) {
                assert!((a - b).abs() < 1e-5 * a.abs().max(1.0), "{scalar:?}: {a} {b}");
            }
        }
    }
}

#[test]
fn one_batch_a_step_changes_no_bit_and_supervision_none_of_several() {
    let data = data(100);
    let plain = trainer(&recipe(), &data).fit(&data).unwrap();
    let one = trainer(&recipe(), &data).callback(GradientAccumulation::new(1)).fit(&data).unwrap();
    assert!(bits(&plain) == bits(&one), "the weights differ");
    let several = |observed| {
        let trainer = trainer(&recipe(), &data).callback(GradientAccumulation::new(3));
        let trainer = if observed { trainer } else { trainer.unobserved() };
        trainer.fit(&data).unwrap()
    };
    assert_eq!(several(true).steps, 12);
    assert!(bits(&several(true)) == bits(&several(false)), "the weights differ");
}

/// Dropout and batch norm, which see each batch apart; four batches of 4 rows a step, in the order of the file.
fn sensitive() -> Recipe {
    let layers = vec![LayerSpec::dense(16), LayerSpec::dropout(0.3), LayerSpec::batch_norm(), LayerSpec::dense(1)];
    let mut recipe = accumulated(&Recipe { layers, batch: 16, epochs: 20, ..recipe() }, 4);
    recipe.data.shuffle = false;
    recipe.data.validation = 0.0;
    recipe
}

fn incident(recipe: &Recipe, loss: impl barograph_train::Loss + 'static, data: &Dataset) -> Incident {
    let network = Network::from_recipe(recipe, FEATURES, &barograph_burn::cpu(true)).unwrap();
    let outcome = Trainer::new(network, loss).recipe(recipe.clone()).callback(TerminateOnNan).fit(data).unwrap();
    outcome.diagnosis().unwrap().incident.expect("the run breaks")
}

#[test]
fn an_operation_that_breaks_in_one_batch_of_a_step_is_found_with_its_rows() {
    // Rows 16 * 3 + 8 .. + 4 are the third batch of step 3 of an epoch of 10 steps: in the sixth epoch it breaks.
    let log_of_nothing = |outputs: Tensor<2>, targets: &TargetTensor| {
        let key = barograph_burn::Scope::step_key();
        let bad = key.step == 53 && key.batch == 2;
        let outputs = if bad { ops::log(ops::mul_scalar(outputs, 0.0)) } else { outputs };
        ops::mean(ops::square(ops::sub(outputs.clone(), targets.like(&outputs))))
    };
    let found = incident(&sensitive(), log_of_nothing, &data(160));
    assert_eq!((found.step, found.phase, found.operation.as_str()), (53, Phase::Forward, "log"));
    assert_eq!((found.rows, found.exactness), (vec![56, 57, 58, 59], Exactness::Exact));
}

#[test]
fn a_row_that_is_not_finite_is_found_in_whichever_batch_it_is() {
    let mut data = data(160);
    data.inputs[(16 * 7 + 13) * FEATURES + 1] = f32::NAN;
    let found = incident(&sensitive(), sensitive().loss, &data);
    assert_eq!((found.step, found.phase), (7, Phase::Data));
    assert_eq!((found.rows, found.exactness), (vec![16 * 7 + 13], Exactness::Exact));
}

#[test]
fn each_batch_of_a_step_drops_other_values() {
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let keep = std::sync::Arc::clone(&seen);
    let loss = move |outputs: Tensor<2>, _: &TargetTensor| {
        keep.lock().unwrap().push(barograph_burn::to_vec(&outputs));
        ops::mean(outputs)
    };
    // Equal rows through dropout alone: what differs is what was dropped.
    let mut recipe = Recipe { layers: vec![LayerSpec::dropout(0.5)], epochs: 1, ..sensitive() };
    recipe.data.validation = 0.0;
    let mut data = data(16);
    data.inputs.fill(1.0);
    let network = Network::from_recipe(&recipe, FEATURES, &barograph_burn::cpu(true)).unwrap();
    Trainer::new(network, loss).recipe(recipe).unobserved().fit(&data).unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 4);
    assert!(seen.windows(2).all(|pair| pair[0] != pair[1]), "{seen:?}");
}
