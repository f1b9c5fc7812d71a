//! The first bad operation, found by exact replay in training mode.
use barograph_burn::ops;
use barograph_train::callbacks::TerminateOnNan;
use barograph_train::data::{Dataset, Targets};
use barograph_train::recipe::{Activation, LayerSpec, LossKind, LossSpec, OptimizerKind, OptimizerSpec, Recipe};
use barograph_train::{Loss, Network, TargetTensor, Trainer};
use barograph_vocab::{Exactness, Incident, Phase};
use burn::prelude::*;

const FEATURES: usize = 6;

/// Rows of a smooth function; row `bad`, if given, holds a NaN in column 2.
fn data(rows: usize, bad: Option<usize>) -> Dataset {
    let mut inputs: Vec<f32> = (0..rows * FEATURES).map(|i| ((i * 37 % 101) as f32 / 50.0 - 1.0).sin()).collect();
    let values = inputs.chunks(FEATURES).map(|row| row[0] * row[1] + row[3]).collect();
    if let Some(row) = bad {
        inputs[row * FEATURES + 2] = f32::NAN;
    }
    Dataset::new(inputs, FEATURES, Targets::Real { values, columns: 1 }).unwrap()
}

/// Dropout and batch norm between dense layers.
fn recipe(rate: f64) -> Recipe {
    Recipe {
        layers: vec![
            LayerSpec::dense(16).with_activation(Activation::Relu),
            LayerSpec::dropout(0.3),
            LayerSpec::batch_norm(),
            LayerSpec::dense(1),
        ],
        loss: LossKind::Mse.into(),
        optimizer: OptimizerSpec::from(OptimizerKind::sgd()).with_learning_rate(rate),
        batch: 8,
        epochs: 40,
        ..Recipe::default()
    }
}

fn incident(recipe: &Recipe, loss: impl Loss + 'static, data: &Dataset) -> Incident {
    let network = Network::from_recipe(recipe, FEATURES, &barograph_burn::cpu(true)).unwrap();
    let outcome = Trainer::new(network, loss).recipe(recipe.clone()).callback(TerminateOnNan).fit(data).unwrap();
    outcome.diagnosis().unwrap().incident.expect("the run breaks")
}

/// What becomes of a run whose loss is sound until the mean output row number `step` comes by.
fn breaks_at(step: u64, broken: fn(Tensor<2>) -> Tensor<2>) -> impl Loss {
    let seen = std::sync::atomic::AtomicU64::new(0);
    move |outputs: Tensor<2>, targets: &TargetTensor| {
        // The replay repeats steps, so the step is asked of the scope and not counted.
        seen.store(barograph_burn::Scope::step_key().step, std::sync::atomic::Ordering::Relaxed);
        let outputs = if seen.load(std::sync::atomic::Ordering::Relaxed) == step { broken(outputs) } else { outputs };
        let target = targets.like(&outputs);
        ops::mean(ops::square(ops::sub(outputs, target)))
    }
}

#[test]
fn a_nan_in_one_row_at_step_137_with_dropout_and_batch_norm() {
    // 8 rows a step and 100 steps an epoch, in the order of the file: row 8 * 37 + 5 comes at step 37 of each epoch.
    let row = 8 * 137 + 5;
    let mut recipe = recipe(0.01);
    recipe.data.shuffle = false;
    let found = incident(&recipe, recipe.loss.clone(), &data(1600, Some(row)));
    assert_eq!((found.step, found.phase, found.operation.as_str()), (137, Phase::Data, "input"));
    assert_eq!((found.rows, found.exactness), (vec![row as u64], Exactness::Exact));
}

#[test]
fn log_of_zero_in_a_custom_loss_names_the_operation_the_line_and_the_rows() {
    let line = line!() + 1;
    let log_of_nothing = |outputs: Tensor<2>| ops::log(ops::mul_scalar(outputs, 0.0));
    let found = incident(&recipe(0.01), breaks_at(61, log_of_nothing), &data(160, None));
    assert_eq!(
        (found.step, found.phase, found.operation.as_str(), found.site.as_str()),
        (61, Phase::Forward, "log", "loss")
    );
    let source = found.source.expect("a line");
    assert_eq!((source.file.as_str(), source.line), (file!(), line));
    assert_eq!((found.row_count, found.inputs[0].reading.zeros), (8, 8));
    assert_eq!(found.exactness, Exactness::Exact);
}

