//! Steps that are not finite and change nothing.
use crate::support::{FEATURES, data, notes, recipe, trainer, weights};
use barograph_train::callbacks::SkipNonFinite;
use barograph_train::data::{Dataset, Targets};
use barograph_train::recipe::{LayerSpec, Recipe};
use barograph_train::{Model as _, Outcome};
use barograph_vocab::{Exactness, Phase, RunEnd, Scalar};

/// Batch norm, and batches in the order of the file.
fn in_order() -> Recipe {
    let layers = vec![LayerSpec::dense(8), LayerSpec::batch_norm(), LayerSpec::dense(1)];
    let mut recipe = Recipe { layers, ..recipe() };
    recipe.data.shuffle = false;
    recipe.data.validation = 0.0;
    recipe
}

/// Without the rows of the fourth batch.
fn without_fourth(data: &Dataset) -> Dataset {
    let Targets::Real { values, .. } = &data.targets else { unreachable!("real targets") };
    let keep = |row: &usize| !(24..32).contains(row);
    let rows: Vec<usize> = (0..data.rows()).filter(keep).collect();
    let inputs = rows.iter().flat_map(|&row| data.row(row).to_vec()).collect();
    let values = rows.iter().map(|&row| values[row]).collect();
    Dataset::new(inputs, FEATURES, Targets::Real { values, columns: 1 }).unwrap()
}

fn skipped<T>(recipe: &Recipe, data: &Dataset, then: impl FnOnce(&Outcome<barograph_train::Network>) -> T) -> T {
    then(&trainer(recipe, data).callback(SkipNonFinite::new(3)).fit(data).unwrap())
}

#[test]
fn a_refused_step_leaves_weights_optimizer_and_running_statistics_as_they_were() {
    let (recipe, whole) = (in_order(), data(80));
    let mut poisoned = whole.clone();
    poisoned.inputs[27 * FEATURES] = f32::NAN;
    let shorter = without_fourth(&whole);
    let expected = trainer(&recipe, &shorter).fit(&shorter).unwrap();
    skipped(&recipe, &poisoned, |outcome| {
        assert_eq!((outcome.end, outcome.steps), (RunEnd::Completed, 30));
        assert_eq!(weights(outcome), weights(&expected));
        assert_eq!(outcome.model.buffers(), expected.model.buffers());
        let loss = |outcome: &Outcome<_>| outcome.last(Scalar::Loss).unwrap();
        assert!((loss(outcome) - loss(&expected)).abs() < 1e-12);
        let incident = outcome.diagnosis().unwrap().incident.expect("it is told all the same");
        assert_eq!((incident.step, incident.phase, incident.exactness), (3, Phase::Data, Exactness::Exact));
    });
}

/// Makes one gradient infinite at step 5.
#[derive(Clone, Default)]
struct Break(u64);
impl barograph_train::GradientHook for Break {
    fn after_backward(&mut self, weight: usize, gradient: burn::Tensor<1>) -> Option<burn::Tensor<1>> {
        self.0 += u64::from(weight == 0);
        Some(if self.0 == 6 && weight == 2 { gradient.mul_scalar(f32::INFINITY) } else { gradient })
    }

    fn copy(&self) -> Box<dyn barograph_train::GradientHook> {
        Box::new(self.clone())
    }
}

#[test]
fn a_gradient_that_is_not_finite_is_refused_even_if_the_loss_is_fine() {
    let (recipe, data) = (in_order(), data(80));
    let folder = tempfile::tempdir().unwrap();
    let outcome = trainer(&recipe, &data)
        .callback(SkipNonFinite::new(100))
        .gradient_hook(Break::default())
        .folder(folder.path())
        .fit(&data)
        .unwrap();
    outcome.close();
    assert!(weights(&outcome).iter().all(|weight| weight.is_finite()));
    // What a hook learned from a refused step is forgotten too, so that it breaks every step from there on.
    let notes = notes(folder.path());
    assert_eq!(notes.len(), 25);
    assert!(notes[0].starts_with("a gradient is not finite (norm1.scale): the step was refused"), "{}", notes[0]);
}

#[test]
fn too_many_in_a_row_end_the_run_as_failed() {
    let mut data = data(80);
    data.inputs[8 * 4 * FEATURES..].fill(f32::NAN);
    skipped(&in_order(), &data, |outcome| {
        assert_eq!((outcome.end, outcome.steps), (RunEnd::Failed, 8));
        assert!(weights(outcome).iter().all(|weight| weight.is_finite()));
    });
}

#[test]
fn a_healthy_run_is_left_as_it_is() {
    let (recipe, data) = (in_order(), data(80));
    let plain = trainer(&recipe, &data).fit(&data).unwrap();
    skipped(&recipe, &data, |outcome| assert_eq!(weights(outcome), weights(&plain)));
}
