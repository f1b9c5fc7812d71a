//! Models of burn's own layers are trained as well as ours: what its batch norm keeps is saved, restored and measured as ours is.
use barograph_burn::{cpu, from_slice, to_vec};
use barograph_train::callbacks::{
    Action, BackupAndRestore, EarlyStopping, Lambda, LearningRateScheduler, RollbackOnSpike, SkipNonFinite, StepReport,
    Swa, SwapEmaWeights,
};
use barograph_train::data::{Dataset, Targets};
use barograph_train::recipe::{DataSpec, LossKind, Monitor, OptimizerKind, OptimizerSpec, Recipe, Watch};
use barograph_train::{
    GradCheckOptions, LrFindOptions, Model, Outcome, OverfitOptions, Subject, Trainer, gradcheck, load_weights,
    lr_find, overfit, save_weights,
};
use barograph_vocab::RunEnd;
use burn::module::Module;
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
use burn::prelude::*;

const COLUMNS: usize = 3;
const ROWS: usize = 48;

/// Normalizes its inputs and maps them, which a linear function would do as well.
#[derive(Module, Debug)]
struct Normalized {
    norm: BatchNorm,
    output: Linear,
}

impl Model for Normalized {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.output.forward(self.norm.forward(x))
    }
}

fn model() -> Normalized {
    let device = cpu(true);
    let mut output = LinearConfig::new(COLUMNS, 1).init(&device);
    let weight = from_slice(vec![0.5, -0.25, 0.125], [COLUMNS, 1], &device);
    output.weight = burn::module::Param::from_tensor(weight.require_grad());
    output.bias = Some(burn::module::Param::from_tensor(from_slice(vec![0.0], [1], &device).require_grad()));
    Normalized { norm: BatchNormConfig::new(COLUMNS).init(&device), output }
}

fn data() -> Dataset {
    let inputs: Vec<f32> = (0..ROWS * COLUMNS).map(|i| (i * 29 % 83) as f32 / 20.0 + (i % COLUMNS) as f32).collect();
    let values = inputs.chunks(COLUMNS).map(|row| row[0] - 2.0 * row[2]).collect();
    Dataset::new(inputs, COLUMNS, Targets::Real { values, columns: 1 }).expect("a data set")
}

fn recipe(epochs: u64) -> Recipe {
    Recipe {
        epochs,
        batch: 8,
        loss: LossKind::Mse.into(),
        optimizer: OptimizerSpec::from(OptimizerKind::sgd()).with_learning_rate(0.05),
        data: DataSpec::default(),
        ..Recipe::default()
    }
}

fn trainer(epochs: u64) -> Trainer<Normalized> {
    Trainer::new(model(), LossKind::Mse).recipe(recipe(epochs))
}

/// Running mean, then running variance.
fn statistics(model: &Normalized) -> Vec<f32> {
    let norm = &model.norm;
    [to_vec(&norm.running_mean.value_sync()), to_vec(&norm.running_var.value_sync())].concat()
}

fn all_bits(model: &Normalized) -> Vec<u32> {
    let weights = [to_vec(&model.output.weight.val()), statistics(model)].concat();
    weights.into_iter().map(f32::to_bits).collect()
}

fn assert_near(ours: &[f32], theirs: &[f32]) {
    let far = ours.iter().zip(theirs).fold(0.0_f32, |far, (ours, theirs)| far.max((ours - theirs).abs()));
    assert!(ours.len() == theirs.len() && far < 1e-4, "{ours:?} and {theirs:?}");
}

#[test]
fn a_file_holds_what_the_last_batch_showed() {
    let outcome = trainer(2).unobserved().fit(&data()).expect("trained");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.safetensors");
    save_weights(&path, &outcome.model, 0, 0).expect("saved");
    let loaded = load_weights(&path, model()).expect("loaded");
    assert_eq!(all_bits(&loaded), all_bits(&outcome.model));
}

