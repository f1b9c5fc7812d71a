//! Callbacks that write and tell: what they leave behind, and that the training is the same with and without them.
use crate::support::{bits, data, recipe, trainer};
use barograph_train::callbacks::{
    Action, Callback, History, JsonlLogger, Lambda, PredictionSamples, RemoteMonitor, SampleRequest, Samples,
    StepReport, TensorBoard, Timer, load_samples,
};
use barograph_train::recipe::Recipe;
use barograph_vocab::{Role, RunEnd, Scalar};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The callbacks as a recipe asks for them.
const TOLD: &str = r#"
[[callbacks]]
kind = "jsonl_logger"
every = 2

[[callbacks]]
kind = "csv_logger"
separator = ";"

[[callbacks]]
kind = "tensor_board"
every = 1
histograms_every = 4

[[callbacks]]
kind = "prediction_samples"
count = 3

[[callbacks]]
kind = "timer"
stop_after = "10 h"

[[callbacks]]
kind = "remote_monitor"
root = "http://127.0.0.1:9"
"#;

fn parsed(callbacks: &str) -> Result<Recipe, String> {
    let text = format!("{}\n{callbacks}", recipe().to_toml());
    Recipe::parse(&text, "recipe.toml").map_err(|error| error.to_string())
}

fn lines(path: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_recipe_has_them_all_and_the_weights_are_the_same_to_the_bit() {
    let data = data(64);
    let told = parsed(TOLD).unwrap();
    assert_eq!(Recipe::parse(&told.to_toml(), "again.toml").unwrap().callbacks, told.callbacks);
    let folder = tempfile::tempdir().unwrap();
    let outcome = trainer(&told, &data).folder(folder.path()).fit(&data).unwrap();
    assert!(bits(&outcome) == bits(&trainer(&recipe(), &data).unobserved().fit(&data).unwrap()), "the weights differ");
    // Nobody listens at that port.
    assert_eq!(outcome.warnings.len(), 1, "{:?}", outcome.warnings);
    assert!(outcome.warnings[0].contains("3 of 3 messages were not delivered"));

    let log = lines(&folder.path().join("log.jsonl"));
    let of = |kind: &str| log.iter().filter(|line| line["kind"] == kind).collect::<Vec<_>>();
    assert_eq!((of("step").len(), of("epoch").len(), of("end").len()), (9, 3, 1));
    assert!(of("step").iter().all(|line| line["gradient_norm"].is_f64() && line["rows"] == 8));
    assert!(of("epoch").iter().all(|line| line["validation_loss"].is_f64()));
    let table = std::fs::read_to_string(folder.path().join("epochs.csv")).unwrap();
    assert!(table.starts_with("epoch;steps;loss;r2;validation_loss;validation_r2\n0;6;"), "{table}");
    for run in ["train", "validation"] {
        let files = std::fs::read_dir(folder.path().join("tensorboard").join(run)).unwrap().count();
        assert_eq!(files, 1, "{run}");
    }
    let samples = load_samples(folder.path()).unwrap();
    assert_eq!(samples.len(), 3);
    assert!(samples.iter().all(|sample| sample.held_out && sample.answers.len() == 3 && sample.target.is_some()));
    let predicted = outcome.predict(&data.inputs[samples[0].row as usize * 4..][..4], 4);
    assert_eq!(samples[0].answers[2].value, Some(f64::from(predicted[0])));
}

#[test]
fn the_timer_says_in_the_log_how_long_epochs_took() {
    let (recipe, data) = (recipe(), data(64));
    let folder = tempfile::tempdir().unwrap();
    trainer(&recipe, &data).callback(Timer::default()).folder(folder.path()).fit(&data).unwrap().close();
    let notes = crate::support::notes(folder.path());
    assert!(notes.iter().any(|note| note.starts_with("3 epochs took ")), "{notes:?}");
    let stopped = trainer(&recipe, &data).callback(Timer::default().stop_after(Duration::ZERO)).fit(&data).unwrap();
    assert_eq!((stopped.steps, stopped.end), (1, RunEnd::Stopped));
}

#[test]
fn keys_that_are_wrong_are_named_with_what_is_right() {
    let wrong = |callback: &str| parsed(&format!("[[callbacks]]\n{callback}")).unwrap_err();
    let error = wrong("kind = \"tensor_board\"\nhistogram_every = 3");
    assert!(error.contains("histograms_every"), "{error}");
    let error = wrong("kind = \"tensorboard\"");
    assert!(error.contains("tensor_board"), "{error}");
    let error = wrong("kind = \"timer\"\nstop_after = \"soon\"");
    assert!(error.contains("\"soon\" is no duration") && error.contains("recipe.toml:"), "{error}");
    let error = wrong("kind = \"timer\"\nstop_at = \"25:00\"");
    assert!(error.contains("\"25:00\" is no time"), "{error}");
    let error = wrong("kind = \"remote_monitor\"\nroot = \"https://example.org\"\nheaders = [\"nonsense\"]");
    assert!(error.contains("TLS") && error.contains("\"nonsense\" is no header"), "{error}");
    let error = wrong("kind = \"csv_logger\"\nseparator = \"::\"");
    assert!(error.contains("one character"), "{error}");
    let error = wrong("kind = \"prediction_samples\"\ncount = 65");
    assert!(error.contains("from 1 to 64"), "{error}");
}

#[test]
fn files_that_cannot_be_written_stop_nothing_and_are_said_once() {
    let (recipe, data) = (recipe(), data(64));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("samples"), "in the way").unwrap();
    let outcome = trainer(&recipe, &data)
        .callback(JsonlLogger::new("/dev/null/log.jsonl"))
        .callback(TensorBoard::new("/dev/null/tensorboard"))
        .callback(PredictionSamples::drawn(2))
        .folder(folder.path())
        .fit(&data)
        .unwrap();
    assert_eq!((outcome.end, outcome.warnings.len()), (RunEnd::Completed, 3), "{:?}", outcome.warnings);
    let said = |what: &str| outcome.warnings.iter().any(|warning| warning.contains(what));
    assert!(said("log.jsonl") && said("TensorBoard") && said("without its samples"));
}