#[test]
fn zero_over_zero_in_a_custom_loss() {
    let found = incident(
        &recipe(0.01),
        breaks_at(20, |x| ops::div(ops::mul_scalar(x.clone(), 0.0), ops::mul_scalar(x, 0.0))),
        &data(160, None),
    );
    assert_eq!((found.step, found.phase, found.operation.as_str()), (20, Phase::Forward, "div"));
    assert_eq!(found.inputs.iter().map(|input| input.reading.zeros).collect::<Vec<_>>(), [8, 8]);
}

#[test]
fn the_derivative_of_a_square_root_at_zero_breaks_the_backward_pass() {
    let found = incident(&recipe(0.01), breaks_at(33, |x| ops::sqrt(ops::mul_scalar(x, 0.0))), &data(160, None));
    assert_eq!((found.step, found.phase, found.operation.as_str()), (33, Phase::Backward, "sqrt"));
    assert_eq!(found.row_count, 8);
    assert_eq!(found.exactness, Exactness::Exact);
}

#[test]
fn an_exploding_rate_names_the_operation_that_overflows() {
    let mut recipe = recipe(1e8);
    recipe.layers = vec![LayerSpec::dense(16), LayerSpec::dense(1)];
    let found = incident(&recipe, recipe.loss.clone(), &data(160, None));
    assert!(matches!(found.phase, Phase::Forward | Phase::Backward), "{found:?}");
    assert!(found.inputs.iter().all(|input| input.reading.non_finite() == 0), "{found:?}");
    assert_eq!(found.exactness, Exactness::Exact);
}

#[test]
fn a_loss_written_without_ops_is_named_as_a_whole() {
    let plain = |outputs: Tensor<2>, _: &TargetTensor| (outputs * 0.0).log().mean();
    let found = incident(&recipe(0.01), plain, &data(160, None));
    assert_eq!((found.step, found.operation.as_str(), found.site.as_str(), found.source), (0, "loss", "loss", None));
}

#[test]
fn an_update_that_overflows_is_found_in_the_weight() {
    let mut recipe = recipe(1e38);
    recipe.layers = vec![LayerSpec::dense(1)];
    recipe.loss = LossSpec::from(LossKind::Mae);
    let mut data = data(160, None);
    data.inputs.iter_mut().for_each(|x| *x *= 1e3);
    let found = incident(&recipe, recipe.loss.clone(), &data);
    assert_eq!(
        (found.phase, found.operation.as_str(), found.site.as_str()),
        (Phase::Update, "sgd update", "dense1.weight")
    );
}

/// A number that is NaN at one call and sound at every other, as where a bit flips in memory.
#[test]
fn a_step_whose_repetition_is_finite_is_laid_to_the_machine() {
    let calls = std::sync::atomic::AtomicU64::new(0);
    let flips_once = move |outputs: Tensor<2>, targets: &TargetTensor| {
        let call = calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let outputs = if call == 30 { ops::mul_scalar(outputs, f64::NAN) } else { outputs };
        let target = targets.like(&outputs);
        ops::mean(ops::square(ops::sub(outputs, target)))
    };
    let recipe = recipe(0.01);
    let network = Network::from_recipe(&recipe, FEATURES, &barograph_burn::cpu(true)).unwrap();
    let trainer = Trainer::new(network, flips_once).recipe(recipe).callback(TerminateOnNan);
    let diagnosis = trainer.fit(&data(160, None)).unwrap().diagnosis().unwrap();
    let found = diagnosis.incident.expect("the run breaks");
    assert_eq!((found.step, found.victims), (30, 0));
    assert_eq!(found.exactness, Exactness::Inexact { step: 30 });
    assert_eq!(diagnosis.causes.first().map(|cause| cause.slug.as_str()), Some("hardware-fault"));
}