#[test]
fn averaged_weights_get_the_statistics_of_their_own_batches() {
    let outcome = trainer(4).callback(Swa::default()).fit(&data()).expect("trained");
    let (data, columns) = (data(), 0..COLUMNS);
    let column = |rows: &[f32], column: usize| rows.iter().skip(column).step_by(COLUMNS).copied().collect::<Vec<f32>>();
    let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
    let means = columns.clone().map(|number| mean(&column(&data.inputs, number)));
    // The mean over the batches of the variance that each one shows, without Bessel's correction, as burn keeps it.
    let variance = |values: &[f32]| {
        let centre = mean(values);
        values.iter().map(|value| (value - centre).powi(2)).sum::<f32>() / values.len() as f32
    };
    let variances = columns.map(|number| {
        mean(&data.inputs.chunks(8 * COLUMNS).map(|batch| variance(&column(batch, number))).collect::<Vec<_>>())
    });
    let expected: Vec<f32> = means.chain(variances).collect();
    assert_near(&statistics(&outcome.model), &expected);
    let plain = trainer(4).fit(&data).expect("trained");
    let far = statistics(&plain.model).iter().zip(&expected).any(|(plain, expected)| (plain - expected).abs() > 1e-2);
    assert!(far, "the moving average would have done");
}

#[test]
fn a_step_that_is_refused_leaves_no_trace_in_running_statistics() {
    let mut broken = data();
    broken.inputs[COLUMNS * 20] = f32::NAN;
    let run = |trainer: Trainer<Normalized>| trainer.callback(SkipNonFinite::new(9)).fit(&broken).expect("trained");
    let outcome = run(trainer(2));
    assert!(statistics(&outcome.model).iter().all(|value| value.is_finite()), "{:?}", statistics(&outcome.model));
    // The observed run repeats the step that broke, and that leaves no trace either.
    assert_eq!(all_bits(&outcome.model), all_bits(&run(trainer(2).unobserved()).model));
}

#[test]
fn the_best_model_comes_back_with_the_statistics_that_it_had() {
    // The rate makes every epoch after the second a bad one.
    let scheduler = || LearningRateScheduler::table(vec![(0, 0.05), (2, 2.0)]);
    let run = |epochs: u64, stops: bool| -> Outcome<Normalized> {
        let mut trainer = trainer(epochs).callback(scheduler()).unobserved();
        if stops {
            let watch = Watch { monitor: Monitor::Loss, ..Watch::default() };
            trainer = trainer.callback(EarlyStopping::new(watch, 100).restore_best(true));
        }
        trainer.fit(&data()).expect("trained")
    };
    assert_eq!(all_bits(&run(5, true).model), all_bits(&run(2, false).model));
    assert_ne!(all_bits(&run(5, false).model), all_bits(&run(2, false).model));
}

#[test]
fn looking_at_a_model_leaves_its_statistics_alone() {
    let (model, recipe, data) = (model(), recipe(1), data());
    let before = all_bits(&model);
    let subject = Subject { model: &model, loss: &recipe.loss, recipe: &recipe, data: &data };
    lr_find(&subject, &LrFindOptions::default()).expect("a test");
    overfit(&subject, &OverfitOptions::default()).expect("a test");
    assert_eq!(all_bits(&model), before);
    assert!(gradcheck(&subject, &GradCheckOptions::default()).expect("checked").is_ok());
    assert_eq!(all_bits(&model), before);
}

#[test]
fn a_training_in_pieces_is_the_whole_to_the_bit_running_statistics_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |folder: &std::path::Path, last: u64, resume: bool| {
        let stop = move |step: &StepReport<'_>| match step.step == last {
            true => Action::Stop { reason: "killed".to_owned(), restore_best: false, failed: true },
            false => Action::Continue,
        };
        let trainer = trainer(4)
            .callback(BackupAndRestore::every_steps(3))
            .callback(RollbackOnSpike::new(10.0, 2))
            .callback(SwapEmaWeights::new(0.9))
            .callback(Lambda::default().on_step(stop))
            .folder(folder);
        let trainer = if resume { trainer.resume() } else { trainer };
        let outcome = trainer.fit(&data()).expect("trained");
        outcome.close();
        outcome
    };
    let whole = run(folder.path(), 99, false);
    for last in [4, 5, 13] {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(run(folder.path(), last, false).end, RunEnd::Failed);
        let pieces = run(folder.path(), 99, true);
        assert_eq!((pieces.steps, all_bits(&pieces.model)), (whole.steps, all_bits(&whole.model)), "{last}");
    }
}
