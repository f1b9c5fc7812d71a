//! Weights of rows count as the `sample_weight` of Keras does, in losses and in trainings.
use barograph_burn::{cpu, from_slice, to_vec};
use barograph_train::callbacks::{GradientAccumulation, TerminateOnNan};
use barograph_train::data::{self, Dataset, Targets};
use barograph_train::recipe::{
    Initializer, LayerSpec, LossKind, LossSpec, MetricKind, OptimizerKind, OptimizerSpec, OutputSpec, Recipe, Reduction,
};
use barograph_train::{Loss, Network, Outcome, TargetTensor, Trainer, save_weights};
use barograph_vocab::{Exactness, Phase, Scalar};
use burn::prelude::*;
use serde::Deserialize;
use std::fmt::Write as _;

/// Written by `tests/keras_reference/sample_weight.py`.
#[derive(Deserialize)]
struct Reference {
    losses: Vec<Case>,
    training: Training,
    two_outputs: TwoOutputs,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    outputs: Vec<Vec<f32>>,
    targets: Vec<Vec<f32>>,
    weights: Vec<f32>,
    value: f64,
    gradient: Vec<f64>,
}

#[derive(Deserialize)]
struct Training {
    rows: usize,
    x: Vec<[f32; 2]>,
    y: Vec<f32>,
    w: Vec<f32>,
    loss: Vec<f64>,
    validation_loss: Vec<f64>,
    mae: Vec<f64>,
    kernel: Vec<f64>,
    bias: Vec<f64>,
}

/// `[inputs, units]`.
type Kernel = Vec<Vec<f64>>;

#[derive(Deserialize)]
struct TwoOutputs {
    x: Vec<[f32; 2]>,
    y: Vec<f32>,
    z: Vec<f32>,
    w: Vec<f32>,
    loss: Vec<f64>,
    /// Kernel and bias of each output.
    weights: (Kernel, Vec<f64>, Kernel, Vec<f64>),
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("keras_reference/sample_weight.json")).expect("the file that the script wrote")
}

fn assert_near(name: &str, ours: &[f64], theirs: &[f64], tolerance: f64) {
    assert_eq!(ours.len(), theirs.len(), "{name}");
    let near = ours.iter().zip(theirs).all(|(ours, theirs)| (ours - theirs).abs() <= tolerance * theirs.abs().max(1.0));
    assert!(near, "{name}: {ours:?}, but Keras has {theirs:?}");
}

fn doubles(values: &[f32]) -> Vec<f64> {
    values.iter().map(|value| f64::from(*value)).collect()
}

#[test]
fn losses_weigh_examples_as_those_of_keras() {
    let rows = |values: &[Vec<f32>]| from_slice(values.concat(), [values.len(), values[0].len()], &cpu(true));
    for case in reference().losses {
        let mut spec: LossSpec = match case.name.as_str() {
            "mse" | "mse_sum" | "nothing" => LossKind::Mse.into(),
            "huber" => LossKind::Huber { delta: 0.5 }.into(),
            "flags" => LossKind::BinaryCrossEntropyLogits.into(),
            "classes" | "steps" | "known_steps" => LossKind::CrossEntropy.into(),
            name => panic!("{name} is not known here"),
        };
        if case.name.ends_with("sum") {
            spec.reduction = Reduction::Sum;
        }
        let targets = match case.name.as_str() {
            "classes" => TargetTensor::Classes(case.targets.iter().map(|row| row[0] as i64).collect()),
            _ => TargetTensor::Real(rows(&case.targets)),
        };
        let outputs = rows(&case.outputs).require_grad();
        let weights = from_slice(case.weights.clone(), [case.weights.len(), 1], &cpu(true));
        let parts = spec.weighted_parts(outputs.clone(), &targets, &weights);
        let [part] = &parts[..] else { panic!("{}: one term", case.name) };
        let value: f32 = part.value.clone().into_scalar();
        assert_near(&case.name, &[f64::from(value)], &[case.value], 1e-6);
        let gradient: Vec<f32> = to_vec(&outputs.grad(&part.value.backward()).expect("a gradient"));
        assert_near(&case.name, &doubles(&gradient), &case.gradient, 1e-6);
    }
}

