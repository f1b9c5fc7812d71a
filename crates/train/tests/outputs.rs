//! Several outputs with losses of their own, and losses on the inside of a model.
use barograph_burn::ops;
use barograph_monitor::{EvidenceMode, diagnose};
use barograph_train::callbacks::{CsvLogger, EarlyStopping};
use barograph_train::data::{Dataset, Targets};
use barograph_train::recipe::{
    Activation, CallbackSpec, LayerSpec, LossKind, MetricKind, Mode, OptimizerKind, OptimizerSpec, OutputSpec, Recipe,
    RegularizerKind, Watch,
};
use barograph_train::{Model, Network, Outcome, TargetTensor, TrainError, Trainer};
use barograph_vocab::{Exactness, Finding};
use burn::prelude::*;

const ROWS: usize = 120;

/// Two inputs, a class of three that one of them tells, and a price that both tell.
fn data() -> Dataset {
    let inputs: Vec<f32> = (0..2 * ROWS).map(|place| ((place * 7919 + 13) % 101) as f32 / 50.0 - 1.0).collect();
    let of = |row: &[f32]| {
        let species = if row[0] < -0.3 { 0.0 } else { f32::from(row[0] > 0.3) + 1.0 };
        [species, 2.0 * row[0] - row[1]]
    };
    let targets = inputs.chunks(2).flat_map(of).collect();
    let mut data = Dataset::new(inputs, 2, Targets::Real { values: targets, columns: 2 }).expect("a data set");
    data.target_names = vec!["species".to_owned(), "price".to_owned()];
    data
}

fn recipe() -> Recipe {
    let mut recipe = Recipe {
        layers: vec![LayerSpec::dense(16).with_activation(Activation::Relu).named("trunk")],
        outputs: vec![
            OutputSpec::new("kind", "species", LossKind::CrossEntropy, [LayerSpec::dense(3)]),
            OutputSpec::new("cost", "price", LossKind::Mse, [LayerSpec::dense(8), LayerSpec::dense(1)]),
        ],
        epochs: 40,
        batch: 20,
        ..Recipe::default()
    };
    recipe.optimizer.learning_rate = 0.05;
    recipe.data.validation = 0.2;
    recipe
}

fn trained(recipe: &Recipe) -> Outcome<Network> {
    let data = data();
    Trainer::from_recipe(recipe, &data).expect("a trainer").fit(&data).expect("trained")
}

fn findings(outcome: &Outcome<Network>) -> Vec<Finding> {
    outcome.diagnosis().expect("a diagnosis").findings
}

#[test]
fn every_output_learns_its_columns_and_is_measured() {
    let outcome = trained(&recipe());
    let last = outcome.history.last().expect("an epoch");
    let first = &outcome.history[0];
    for name in ["kind_loss", "cost_loss", "validation_kind_loss", "validation_cost_loss"] {
        let [first, last] = [first, last].map(|epoch| epoch.named(name).unwrap_or_else(|| panic!("no {name}")));
        assert!(last < 0.5 * first, "{name}: {first} to {last}");
    }
    assert!(last.named("kind_accuracy").is_some_and(|accuracy| accuracy > 0.9), "{last:?}");
    assert!(last.named("validation_cost_r2").is_some_and(|r2| r2 > 0.9), "{last:?}");
    let sum = last.named("kind_loss").unwrap_or(0.0) + last.named("cost_loss").unwrap_or(0.0);
    assert!(last.scalar(barograph_vocab::Scalar::Loss).is_some_and(|loss| (loss - sum).abs() < 1e-5));
    // The outputs lie side by side.
    assert_eq!((outcome.model.output_widths(), outcome.predict(&[0.1, 0.2], 2).len()), (vec![3, 1], 4));
    assert_eq!(outcome.model.site_of("heads.1.layers.0.weight"), "cost.dense1.weight");
    let said = findings(&outcome);
    assert!(said.iter().all(|finding| finding.severity < barograph_vocab::Severity::Warning), "{said:?}");
}

