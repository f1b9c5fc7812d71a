//! Epochs of which only some are validated.
use crate::support::{bits, data, recipe, trainer};
use barograph_train::callbacks::{
    Action, BackupAndRestore, Callback, CsvLogger, EarlyStopping, Lambda, ModelCheckpoint, ReduceLrOnPlateau, RunInfo,
};
use barograph_train::recipe::{Monitor, Recipe, Watch};
use barograph_train::{Network, Outcome};
use barograph_vocab::{EpochRecord, RunEnd, Scalar};
use serde::Deserialize;

/// Written by `tests/keras_reference/validation_freq.py`.
#[derive(Deserialize)]
struct Reference {
    courses: Vec<Vec<f64>>,
    early_stopping: Vec<Stop>,
    plateau: Vec<Plateau>,
}

#[derive(Debug, Deserialize)]
struct Stop {
    course: usize,
    every: u64,
    patience: u64,
    last: usize,
    best: usize,
}

#[derive(Debug, Deserialize)]
struct Plateau {
    course: usize,
    every: u64,
    patience: u64,
    cooldown: u64,
    /// The epochs after which the rate is another one.
    lowered: Vec<usize>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../keras_reference/validation_freq.json")).expect("what the script wrote")
}

fn watch() -> Watch {
    Watch { monitor: Monitor::ValidationLoss, ..Watch::default() }
}

/// What a callback asks for after each epoch.
fn asked(callback: &mut impl Callback, losses: &[f64], every: u64) -> Vec<Action> {
    let epochs = losses.len() as u64;
    let recipe = Recipe { epochs, validation_every: every, ..Recipe::default() };
    callback.train_begin(&RunInfo {
        name: "run",
        folder: None,
        epochs,
        steps_per_epoch: 1,
        recipe: &recipe,
        inputs: 1,
    });
    let epoch = |(number, &loss): (u32, &f64)| {
        let done = u64::from(number) + 1;
        let mut scalars = vec![(Scalar::Loss, 2.0)];
        scalars.extend((done.is_multiple_of(every) || done == epochs).then_some((Scalar::ValidationLoss, loss)));
        callback.epoch_end(&EpochRecord { epoch: number, steps: done, scalars, named: Vec::new() })
    };
    (0..).zip(losses).map(epoch).collect()
}

#[test]
fn early_stopping_counts_the_epochs_that_keras_counts() {
    let Reference { courses, early_stopping, .. } = reference();
    for case in early_stopping {
        let mut callback = EarlyStopping::new(watch(), case.patience);
        let actions = asked(&mut callback, &courses[case.course], case.every);
        let last = actions.iter().position(|action| matches!(action, Action::Stop { .. })).unwrap_or(actions.len() - 1);
        let best = actions[..=last].iter().rposition(|action| *action == Action::KeepBest);
        assert_eq!((last, best), (case.last, Some(case.best)), "{case:?}");
        assert_eq!(callback.trouble(), None, "an epoch that was not to be validated is no trouble");
    }
}

#[test]
fn a_plateau_counts_the_epochs_that_keras_counts() {
    let Reference { courses, plateau, .. } = reference();
    for case in plateau {
        let mut callback = ReduceLrOnPlateau::new(watch(), 0.5, case.patience).cooldown(case.cooldown);
        let actions = asked(&mut callback, &courses[case.course], case.every);
        let lowers =
            |(epoch, action): (usize, &Action)| matches!(action, Action::ScaleLearningRate { .. }).then_some(epoch);
        let lowered: Vec<usize> = actions.iter().enumerate().filter_map(lowers).collect();
        assert_eq!(lowered, case.lowered, "{case:?}");
    }
}

#[test]
fn a_checkpoint_of_the_best_is_one_of_an_epoch_that_was_validated() {
    let losses = [9.0, 3.0, 1.0, 2.0, 0.5, 4.0, 1.5];
    let saved = |callback: &mut ModelCheckpoint, every| {
        let actions = asked(callback, &losses, every);
        assert_eq!(callback.trouble(), None);
        let saves = |(epoch, action): (usize, &Action)| matches!(action, Action::Checkpoint { .. }).then_some(epoch);
        actions.iter().enumerate().filter_map(saves).collect::<Vec<_>>()
    };
    assert_eq!(saved(&mut ModelCheckpoint::new(watch(), 3).best_only(true), 2), [1, 3, 6]);
    assert_eq!(saved(&mut ModelCheckpoint::new(watch(), 3).best_only(true), 1), [0, 1, 2, 4]);
    // Every epoch is one where the number does not matter, and what is not of validation is watched in each.
    assert_eq!(saved(&mut ModelCheckpoint::new(watch(), 3), 2), [0, 1, 2, 3, 4, 5, 6]);
    let training = Watch { monitor: Monitor::Loss, ..Watch::default() };
    assert_eq!(saved(&mut ModelCheckpoint::new(training, 3).best_only(true), 2), [0]);
}