#[test]
fn class_weights_divide_and_weights_of_examples_do_not() {
    let outputs = || from_slice(vec![0.3, -0.2, 1.0, 0.1, -0.7, 0.4], [3, 2], &cpu(false));
    let targets = TargetTensor::Classes(vec![0, 1, 1]);
    let term = |row: usize| {
        let one = TargetTensor::Classes(vec![[0, 1, 1][row]]);
        let loss: f32 = LossKind::CrossEntropy.loss(outputs().narrow(0, row, 1), &one).into_scalar();
        f64::from(loss)
    };
    let spec = LossSpec { class_weights: vec![3.0, 0.5], ..LossKind::CrossEntropy.into() };
    let weights = from_slice(vec![2.0, 0.0, 0.5], [3, 1], &cpu(false));
    let value: f32 = spec.weighted_parts(outputs(), &targets, &weights)[0].value.clone().into_scalar();
    let expected = (3.0 * 2.0 * term(0) + 0.5 * 0.5 * term(2)) / (3.0 + 0.5 + 0.5);
    assert_near("class weights", &[f64::from(value)], &[expected], 1e-6);
}

/// A dense layer that begins at 0, on rows in their own order, 4 a step.
fn recipe(text: &str) -> Recipe {
    let text = format!(
        "epochs = 3\nbatch = 4\nmetrics = [\"mae\"]\n[data]\ntarget = \"y\"\nshuffle = false\n{text}\n[[layers]]\nkind = \"dense\"\nunits = 1\n\
         initializer = \"zeros\"\n[loss]\nkind = \"mse\"\n[optimizer]\nkind = \"sgd\"\nlearning_rate = 0.1\n"
    );
    Recipe::parse(&text, "recipe.toml").expect("a recipe")
}

fn bits(outcome: &Outcome<Network>) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("weights.safetensors");
    save_weights(&path, &outcome.model, 0, 0).expect("saved");
    std::fs::read(path).expect("read")
}

fn trained(recipe: &Recipe, data: &dyn data::RowSource) -> Outcome<Network> {
    Trainer::from_recipe(recipe, data).expect("a trainer").fit(data).expect("trained")
}

/// What a linear network puts out where no input is, and how far each of its two inputs takes it.
fn linear(outcome: &Outcome<Network>) -> (Vec<f64>, [Vec<f64>; 2]) {
    let at = |x: [f32; 2]| doubles(&outcome.predict(&x, 2));
    let bias = at([0.0, 0.0]);
    let slope = |there: Vec<f64>| there.iter().zip(&bias).map(|(there, here)| there - here).collect();
    let kernel = [slope(at([1.0, 0.0])), slope(at([0.0, 1.0]))];
    (bias, kernel)
}

#[test]
fn a_column_of_a_file_trains_as_keras_does_wherever_the_rows_lie() {
    let Training { rows, x, y, w, loss, validation_loss, mae, kernel, bias } = reference().training;
    let folder = tempfile::tempdir().expect("a folder");
    let csv = |rows: std::ops::Range<usize>| {
        rows.fold("a,importance,b,y\n".to_owned(), |mut text, row| {
            writeln!(text, "{},{},{},{}", x[row][0], w[row], x[row][1], y[row]).expect("written");
            text
        })
    };
    std::fs::write(folder.path().join("train.csv"), csv(0..rows)).expect("written");
    std::fs::write(folder.path().join("test.csv"), csv(rows..x.len())).expect("written");
    let run = |more: &str| {
        let path = |name: &str| folder.path().join(name).display().to_string();
        let recipe = recipe(&format!(
            "weight = \"importance\"\nfile = {:?}\nvalidation_file = {:?}\n{more}",
            path("train.csv"),
            path("test.csv")
        ));
        trained(&recipe, &data::load(&recipe).expect("read").dataset)
    };
    let outcome = run("");
    let course = |of: &dyn Fn(&barograph_vocab::EpochRecord) -> Option<f64>| {
        outcome.history.iter().map(|epoch| of(epoch).expect("there")).collect::<Vec<f64>>()
    };
    assert_near("loss", &course(&|epoch| epoch.scalar(Scalar::Loss)), &loss, 1e-6);
    assert_near("validation loss", &course(&|epoch| epoch.scalar(Scalar::ValidationLoss)), &validation_loss, 1e-6);
    // Metrics count every row alike.
    assert_near("mae", &course(&|epoch| epoch.named("mae")), &mae, 1e-6);
    let (found_bias, found_kernel) = linear(&outcome);
    assert_near("kernel", &found_kernel.concat(), &kernel, 1e-6);
    assert_near("bias", &found_bias, &bias, 1e-6);
    for more in ["stream = true", "prefetch = 3", "stream = true\nprefetch = 1"] {
        let other = run(more);
        assert!(bits(&outcome) == bits(&other) && outcome.history == other.history, "{more}: another training");
    }
}