#[test]
fn a_weight_scales_the_part_of_its_output() {
    let mut alone = recipe();
    alone.outputs[0].weight = 0.0;
    let outcome = trained(&alone);
    let (first, last) = (&outcome.history[0], outcome.history.last().expect("an epoch"));
    // Nothing of it is learned but what the other output happens to bring.
    assert!(last.named("kind_loss").zip(first.named("kind_loss")).is_some_and(|(last, first)| last > 0.8 * first));
    let (loss, cost) = (last.scalar(barograph_vocab::Scalar::Loss), last.named("cost_loss"));
    assert!(loss.zip(cost).is_some_and(|(loss, cost)| (loss - cost).abs() < 1e-6));
}

#[test]
fn the_output_that_explodes_is_named_live_and_from_the_log() {
    let mut sick = recipe();
    sick.epochs = 10;
    // A regression whose loss is far too steep for this rate, beside one that is not; nothing is shared that would carry it over.
    sick.optimizer = OptimizerSpec::from(OptimizerKind::sgd()).with_learning_rate(0.05);
    sick.layers[0] = sick.layers[0].clone().frozen();
    sick.outputs[1].weight = 40.0;
    sick.outputs[1].layers = vec![LayerSpec::dense(1)];
    let folder = tempfile::tempdir().expect("a folder");
    let data = data();
    let trainer = Trainer::from_recipe(&sick, &data).expect("a trainer").folder(folder.path());
    let outcome = trainer.fit(&data).expect("trained");
    let said = findings(&outcome);
    let names: Vec<_> = said.iter().map(|finding| (finding.name.as_str(), finding.site.as_deref())).collect();
    assert!(names.contains(&("output-loss-exploding", Some("cost"))), "{names:?}");
    assert!(!names.contains(&("output-loss-exploding", Some("kind"))), "{names:?}");
    outcome.close();
    let from_log = diagnose(folder.path(), EvidenceMode::All, |_| ()).expect("a diagnosis");
    assert_eq!(from_log.findings, said);
    assert_eq!(from_log.causes.first().map(|cause| cause.slug.as_str()), Some("loss-weight-unbalanced"));
}

#[test]
fn an_incident_lies_in_the_loss_of_its_output_and_replays_exactly() {
    let mut sick = recipe();
    // A logarithm of what a linear layer puts out: NaN as soon as that is negative.
    sick.outputs[1].loss = LossKind::Poisson.into();
    sick.layers[0] = sick.layers[0].clone().with_regularizer(RegularizerKind::L2 { factor: 1e-3 });
    let diagnosis = trained(&sick).diagnosis().expect("a diagnosis");
    let incident = diagnosis.incident.expect("an incident");
    assert_eq!((incident.operation.as_str(), incident.site.as_str()), ("log", "loss.cost"), "{incident:?}");
    assert_eq!(incident.exactness, Exactness::Exact);
    let loss = diagnosis.findings.iter().find(|finding| finding.name == "loss-not-finite").expect("a finding");
    assert_eq!(loss.site.as_deref(), Some("cost"));
}

#[test]
fn outputs_change_no_bit_of_each_other_and_neither_does_observation() {
    let data = data();
    let fit = |observed: bool| {
        let trainer = Trainer::from_recipe(&recipe(), &data).expect("a trainer");
        let outcome = if observed { trainer.fit(&data) } else { trainer.unobserved().fit(&data) }.expect("trained");
        outcome.predict(&[0.5, -0.25, 0.1, 0.9], 2).iter().map(|value| value.to_bits()).collect::<Vec<_>>()
    };
    assert_eq!(fit(true), fit(false));
}

#[test]
fn an_output_may_start_from_any_layer() {
    let mut early = recipe();
    early.layers.push(LayerSpec::dense(4).with_activation(Activation::Tanh).named("late"));
    early.outputs[1] = early.outputs[1].clone().from_layer("trunk");
    let network = Network::from_recipe(&early, 2, &barograph_burn::cpu(true)).expect("a network");
    assert_eq!(network.output_widths(), [3, 1]);
    assert!(trained(&early).history.last().and_then(|epoch| epoch.named("cost_r2")).is_some_and(|r2| r2 > 0.9));
}