#[test]
fn values_are_counted_at_the_steps_that_a_callback_wants_and_at_no_other() {
    /// The steps with histograms, and of what.
    type Counted = Vec<(u64, Vec<Role>)>;
    struct Look(Arc<Mutex<Counted>>);
    impl Callback for Look {
        fn wants_histograms(&self, step: u64) -> bool {
            step % 4 == 1
        }

        fn step_end(&mut self, step: &StepReport<'_>) -> Action {
            let Some(readings) = step.readings else { return Action::Continue };
            let role = |(place, values): &(usize, barograph_stats::SignedHistogram)| {
                let entry = &readings.record.readings[*place];
                let counted: u64 = values.buckets().map(|bucket| bucket.count).sum();
                assert_eq!(counted, entry.reading.finite(), "{:?}", entry.role);
                entry.role
            };
            let roles: Vec<Role> = readings.histograms.iter().map(role).collect();
            if !roles.is_empty() {
                self.0.lock().unwrap().push((step.step, roles));
            }
            Action::Continue
        }
    }
    let (recipe, data) = (Recipe { epochs: 1, ..recipe() }, data(64));
    let seen = Arc::default();
    trainer(&recipe, &data).callback(Look(Arc::clone(&seen))).fit(&data).unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.iter().map(|(step, _)| *step).collect::<Vec<_>>(), [1, 5]);
    for role in [Role::Weight, Role::Gradient, Role::Activation] {
        assert!(seen.iter().all(|(_, roles)| roles.contains(&role)), "{role:?}");
    }
}

/// What a callback saw of its samples: epoch, rows and inputs.
type Seen = Vec<(u64, Vec<u64>, Vec<f32>)>;

struct Ask(SampleRequest, Arc<Mutex<Seen>>);

impl Callback for Ask {
    fn wants_samples(&self) -> Option<SampleRequest> {
        Some(self.0.clone())
    }

    fn samples(&mut self, samples: &Samples<'_>) -> Action {
        self.1.lock().unwrap().push((samples.epoch, samples.rows.to_vec(), samples.inputs.to_vec()));
        Action::Continue
    }
}