/// Every third epoch of seven, and the last one.
fn sparse() -> Recipe {
    Recipe { epochs: 7, validation_every: 3, ..recipe() }
}

fn validated(outcome: &Outcome<Network>) -> Vec<u32> {
    let with_loss = outcome.history.iter().filter(|epoch| epoch.scalar(Scalar::ValidationLoss).is_some());
    with_loss.map(|epoch| epoch.epoch).collect()
}

#[test]
fn every_so_many_epochs_and_the_last_are_validated_and_no_bit_of_the_training_changes() {
    let data = data(64);
    let often = trainer(&Recipe { validation_every: 1, ..sparse() }, &data).fit(&data).unwrap();
    let seldom = trainer(&sparse(), &data).fit(&data).unwrap();
    assert_eq!(validated(&seldom), [2, 5, 6]);
    assert!(bits(&often) == bits(&seldom), "the weights differ");
    for epoch in validated(&seldom) {
        assert_eq!(often.history[epoch as usize], seldom.history[epoch as usize]);
    }
}

#[test]
fn the_weights_that_come_back_are_those_of_the_best_epoch_that_was_validated() {
    // What is learned after epoch 2 is thrown away, with a rate that no network survives.
    let data = data(64);
    let spoil = || {
        Lambda::default()
            .on_epoch_begin(|epoch| if epoch == 3 { Action::SetLearningRate(10.0) } else { Action::Continue })
    };
    let stopped =
        trainer(&sparse(), &data).callback(EarlyStopping::new(watch(), 1)).callback(spoil()).fit(&data).unwrap();
    assert_eq!(validated(&stopped), [2, 5]);
    let best = trainer(&Recipe { epochs: 3, ..sparse() }, &data).fit(&data).unwrap();
    assert!(bits(&stopped) == bits(&best), "other weights came back");
}

#[test]
fn a_resumed_training_validates_when_the_whole_one_does() {
    let data = data(64);
    let run = |folder: &std::path::Path, last: Option<u64>, resume: bool| {
        let stop = move |step: u64| match last {
            Some(last) if step == last => {
                Action::Stop { reason: "killed".to_owned(), restore_best: false, failed: true }
            }
            _ => Action::Continue,
        };
        let trainer = trainer(&sparse(), &data)
            .callback(BackupAndRestore::every_steps(5))
            .callback(EarlyStopping::new(watch(), 2))
            .callback(Lambda::default().on_step(move |step| stop(step.step)))
            .folder(folder);
        let outcome = if resume { trainer.resume() } else { trainer }.fit(&data).unwrap();
        outcome.close();
        outcome
    };
    let [whole, pieces] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let whole = run(whole.path(), None, false);
    // In the fourth epoch, which is not validated.
    assert_eq!(run(pieces.path(), Some(21), false).end, RunEnd::Failed);
    let pieces = run(pieces.path(), None, true);
    assert!(bits(&whole) == bits(&pieces), "the weights differ");
    assert_eq!(whole.history, pieces.history);
}

#[test]
fn a_table_of_epochs_has_columns_for_the_numbers_that_come_later() {
    let (data, folder) = (data(64), tempfile::tempdir().unwrap());
    let path = folder.path().join("epochs.csv");
    trainer(&sparse(), &data).callback(CsvLogger::new(&path)).fit(&data).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0], ["epoch", "steps", "loss", "r2", "validation_loss", "validation_r2"]);
    let filled: Vec<bool> = rows[1..].iter().map(|row| !row[4].is_empty() && !row[5].is_empty()).collect();
    assert_eq!(filled, [false, false, true, false, false, true, true]);
}

#[test]
fn it_says_nothing_without_rows_that_are_held_out() {
    let text = |validation: &str| {
        format!(
            "validation_every = 2\n[data]\nfile = \"a.csv\"\ntarget = \"y\"\n{validation}\n[[layers]]\nkind = \"dense\"\nunits = 1\n[loss]\nkind = \"mse\"\n"
        )
    };
    let said = Recipe::parse(&text(""), "r.toml").expect_err("refused").to_string();
    assert!(said.contains("r.toml:1") && said.contains("validation_every says when"), "{said}");
    assert_eq!(Recipe::parse(&text("validation = 0.2"), "r.toml").expect("a recipe").validation_every, 2);
    let said = Recipe::parse(&text("validation = 0.2").replace("= 2\n", "= 0\n"), "r.toml").expect_err("refused");
    assert!(said.to_string().contains("validation_every"), "{said}");
}