#[test]
fn all_of_several_outputs_are_weighed_as_keras_does() {
    let TwoOutputs { x, y, z, w, loss, weights } = reference().two_outputs;
    let values = y.iter().zip(&z).flat_map(|(y, z)| [*y, *z]).collect();
    let data = Dataset::new(x.concat(), 2, Targets::Real { values, columns: 2 }).expect("a data set");
    let mut data = data.with_weights(w).expect("one a row");
    data.target_names = vec!["y".to_owned(), "z".to_owned()];
    let head = |name: &str, target: &str, kind, units| {
        OutputSpec::new(name, target, kind, [LayerSpec::dense(units).with_initializer(Initializer::Zeros)])
    };
    let kind = OutputSpec { weight: 0.25, ..head("kind", "z", LossKind::CrossEntropy, 3) };
    let mut recipe = Recipe {
        layers: vec![LayerSpec::flatten()],
        outputs: vec![head("cost", "y", LossKind::Mse, 1), kind],
        optimizer: OptimizerSpec::from(OptimizerKind::sgd()).with_learning_rate(0.1),
        batch: 6,
        epochs: 2,
        ..Recipe::default()
    };
    recipe.data.shuffle = false;
    let outcome = trained(&recipe, &data);
    let losses: Vec<f64> = outcome.history.iter().filter_map(|epoch| epoch.scalar(Scalar::Loss)).collect();
    assert_near("loss", &losses, &loss, 1e-6);
    let (bias, kernel) = linear(&outcome);
    let (first, first_bias, second, second_bias) = weights;
    assert_near("bias", &bias, &[first_bias, second_bias].concat(), 1e-6);
    for input in 0..2 {
        assert_near("kernel", &kernel[input], &[first[input].clone(), second[input].clone()].concat(), 1e-6);
    }
}

/// Rows of which every third counts nothing.
fn weighed(rows: usize) -> Dataset {
    let inputs: Vec<f32> = (0..rows * 4).map(|i| ((i * 37 % 101) as f32 / 50.0 - 1.0).sin()).collect();
    let values = inputs.chunks(4).map(|row| row[0] * row[1] + row[3]).collect();
    let data = Dataset::new(inputs, 4, Targets::Real { values, columns: 1 }).expect("a data set");
    data.with_weights((0..rows).map(|row| (row % 3) as f32).collect()).expect("one a row")
}

fn network() -> Recipe {
    let layers = vec![LayerSpec::dense(8), LayerSpec::dropout(0.2), LayerSpec::dense(1)];
    Recipe { layers, loss: LossKind::Mse.into(), batch: 8, epochs: 3, ..Recipe::default() }
}

#[test]
fn weights_of_1_change_nothing_and_rows_of_weight_0_teach_nothing() {
    let mut plain = weighed(40);
    plain.weights = None;
    let ones = plain.clone().with_weights(vec![1.0; 40]).expect("one a row");
    assert!(bits(&trained(&network(), &plain)) == bits(&trained(&network(), &ones)), "the weights differ");
    // A step of which nothing counts has a loss of 0, and no NaN comes of it.
    let nothing = plain.with_weights(vec![0.0; 40]).expect("one a row");
    let outcome = trained(&network(), &nothing);
    assert_eq!(outcome.last(Scalar::Loss), Some(0.0));
    let finite = outcome.predict(&[0.1, 0.2, 0.3, 0.4], 4).iter().all(|value| value.is_finite());
    assert!(finite, "there is a NaN");
    // Whatever the target of a row that counts nothing is, the training is the same.
    let with = |target: f32| {
        let mut data = weighed(40);
        let Targets::Real { values, .. } = &mut data.targets else { unreachable!("real targets") };
        values[9] = target;
        bits(&trained(&network(), &data))
    };
    assert!(with(0.0) == with(5.0), "a row of weight 0 was learned from");
}

