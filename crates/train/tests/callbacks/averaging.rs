//! Averages of weights: moving ones, and those of the last epochs.
use crate::support::{bits, data, distance, recipe, trainer, weights};
use barograph_train::Outcome;
use barograph_train::callbacks::{EarlyStopping, LearningRateScheduler, Swa, SwapEmaWeights};
use barograph_train::data::Dataset;
use barograph_train::recipe::{LayerSpec, Monitor, Recipe, Watch};
use barograph_train::{Model as _, Network};
use barograph_vocab::Scalar;

/// What the training comes to after so many epochs.
fn after(recipe: &Recipe, data: &Dataset, epochs: u64) -> Outcome<Network> {
    trainer(&Recipe { epochs, ..recipe.clone() }, data).unobserved().fit(data).unwrap()
}

/// One step an epoch.
fn slow() -> Recipe {
    Recipe { batch: 48, ..recipe() }
}

#[test]
fn the_moving_average_is_that_of_the_formula_and_is_the_model_in_the_end() {
    let (recipe, data) = (slow(), data(64));
    let [one, two, three] = [1, 2, 3].map(|epochs| weights(&after(&recipe, &data, epochs)));
    let expected: Vec<f32> =
        one.iter().zip(&two).zip(&three).map(|((a, b), c)| 0.75 * (0.75 * a + 0.25 * b) + 0.25 * c).collect();
    for swap in [false, true] {
        let ema = SwapEmaWeights::new(0.75).swap_on_epoch(swap);
        let averaged = trainer(&recipe, &data).callback(ema).fit(&data).unwrap();
        assert!(distance(&weights(&averaged), &expected) < 1e-6);
    }
    let late = trainer(&recipe, &data).callback(SwapEmaWeights::new(0.75).start_from_epoch(2)).fit(&data).unwrap();
    assert_eq!(weights(&late), three);
}

#[test]
fn validation_sees_the_average_and_training_does_not() {
    let (recipe, data) = (recipe(), data(64));
    let plain = trainer(&recipe, &data).fit(&data).unwrap();
    let averaged = trainer(&recipe, &data).callback(SwapEmaWeights::new(0.99)).fit(&data).unwrap();
    for (plain, averaged) in plain.history.iter().zip(&averaged.history) {
        assert_eq!(plain.scalar(Scalar::Loss), averaged.scalar(Scalar::Loss));
        assert_ne!(plain.scalar(Scalar::ValidationLoss), averaged.scalar(Scalar::ValidationLoss));
    }
    // With a decay of 0 the average is the weights.
    let same = trainer(&recipe, &data).callback(SwapEmaWeights::new(0.0)).fit(&data).unwrap();
    assert_eq!(same.history, plain.history);
    assert!(bits(&same) == bits(&plain), "the weights differ");
}

#[test]
fn weights_that_are_not_finite_are_left_out_of_every_average() {
    let (recipe, data) = (Recipe { epochs: 8, ..recipe() }, data(64));
    // The rate of the last epoch makes weights infinite, and then NaN.
    let spoilt = || trainer(&recipe, &data).callback(LearningRateScheduler::table(vec![(0, 0.01), (7, 1e38)]));
    assert!(weights(&spoilt().fit(&data).unwrap()).iter().any(|weight| !weight.is_finite()));
    let moving = weights(&spoilt().callback(SwapEmaWeights::new(0.9)).fit(&data).unwrap());
    assert!(moving.iter().all(|weight| weight.is_finite()), "{moving:?}");
    let mean = weights(&spoilt().callback(Swa::default().start_from_epoch(Some(5))).fit(&data).unwrap());
    assert!(mean.iter().all(|weight| weight.is_finite()), "{mean:?}");
}

#[test]
fn a_training_that_never_averages_keeps_its_weights() {
    let (recipe, data) = (recipe(), data(64));
    let plain = trainer(&recipe, &data).fit(&data).unwrap();
    let never = trainer(&recipe, &data).callback(SwapEmaWeights::new(0.9).start_from_epoch(99)).fit(&data).unwrap();
    assert!(bits(&plain) == bits(&never), "the weights differ");
}

#[test]
fn stochastic_weight_averaging_gives_each_epoch_the_same_share() {
    let (recipe, data) = (Recipe { epochs: 8, ..recipe() }, data(64));
    let last: Vec<Vec<f32>> = (7..=8).map(|epochs| weights(&after(&recipe, &data, epochs))).collect();
    let expected: Vec<f32> = last[0].iter().zip(&last[1]).map(|(a, b)| f32::midpoint(*a, *b)).collect();
    let averaged = trainer(&recipe, &data).callback(Swa::default()).fit(&data).unwrap();
    assert!(distance(&weights(&averaged), &expected) < 1e-6);
    let other_rate = Swa::default().learning_rate(Some(0.1));
    let other = trainer(&recipe, &data).callback(other_rate).fit(&data).unwrap();
    assert!(distance(&weights(&other), &expected) > 1e-3);
}

#[test]
fn averaged_weights_get_the_statistics_of_their_own_batches() {
    // Batch norm comes first, so that its running mean must be that of the columns, however the weights were averaged.
    let mut layers = vec![LayerSpec::batch_norm()];
    layers.extend(recipe().layers);
    let mut recipe = Recipe { layers, epochs: 4, ..recipe() };
    recipe.data.validation = 0.0;
    let data = data(64);
    let averaged = trainer(&recipe, &data).callback(Swa::default()).fit(&data).unwrap();
    let columns = data.features();
    let mean = |column| data.inputs.iter().skip(column).step_by(columns).sum::<f32>() / 64.0;
    let (_, running) = averaged.model.buffers().into_iter().find(|(name, _)| name.ends_with("mean")).unwrap();
    assert!(distance(&running, &(0..columns).map(mean).collect::<Vec<_>>()) < 1e-5, "{running:?}");
    let plain = trainer(&recipe, &data).fit(&data).unwrap();
    let (_, blended) = plain.model.buffers().into_iter().find(|(name, _)| name.ends_with("mean")).unwrap();
    assert!(distance(&running, &blended) > 1e-3, "the moving average would have done");
}

#[test]
fn the_best_weights_come_back_even_where_every_epoch_is_done() {
    let (recipe, data) = (Recipe { epochs: 6, ..recipe() }, data(64));
    // The rate makes every epoch after the third a bad one.
    let scheduler = || LearningRateScheduler::table(vec![(0, 0.01), (3, 10.0)]);
    let watch = Watch { monitor: Monitor::Loss, ..Watch::default() };
    let run = |restore| {
        let stopping = EarlyStopping::new(watch.clone(), 100).restore_best(restore);
        trainer(&recipe, &data).callback(scheduler()).callback(stopping).fit(&data).unwrap()
    };
    let best = trainer(&Recipe { epochs: 3, ..recipe.clone() }, &data).callback(scheduler()).fit(&data).unwrap();
    assert!(bits(&run(true)) == bits(&best), "the weights are not those of the best epoch");
    assert!(bits(&run(false)) != bits(&best));
}
