use super::*;
use crate::data::{Dataset, Targets};
use crate::recipe::{LayerSpec, LossKind, OptimizerKind, Recipe};
use crate::{Loss, Network, TargetTensor};
use barograph_burn::{cpu, ops, to_vec};
use burn::module::{ModuleVisitor, Param};
use burn::prelude::*;

/// 64 rows of two columns, whose target is linear in them.
fn plane() -> Dataset {
    let row = |number: u32| [f64::from(number % 8) / 4.0 - 1.0, f64::from(number / 8) / 4.0 - 1.0];
    let inputs = (0..64).flat_map(row).map(|value| value as f32).collect();
    let values = (0..64).map(|number| (3.0 * row(number)[0] - 2.0 * row(number)[1] + 1.0) as f32).collect();
    Dataset::new(inputs, 2, Targets::Real { values, columns: 1 }).expect("whole rows")
}

fn recipe() -> Recipe {
    Recipe {
        layers: vec![LayerSpec::dense(8), LayerSpec::batch_norm(), LayerSpec::dropout(0.2), LayerSpec::dense(1)],
        loss: LossKind::Mse.into(),
        optimizer: OptimizerKind::sgd().into(),
        batch: 16,
        ..Recipe::default()
    }
}

fn found(recipe: &Recipe, loss: &dyn Loss, options: &LrFindOptions) -> LearningRates {
    let data = plane();
    let model = Network::from_recipe(recipe, 2, &cpu(true)).expect("layers that fit");
    lr_find(&Subject { model: &model, loss, recipe, data: &data }, options).expect("a test")
}

/// Everything that a model holds, as bits.
fn bits(model: &Network) -> Vec<u32> {
    struct Bits(Vec<u32>);
    impl ModuleVisitor for Bits {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.extend(to_vec(&param.val()).iter().map(|value| value.to_bits()));
        }
    }
    let mut found = Bits(Vec::new());
    model.visit(&mut found);
    found.0.extend(model.buffers().iter().flat_map(|(_, values)| values).map(|value| value.to_bits()));
    found.0
}

#[test]
fn the_model_and_later_trainings_are_as_if_nothing_had_been() {
    let (recipe, data) = (recipe(), plane());
    let trained = |test: bool| {
        let model = Network::from_recipe(&recipe, 2, &cpu(true)).unwrap();
        let before = bits(&model);
        if test {
            let subject = Subject { model: &model, loss: &recipe.loss, recipe: &recipe, data: &data };
            assert!(lr_find(&subject, &LrFindOptions::default()).unwrap().losses.len() > 10);
            assert_eq!(bits(&model), before);
        }
        let trainer = crate::Trainer::new(model, recipe.loss.clone()).recipe(recipe.clone()).unobserved();
        bits(&trainer.fit(&data).unwrap().model)
    };
    assert_eq!(trained(true), trained(false));
}

#[test]
fn rates_rise_by_one_factor_and_the_suggestion_trains() {
    let options = LrFindOptions { lowest: 1e-5, highest: 100.0, ..LrFindOptions::default() };
    let recipe = Recipe { layers: vec![LayerSpec::dense(1)], ..recipe() };
    let found = found(&recipe, &recipe.loss, &options);
    for pair in found.rates.windows(2) {
        assert!((pair[1] / pair[0] - 1e7_f64.powf(1.0 / 99.0)).abs() < 1e-9);
    }
    assert_eq!(found.rates[0], 1e-5);
    assert_eq!(found.stopped, Stopped::Diverged, "{found:?}");
    // Gradient descent on a mean of squares is stable below 2 over the largest eigenvalue of its curvature, which is about 2 here.
    let suggestion = found.suggestion().expect("the loss falls");
    assert!((1e-3..1.0).contains(&suggestion), "{suggestion}");
    let names: Vec<_> = found.suggestions.each().map(|(name, ..)| name).collect();
    assert_eq!(names, ["valley", "steep", "minimum", "slide"]);
}

#[test]
fn a_loss_that_is_not_finite_ends_the_test_at_once() {
    let recipe = recipe();
    let steps = std::sync::atomic::AtomicU32::new(0);
    let broken = move |outputs: Tensor<2>, targets: &TargetTensor| {
        let error = ops::mean(ops::square(ops::sub(outputs.clone(), targets.like(&outputs))));
        let step = steps.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        ops::mul_scalar(error, if step == 7 { f64::NAN } else { 1.0 })
    };
    let found = found(&recipe, &broken, &LrFindOptions::default());
    assert_eq!((found.stopped, found.losses.len(), found.smoothed.len()), (Stopped::NotFinite, 8, 7));
    assert!(found.losses[7].is_nan());
    assert_eq!(found.suggestions, Suggestions::default());
}