#[test]
fn batches_of_a_step_equal_one_large_batch_to_rounding() {
    let mut recipe = network();
    recipe.layers.remove(1);
    recipe.batch = 32;
    let one = trained(&recipe, &weighed(75));
    recipe.batch = 8;
    let data = weighed(75);
    let trainer = Trainer::from_recipe(&recipe, &data).expect("a trainer");
    let several = trainer.callback(GradientAccumulation::new(4)).fit(&data).expect("trained");
    assert_eq!(one.steps, several.steps);
    let of = |outcome: &Outcome<Network>| doubles(&outcome.predict(&[0.1, 0.2, 0.3, 0.4], 4));
    assert_near("outputs", &of(&several), &of(&one), 2e-6);
}

#[test]
fn training_is_the_same_on_one_thread_and_two_observed_or_not() {
    let data = weighed(75);
    let run = |threads, observed| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let trainer = Trainer::from_recipe(&network(), &data).expect("a trainer");
        let trainer = if observed { trainer } else { trainer.unobserved() };
        bits(&pool.install(|| trainer.fit(&data)).expect("trained"))
    };
    let first = run(1, true);
    assert!(first == run(2, true) && first == run(2, false), "the weights differ");
}

#[test]
fn a_step_that_breaks_is_replayed_exactly() {
    let mut data = weighed(160);
    data.inputs[4 * 91 + 2] = f32::NAN;
    let recipe = network();
    let trainer = Trainer::from_recipe(&recipe, &data).expect("a trainer");
    let outcome = trainer.callback(TerminateOnNan).fit(&data).expect("trained");
    let incident = outcome.diagnosis().expect("a diagnosis").incident.expect("the run breaks");
    assert_eq!((incident.phase, incident.rows, incident.exactness), (Phase::Data, vec![91], Exactness::Exact));
    // An overflow of which the forward pass is to be traced, with the weights in it.
    let recipe = Recipe {
        layers: vec![LayerSpec::dense(8), LayerSpec::dense(1)],
        optimizer: OptimizerSpec::from(OptimizerKind::sgd()).with_learning_rate(1e8),
        epochs: 40,
        ..network()
    };
    let data = weighed(160);
    let trainer = Trainer::from_recipe(&recipe, &data).expect("a trainer");
    let outcome = trainer.callback(TerminateOnNan).fit(&data).expect("trained");
    let incident = outcome.diagnosis().expect("a diagnosis").incident.expect("the run breaks");
    assert_eq!(incident.exactness, Exactness::Exact, "{incident:?}");
    assert!(incident.inputs.iter().all(|input| input.reading.non_finite() == 0), "{incident:?}");
}

#[test]
fn evaluation_weighs_as_validation_does() {
    let mut recipe = network();
    recipe.metrics = vec![MetricKind::Mae];
    let data = weighed(40);
    let outcome = trained(&recipe, &data);
    let mut plain = data.clone();
    plain.weights = None;
    let [weighted, alike] = [&data, &plain].map(|data| outcome.evaluate(data).expect("measured"));
    assert!((weighted.loss - alike.loss).abs() > 1e-4, "{} {}", weighted.loss, alike.loss);
    assert_eq!((weighted.score, weighted.named), (alike.score, alike.named), "scores and metrics count rows alike");
}

#[test]
fn a_loss_that_cannot_weigh_and_weights_that_are_none_are_refused() {
    let loss = |outputs: Tensor<2>, _: &TargetTensor| outputs.mean();
    let model = Network::from_recipe(&network(), 4, &cpu(true)).expect("a network");
    let said = Trainer::new(model, loss).fit(&weighed(8)).err().expect("refused").to_string();
    assert!(said.contains("this loss cannot count by") && said.contains("Loss::weighted_parts"), "{said}");
    let mut data = weighed(8);
    data.weights = Some(vec![1.0, 1.0, -3.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
    let said =
        Trainer::from_recipe(&network(), &data).expect("a trainer").fit(&data).err().expect("refused").to_string();
    assert!(said.contains("row 2 of the data set: the weight is -3"), "{said}");
}