#[test]
fn what_does_not_fit_is_said_before_the_first_step() {
    let data = data();
    let refused = |recipe: &Recipe| {
        let outcome = Trainer::from_recipe(recipe, &data).and_then(|trainer| trainer.fit(&data));
        outcome.err().map_or_else(|| panic!("no error"), |error: TrainError| error.to_string())
    };
    let mut narrow = recipe();
    narrow.outputs[0].layers = vec![LayerSpec::dense(2)];
    assert!(refused(&narrow).contains("class 2, but the output kind has 2 units"), "{}", refused(&narrow));
    let mut other = recipe();
    other.outputs[0].target = vec!["specie".to_owned()];
    assert!(refused(&other).contains("did you mean \"species\"?"), "{}", refused(&other));
    let said = |change: &str| {
        let text = format!(
            "[[layers]]\nkind = \"dense\"\nunits = 4\nname = \"trunk\"\n[[layers]]\nkind = \"flatten\"\n[[outputs]]\nname = \"a\"\n\
             target = \"x\"\nloss = {{ kind = \"mse\" }}\n{change}\n"
        );
        Recipe::parse(&text, "r.toml").err().map_or_else(String::new, |error| error.to_string())
    };
    assert_eq!(said(""), "");
    for (change, says) in [
        ("from = \"trnk\"", "did you mean \"trunk\"?"),
        ("from = \"trunk\"", "no output starts from flatten1"),
        ("[[outputs]]\nname = \"a\"\ntarget = \"y\"\nloss = { kind = \"mse\" }", "two outputs are named \"a\""),
        ("[[outputs]]\nname = \"trunk\"\ntarget = \"y\"\nloss = { kind = \"mse\" }", "the name of a layer too"),
        ("[[outputs]]\nname = \"b\"\nloss = { kind = \"mse\" }", "has no target"),
        ("[[outputs]]\nname = \"b\"\ntarget = \"y\"", "add [loss]"),
        ("[data]\nnormalize_target = \"standard\"", "is for a single output"),
    ] {
        assert!(said(change).contains(says), "{change}: {}", said(change));
    }
}

#[test]
fn a_loss_on_the_inside_is_added_and_logged() {
    let data = data();
    let mut one = recipe();
    one.outputs.truncate(1);
    let sparse = |hidden: &[Tensor<2>], _: &TargetTensor| ops::mean(ops::abs(hidden[0].clone()));
    let with = |weight: f64| {
        let trainer = Trainer::from_recipe(&one, &data).expect("a trainer");
        let outcome = trainer.auxiliary_loss("sparsity", weight, ["trunk"], sparse).fit(&data).expect("trained");
        outcome.history.last().and_then(|epoch| epoch.named("sparsity_loss")).expect("a loss")
    };
    let (free, held) = (with(0.0), with(1.0));
    assert!(held < 0.3 * free, "{free} {held}");
    let wrong = Trainer::from_recipe(&one, &data).expect("a trainer").auxiliary_loss("a", 1.0, ["trnk"], sparse);
    let error = wrong.fit(&data).err().expect("an error").to_string();
    assert!(error.contains("did you mean \"trunk\"?"), "{error}");
}

#[test]
fn a_regularizer_of_activations_is_that_of_keras() {
    let data = data();
    let mut one = recipe();
    one.outputs.truncate(1);
    (one.epochs, one.batch, one.data.validation) = (1, ROWS as u64, 0.0);
    let loss = |recipe: &Recipe| {
        let outcome = Trainer::from_recipe(recipe, &data).expect("a trainer").fit(&data).expect("trained");
        outcome.last(barograph_vocab::Scalar::Loss).expect("a loss")
    };
    let mut held = one.clone();
    held.layers[0] = held.layers[0].clone().with_activity_regularizer(RegularizerKind::L2 { factor: 0.1 });
    let hidden = Trainer::from_recipe(&one, &data).expect("a trainer").auxiliary_loss(
        "squares",
        1.0,
        ["trunk"],
        |hidden: &[Tensor<2>], _: &TargetTensor| {
            ops::mul_scalar(ops::sum(ops::square(hidden[0].clone())), 0.1 / ROWS as f64)
        },
    );
    let by_hand = hidden.fit(&data).expect("trained").last(barograph_vocab::Scalar::Loss).expect("a loss");
    assert!(loss(&held) > loss(&one) && (loss(&held) - by_hand).abs() < 1e-6, "{} {by_hand}", loss(&held));
}