fn asked(recipe: &Recipe, request: SampleRequest) -> (Seen, Vec<String>) {
    let (data, seen) = (data(64), Arc::<Mutex<Seen>>::default());
    let outcome = trainer(recipe, &data).callback(Ask(request, Arc::clone(&seen))).fit(&data).unwrap();
    let seen = seen.lock().unwrap().clone();
    (seen, outcome.warnings)
}

#[test]
fn the_same_rows_are_answered_after_every_epoch() {
    let (seen, warnings) = asked(&recipe(), SampleRequest::Drawn(4));
    assert_eq!((seen.len(), warnings.len()), (3, 0));
    assert!(seen.iter().all(|(_, rows, _)| rows.len() == 4 && *rows == seen[0].1));
    let (again, _) = asked(&recipe(), SampleRequest::Drawn(4));
    assert_eq!(seen, again);
    let (other, _) = asked(&Recipe { seed: 5, ..recipe() }, SampleRequest::Drawn(4));
    assert_ne!(seen[0].1, other[0].1);
    // Where no row is held out, some of those that are trained on are shown.
    let mut alone = recipe();
    alone.data.validation = 0.0;
    assert_eq!(asked(&alone, SampleRequest::Drawn(4)).0.len(), 3);
}

#[test]
fn rows_that_are_asked_for_are_shown_as_the_data_has_them() {
    let mut scaled = recipe();
    scaled.data.normalize = barograph_train::recipe::Normalize::Standard;
    let (seen, warnings) = asked(&scaled, SampleRequest::Rows(vec![7, 64, 2]));
    assert_eq!(seen[0].1, [7, 2]);
    assert_eq!(seen[0].2[..4], data(64).inputs[28..32]);
    assert!(warnings.len() == 1 && warnings[0].ends_with("left out of the training: 64"), "{warnings:?}");
}

#[test]
fn every_hook_can_be_a_closure() {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let note = |name: &'static str| {
        let calls = Arc::clone(&calls);
        move || {
            calls.lock().unwrap().push(name);
            Action::Continue
        }
    };
    let [begin, epoch_begin, step_begin, step] = ["begin", "epoch begin", "step begin", "step"].map(note);
    let [validation_begin, validation_end, epoch, end] = ["validation begin", "validation", "epoch", "end"].map(note);
    let lambda = Lambda::default()
        .on_train_begin(move |run| {
            assert_eq!((run.inputs, run.recipe.batch), (4, 8));
            begin()
        })
        .on_epoch_begin(move |_| epoch_begin())
        .on_step_begin(move |_| step_begin())
        .on_step(move |_| step())
        .on_validation_begin(move |_| validation_begin())
        .on_validation_end(move |_, scalars| {
            assert!(scalars.iter().any(|(scalar, _)| *scalar == Scalar::ValidationLoss));
            validation_end()
        })
        .on_epoch(move |_| epoch())
        .on_finding(|_| Action::Continue)
        .on_train_end(move |_| end());
    let (recipe, data) = (Recipe { epochs: 1, ..recipe() }, data(8));
    let history = History::default();
    trainer(&recipe, &data).callback(lambda).callback(history.clone()).fit(&data).unwrap();
    let expected = ["begin", "epoch begin", "step begin", "step", "validation begin", "validation", "epoch", "end"];
    assert_eq!(*calls.lock().unwrap(), expected);
    assert_eq!(history.names(), ["loss", "r2", "validation_loss", "validation_r2"]);
    assert_eq!(history.learning_rates(), [0.01]);
}

#[test]
fn a_server_that_never_answers_does_not_hold_a_training_up() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let root = format!("http://{}", server.local_addr().unwrap());
    let (recipe, data) = (Recipe { epochs: 200, ..recipe() }, data(16));
    // An hour for a message: a training that waited for one would not end.
    let monitor = RemoteMonitor::new(&root).timeout(Duration::from_hours(1));
    let outcome = trainer(&recipe, &data).unobserved().callback(monitor).fit(&data).unwrap();
    assert_eq!(outcome.end, RunEnd::Completed);
    assert!(outcome.warnings[0].contains("200 of 200 messages were not delivered"), "{:?}", outcome.warnings);
}