#[test]
fn nothing_is_suggested_where_the_loss_does_not_fall() {
    let recipe = recipe();
    let flat = |outputs: Tensor<2>, _: &TargetTensor| ops::add_scalar(ops::mul_scalar(ops::mean(outputs), 0.0), 1.0);
    let found = found(&recipe, &flat, &LrFindOptions::default());
    assert_eq!((found.stopped, found.suggestion()), (Stopped::Highest, None));
}

#[test]
fn the_average_is_corrected_for_its_beginning() {
    let mut test = RangeTest::new(&LrFindOptions { smoothing: 0.1, ..LrFindOptions::default() });
    for _ in 0..3 {
        assert!(test.goes_on(1.0, 5.0));
    }
    assert!(test.smoothed.iter().all(|loss| (loss - 5.0).abs() < 1e-12), "{:?}", test.smoothed);
    // A negative loss diverges upwards too.
    let mut test = RangeTest::new(&LrFindOptions { smoothing: 1.0, ..LrFindOptions::default() });
    assert!(test.goes_on(1.0, -2.0) && test.goes_on(1.0, 3.9) && !test.goes_on(1.0, 4.1));
}

#[test]
fn the_rules_are_those_of_fastai() {
    // The longest falling sequence is 9, 7, 6, 5, 3, 1 from index 1 to 8; its length of 6 is counted back from its end.
    assert_eq!(valley(&[2.0, 9.0, 7.0, 8.0, 6.0, 5.0, 6.5, 3.0, 1.0, 4.0]), 5);
    assert_eq!(steepest(&[3.0, 2.9, 2.0, 1.5, 1.6]), 1);
    assert_eq!(slopes(&[0.0, 1.0, 4.0]), [1.0, 2.0, 3.0]);
    // 16 steps down at a slope of -1, then flat: the interval slides until both its ends lie on the slope.
    let losses: Vec<f64> = (0..40).map(|step| f64::from(40 - step.min(25))).collect();
    let found = slide(&losses);
    assert!(found < 25 - SLIDE_WIDTH + 2, "{found}");
    assert_eq!(slide(&[1.0; 40]), 40 - 1 - SLIDE_WIDTH);
}

#[test]
fn settings_out_of_range_are_refused() {
    let (recipe, good) = (recipe(), LrFindOptions::default());
    let (data, model) = (plane(), Network::from_recipe(&recipe, 2, &cpu(true)).unwrap());
    let subject = Subject { model: &model, loss: &recipe.loss, recipe: &recipe, data: &data };
    for bad in [
        LrFindOptions { lowest: 0.0, ..good },
        LrFindOptions { lowest: 11.0, ..good },
        LrFindOptions { highest: f64::INFINITY, ..good },
        LrFindOptions { lowest: f64::NAN, ..good },
        LrFindOptions { steps: 1, ..good },
        LrFindOptions { smoothing: 0.0, ..good },
        LrFindOptions { diverged: 1.0, ..good },
    ] {
        assert!(lr_find(&subject, &bad).is_err(), "{bad:?}");
    }
}

#[test]
fn each_step_is_told() {
    let (recipe, data) = (recipe(), plane());
    let model = Network::from_recipe(&recipe, 2, &cpu(true)).unwrap();
    let subject = Subject { model: &model, loss: &recipe.loss, recipe: &recipe, data: &data };
    let options = LrFindOptions { lowest: 1e-3, highest: 1e-2, steps: 5, ..LrFindOptions::default() };
    let mut told = Vec::new();
    let mut tell = |progress: Progress<'_>| {
        told.push((progress.done, progress.of, progress.what.to_owned(), progress.loss));
    };
    let found = lr_find_with(&subject, &options, &mut tell).unwrap();
    assert_eq!(
        told.iter().map(|(done, of, ..)| (*done, *of)).collect::<Vec<_>>(),
        (1..=5).map(|done| (done, 5)).collect::<Vec<_>>()
    );
    assert_eq!(told.iter().map(|(.., loss)| loss.unwrap()).collect::<Vec<_>>(), found.losses);
    assert_eq!((told[0].2.as_str(), told[4].2.as_str()), ("rate 1.0e-3", "rate 1.0e-2"));
}