#[test]
fn measures_of_single_outputs_have_their_names_and_can_be_watched() {
    let mut recipe = recipe();
    recipe.outputs[0].metrics = vec![MetricKind::F1, MetricKind::Auc];
    recipe.outputs[1].metrics = vec![MetricKind::Mae];
    recipe.epochs = 12;
    let (folder, data) = (tempfile::tempdir().expect("a folder"), data());
    let checkpoint = CallbackSpec::ModelCheckpoint {
        watch: Watch::named("validation_cost_mae"),
        every: 1,
        unit: barograph_train::recipe::Unit::Epoch,
        best_only: true,
        threshold: None,
        keep_last: 100,
        file: Some("{epoch:02}-{validation_cost_mae:.4f}".to_owned()),
    };
    recipe.callbacks = vec![checkpoint];
    let trainer = Trainer::from_recipe(&recipe, &data).expect("a trainer").folder(folder.path());
    let outcome = trainer.callback(CsvLogger::new(folder.path().join("epochs.csv"))).fit(&data).expect("trained");
    let last = outcome.history.last().expect("an epoch");
    for name in ["kind_f1", "kind_auc", "validation_kind_f1", "validation_kind_auc"] {
        assert!(last.named(name).is_some_and(|value| (0.8..=1.0).contains(&value)), "{name}: {last:?}");
    }
    let csv = std::fs::read_to_string(folder.path().join("epochs.csv")).expect("a file");
    assert!(csv.starts_with(
        "epoch,steps,loss,validation_loss,kind_loss,cost_loss,kind_accuracy,cost_r2,kind_f1,kind_auc,cost_mae,validation_kind_loss,"
    ));
    // A checkpoint of each epoch in which the error was the lowest so far, and no other.
    let errors: Vec<f64> = outcome.history.iter().filter_map(|epoch| epoch.named("validation_cost_mae")).collect();
    let best = |at: &usize| errors[..*at].iter().all(|earlier| errors[*at] < *earlier);
    let expected: Vec<String> =
        (0..errors.len()).filter(best).map(|at| format!("{:02}-{:.4}.safetensors", at + 1, errors[at])).collect();
    let files = std::fs::read_dir(folder.path().join("checkpoints")).expect("checkpoints");
    let mut found: Vec<String> =
        files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned()).collect();
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn a_number_that_no_epoch_has_is_said() {
    let (recipe, data) = (Recipe { epochs: 3, ..recipe() }, data());
    let watched = |callback: EarlyStopping| {
        Trainer::from_recipe(&recipe, &data)
            .expect("a trainer")
            .callback(callback)
            .fit(&data)
            .expect("trained")
            .warnings
    };
    let watch = |name: &str| Watch::named(name).with_mode(Mode::Max);
    let warnings = watched(EarlyStopping::new(watch("validation_kind_f1"), 9));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("early_stopping watches \"validation_kind_f1\""), "{warnings:?}");
    assert!(warnings[0].contains("it has loss, validation_loss, kind_loss"), "{warnings:?}");
    assert!(watched(EarlyStopping::new(watch("validation_kind_accuracy"), 9)).is_empty());
}

#[test]
fn the_training_stops_where_one_output_gets_no_better() {
    let data = data();
    // A loss that is to rise, and falls.
    let stopping = EarlyStopping::new(Watch::named("kind_loss").with_mode(Mode::Max), 3);
    let trainer = Trainer::from_recipe(&recipe(), &data).expect("a trainer");
    let outcome = trainer.callback(stopping).fit(&data).expect("trained");
    assert_eq!((outcome.history.len(), outcome.end), (4, barograph_vocab::RunEnd::Stopped));
}
