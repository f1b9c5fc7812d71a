//! Training is the same to the last bit: observed or not, on one thread or two, now or later.
use barograph_burn::cpu;
use barograph_train::data::{Dataset, Targets};
use barograph_train::recipe::{
    Activation, DataSpec, LayerSpec, LossKind, OptimizerKind, OptimizerSpec, Recipe, ScheduleKind, ScheduleSpec,
};
use barograph_train::{Network, Outcome, Trainer, load_weights, save_weights};

fn data(rows: usize, features: usize) -> Dataset {
    let inputs = (0..rows * features).map(|i| ((i * 7919 + 13) % 1000) as f32 / 500.0 - 1.0).collect();
    let classes = (0..rows).map(|row| ((row * 31) % 10) as i64).collect();
    Dataset::new(inputs, features, Targets::Classes(classes)).unwrap()
}

/// Convolution, pooling, batch norm, dropout, layer norm and dense layers, with Adam and everything that can clip or penalize.
fn recipe() -> Recipe {
    let mut recipe = Recipe {
        layers: vec![
            LayerSpec::conv2d(8).with_activation(Activation::Relu),
            LayerSpec::max_pool2d(2),
            LayerSpec::batch_norm(),
            LayerSpec::dropout(0.2),
            LayerSpec::dense(64).with_activation(Activation::Tanh),
            LayerSpec::layer_norm(),
            LayerSpec::dense(10),
        ],
        loss: LossKind::CrossEntropy.into(),
        optimizer: OptimizerSpec::from(OptimizerKind::adam()).with_learning_rate(1e-3),
        batch: 32,
        epochs: 3,
        data: DataSpec { image: Some([1, 8, 8]), validation: 0.2, ..DataSpec::default() },
        ..Recipe::default()
    };
    recipe.penalty.l2 = 1e-4;
    recipe.clip.global_norm = Some(1.0);
    recipe
}

fn bits(outcome: &Outcome<Network>) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    save_weights(&path, &outcome.model, 0, 0).unwrap();
    std::fs::read(path).unwrap()
}

fn train(recipe: &Recipe, data: &Dataset, observed: bool, threads: usize) -> Outcome<Network> {
    let trainer = Trainer::from_recipe(recipe, data).unwrap();
    let trainer = if observed { trainer } else { trainer.unobserved() };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| trainer.fit(data)).unwrap()
}

#[test]
fn supervision_changes_no_bit() {
    let data = data(320, 64);
    let (with, without) = (train(&recipe(), &data, true, 2), train(&recipe(), &data, false, 2));
    assert_eq!(with.history, without.history);
    assert!(bits(&with) == bits(&without), "the weights differ");
}

#[test]
fn one_thread_and_two_give_the_same_weights() {
    let data = data(320, 64);
    assert!(bits(&train(&recipe(), &data, true, 1)) == bits(&train(&recipe(), &data, true, 2)), "the weights differ");
}

#[test]
fn another_seed_gives_other_weights() {
    let data = data(320, 64);
    let other = Recipe { seed: 1, ..recipe() };
    assert!(bits(&train(&recipe(), &data, true, 1)) != bits(&train(&other, &data, true, 1)), "the seed does nothing");
}

#[test]
fn one_cycle_moves_the_momentum_of_a_run() {
    let data = data(320, 64);
    let weights = |cycle_momentum, base_momentum, max_momentum| {
        let kind = ScheduleKind::OneCycle {
            steps: None,
            warmup_share: 0.3,
            initial_division: 25.0,
            final_division: 1e4,
            cycle_momentum,
            base_momentum,
            max_momentum,
        };
        let schedule = ScheduleSpec { kind, warmup_steps: 0 };
        bits(&train(&Recipe { schedule, ..recipe() }, &data, false, 1))
    };
    let unmoved = weights(false, 0.85, 0.95);
    assert!(unmoved == weights(true, 0.9, 0.9), "a momentum that stays at beta1 is that of the recipe");
    assert!(unmoved != weights(true, 0.85, 0.95), "the momentum does nothing");
}

#[test]
fn a_sum_of_more_than_four_million_elements_does_not_depend_on_threads() {
    let values: Vec<f32> = (0..(1_usize << 22) + 12_345).map(|i| ((i * 7919 % 1009) as f32 - 504.0) * 1e-3).collect();
    let sum = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let x = barograph_burn::from_slice(values.clone(), [values.len()], &cpu(false));
        pool.install(|| barograph_burn::ops::sum(x).into_scalar::<f32>().to_bits())
    };
    let one = sum(1);
    assert!((0..20).all(|_| sum(2) == one), "the sum depends on the threads");
}

#[test]
fn saved_weights_come_back_and_a_foreign_file_is_named() {
    let data = data(320, 64);
    let outcome = train(&recipe(), &data, false, 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    save_weights(&path, &outcome.model, 7, 9).unwrap();
    let fresh = || Network::from_recipe(&Recipe { seed: 5, ..recipe() }, 64, &cpu(true)).unwrap();
    let loaded = load_weights(&path, fresh()).unwrap();
    let again = folder.path().join("again.safetensors");
    save_weights(&again, &loaded, 7, 9).unwrap();
    assert!(std::fs::read(&path).unwrap() == std::fs::read(&again).unwrap(), "the weights differ");
    let mut other = recipe();
    other.layers.pop();
    other.layers.push(LayerSpec::dense(11));
    let other = Network::from_recipe(&other, 64, &cpu(true)).unwrap();
    let error = load_weights(&path, other).unwrap_err().to_string();
    assert!(error.contains("dense2.weight") && error.contains("weights.safetensors"), "{error}");
    std::fs::write(&path, b"no weights").unwrap();
    assert!(load_weights(&path, fresh()).unwrap_err().to_string().contains("not a whole safetensors file"));
}
