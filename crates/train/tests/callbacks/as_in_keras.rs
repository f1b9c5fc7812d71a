//! Callbacks do what their namesakes do of the same losses: those of Keras, and PyTorch's `ReduceLROnPlateau`.
use barograph_train::callbacks::{Action, Callback, EarlyStopping, ModelCheckpoint, ReduceLrOnPlateau};
use barograph_train::recipe::{Mode, Monitor, ThresholdMode, Watch};
use barograph_vocab::{EpochRecord, Scalar};
use serde::Deserialize;

/// Written by `tests/keras_reference/callbacks.py`.
const REFERENCE: &str = include_str!("../keras_reference/callbacks.json");

/// The learning rate before the first epoch.
const RATE: f64 = 0.5;

#[derive(Deserialize)]
struct Reference {
    courses: Vec<Vec<f64>>,
    early_stopping: Vec<Stop>,
    plateau: Vec<Plateau>,
    checkpoint: Vec<Checkpoint>,
}

#[derive(Debug, Deserialize)]
struct Stop {
    course: usize,
    mode: String,
    patience: u64,
    min_delta: f64,
    baseline: Option<f64>,
    start_from_epoch: u64,
    /// The last epoch.
    last: usize,
    /// The epoch whose weights come back.
    best: usize,
}

#[derive(Debug, Deserialize)]
struct Plateau {
    course: usize,
    mode: String,
    threshold_mode: String,
    patience: u64,
    min_delta: f64,
    cooldown: u64,
    factor: f64,
    min_lr: f64,
    /// The epochs after which the rate is another one, and that rate.
    rates: Vec<(usize, f64)>,
}

#[derive(Debug, Deserialize)]
struct Checkpoint {
    course: usize,
    mode: String,
    threshold: Option<f64>,
    /// The epochs that were saved.
    saved: Vec<usize>,
}

fn reference() -> Reference {
    serde_json::from_str(REFERENCE).expect("the file that the script wrote")
}

fn watch(mode: &str, min_delta: f64) -> Watch {
    let mode = if mode == "max" { Mode::Max } else { Mode::Min };
    Watch { monitor: Monitor::ValidationLoss, mode, min_delta }
}

/// What a callback asks for after each epoch.
fn asked(callback: &mut impl Callback, losses: &[f64]) -> Vec<Vec<Action>> {
    let epoch = |(number, &loss): (u32, &f64)| {
        let scalars = vec![(Scalar::ValidationLoss, loss)];
        let record = EpochRecord { epoch: number, steps: u64::from(number) + 1, scalars, named: Vec::new() };
        match callback.epoch_end(&record) {
            Action::All(actions) => actions,
            action => vec![action],
        }
    };
    (0..).zip(losses).map(epoch).collect()
}

#[test]
fn early_stopping_stops_and_restores_when_keras_does() {
    let Reference { courses, early_stopping, .. } = reference();
    assert!(early_stopping.len() > 150);
    for case in early_stopping {
        let watch = watch(&case.mode, case.min_delta);
        let mut callback =
            EarlyStopping::new(watch, case.patience).baseline(case.baseline).start_from_epoch(case.start_from_epoch);
        let actions = asked(&mut callback, &courses[case.course]);
        let stops = |actions: &Vec<Action>| actions.iter().any(|action| matches!(action, Action::Stop { .. }));
        let last = actions.iter().position(stops).unwrap_or(actions.len() - 1);
        let best = actions[..=last].iter().rposition(|actions| actions.contains(&Action::KeepBest));
        assert_eq!((last, best.unwrap_or(0)), (case.last, case.best), "{case:?}");
    }
}

#[test]
fn a_plateau_lowers_the_rate_when_keras_and_torch_do() {
    let Reference { courses, plateau, .. } = reference();
    assert!(plateau.len() > 300);
    for case in plateau {
        let mode = if case.threshold_mode == "relative" { ThresholdMode::Relative } else { ThresholdMode::Absolute };
        let mut callback = ReduceLrOnPlateau::new(watch(&case.mode, case.min_delta), case.factor, case.patience)
            .cooldown(case.cooldown)
            .min_lr(case.min_lr)
            .threshold_mode(mode);
        let mut rate = RATE;
        let mut changes = Vec::new();
        for (number, actions) in asked(&mut callback, &courses[case.course]).into_iter().enumerate() {
            for action in actions {
                if let Action::ScaleLearningRate { factor, floor } = action {
                    let new = (rate * factor).max(floor);
                    if new < rate {
                        changes.push((number, new));
                    }
                    rate = new.min(rate);
                }
            }
        }
        let same = |(ours, theirs): (&(usize, f64), &(usize, f64))| {
            ours.0 == theirs.0 && (ours.1 / theirs.1 - 1.0).abs() < 1e-6
        };
        let all = changes.len() == case.rates.len() && changes.iter().zip(&case.rates).all(same);
        assert!(all, "{changes:?} and {case:?}");
    }
}

#[test]
fn a_checkpoint_of_the_best_is_written_when_keras_writes_one() {
    let Reference { courses, checkpoint, .. } = reference();
    for case in checkpoint {
        let mut callback = ModelCheckpoint::new(watch(&case.mode, 0.0), 100).best_only(true).threshold(case.threshold);
        let actions = asked(&mut callback, &courses[case.course]);
        let saves = |actions: &Vec<Action>| actions.iter().any(|action| matches!(action, Action::Checkpoint { .. }));
        let saved: Vec<usize> = (0..actions.len()).filter(|&number| saves(&actions[number])).collect();
        assert_eq!(saved, case.saved, "{case:?}");
    }
}
