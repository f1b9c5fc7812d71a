//! Trainings that end early and go on from their backup.
use crate::support::{bits, data, notes, recipe, trainer};
use barograph_train::callbacks::{
    Action, BackupAndRestore, EarlyStopping, Lambda, LearningRateScheduler, SkipNonFinite, Swa, SwapEmaWeights,
};
use barograph_train::data::Dataset;
use barograph_train::recipe::{
    LayerKind, LayerSpec, Monitor, OptimizerKind, OptimizerSpec, Recipe, RecurrentSpec, Watch,
};
use barograph_train::{Network, Outcome, Trainer};
use barograph_vocab::RunEnd;
use std::path::Path;

/// 6 steps an epoch, 24 in all, with layers that draw and remember.
fn resumable() -> Recipe {
    let layers = vec![LayerSpec::dense(8), LayerSpec::batch_norm(), LayerSpec::dropout(0.2), LayerSpec::dense(1)];
    Recipe { layers, epochs: 4, ..recipe() }
}

/// The same callbacks in each training; `last` ends it after this step.
fn with_callbacks(recipe: &Recipe, data: &Dataset, folder: &Path, last: Option<u64>) -> Trainer<Network> {
    let stop = move |step: u64| match last {
        Some(last) if step == last => Action::Stop { reason: "killed".to_owned(), restore_best: false, failed: true },
        _ => Action::Continue,
    };
    let watch = Watch { monitor: Monitor::ValidationLoss, ..Watch::default() };
    trainer(recipe, data)
        .callback(BackupAndRestore::every_steps(5))
        .callback(EarlyStopping::new(watch, 50))
        .callback(LearningRateScheduler::new(|epoch, rate| if epoch == 2 { rate / 2.0 } else { rate }))
        .callback(SwapEmaWeights::new(0.9).swap_on_epoch(true))
        .callback(Swa::default().start_from_epoch(Some(1)))
        .callback(SkipNonFinite::new(3))
        .callback(Lambda::default().on_step(move |step| stop(step.step)))
        .folder(folder)
}

/// Ends after each of these steps, is resumed, and ends in the end.
fn in_pieces(recipe: &Recipe, data: &Dataset, ends: &[u64], observed: bool) -> (Outcome<Network>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let run = |last, resume| {
        let trainer = with_callbacks(recipe, data, folder.path(), last);
        let trainer = if observed { trainer } else { trainer.unobserved() };
        let outcome = if resume { trainer.resume() } else { trainer }.fit(data).unwrap();
        outcome.close();
        outcome
    };
    for (number, last) in ends.iter().enumerate() {
        assert_eq!(run(Some(*last), number > 0).end, RunEnd::Failed);
    }
    (run(None, !ends.is_empty()), folder)
}

#[test]
fn pieces_are_the_whole_to_the_bit_wherever_they_end() {
    let (recipe, data) = (resumable(), data(64));
    let (whole, _folder) = in_pieces(&recipe, &data, &[], true);
    assert_eq!((whole.end, whole.steps), (RunEnd::Completed, 24));
    // In an epoch; at the last step of one; just behind a backup; in the first epoch and once more.
    for ends in [&[13][..], &[17], &[5], &[4, 9, 22]] {
        for observed in [true, false] {
            let (pieces, folder) = in_pieces(&recipe, &data, ends, observed);
            assert!(bits(&whole) == bits(&pieces), "{ends:?}: the weights differ");
            assert_eq!(whole.history, pieces.history, "{ends:?}");
            assert!(!folder.path().join("backup.safetensors").exists());
        }
    }
}

#[test]
fn every_optimizer_goes_on_with_what_it_keeps() {
    let data = data(64);
    for kind in OptimizerKind::all() {
        for lookahead_steps in [None, Some(4)] {
            let optimizer = OptimizerSpec { lookahead_steps, ..OptimizerSpec::from(kind).with_learning_rate(0.003) };
            let recipe = Recipe { optimizer, ..resumable() };
            let (whole, _folder) = in_pieces(&recipe, &data, &[], false);
            let (pieces, _folder) = in_pieces(&recipe, &data, &[13], false);
            assert!(bits(&whole) == bits(&pieces), "{kind:?} {lookahead_steps:?}: the weights differ");
        }
    }
}

#[test]
fn a_stateful_layer_goes_on_with_its_state_in_the_middle_of_an_epoch() {
    let recurrent = RecurrentSpec { units: 4, stateful: true, ..RecurrentSpec::default() };
    let lstm = LayerKind::Lstm { forget_bias: 1.0, recurrent };
    let mut recipe =
        Recipe { layers: vec![LayerSpec::reshape([2, 2]), lstm.into(), LayerSpec::dense(1)], ..resumable() };
    recipe.data.shuffle = false;
    let data = data(64);
    let (whole, _folder) = in_pieces(&recipe, &data, &[], false);
    let (pieces, _folder) = in_pieces(&recipe, &data, &[13], false);
    assert!(bits(&whole) == bits(&pieces), "the weights differ");
}

#[test]
fn the_log_of_pieces_tells_what_the_log_of_the_whole_tells_and_that_it_was_resumed() {
    let (recipe, data) = (resumable(), data(64));
    let records = |folder: &Path| {
        let all = barograph_store::Reader::open(folder).unwrap().map(Result::unwrap);
        let told = |record: &barograph_vocab::Record| {
            use barograph_vocab::Record::{Note, Start};
            !matches!(record, Start(_)) && !matches!(record, Note { text, .. } if text.starts_with("resumed"))
        };
        all.filter(told).collect::<Vec<_>>()
    };
    let (whole, whole_folder) = in_pieces(&recipe, &data, &[], true);
    let (pieces, folder) = in_pieces(&recipe, &data, &[6, 8, 13], true);
    let (expected, found) = (records(whole_folder.path()), records(folder.path()));
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        // Bit patterns of NaN aside, what is told is the same.
        assert_eq!(format!("{found:?}"), format!("{expected:?}"));
    }
    let resumed: Vec<String> = notes(folder.path()).into_iter().filter(|note| note.starts_with("resumed")).collect();
    assert_eq!(
        resumed,
        [
            "resumed from the backup before step 5; 2 later steps were cut from this log, and done again",
            "resumed from the backup before step 5; 4 later steps were cut from this log, and done again",
            "resumed from the backup before step 10; 4 later steps were cut from this log, and done again"
        ]
    );
    let (whole, pieces) = (whole.diagnosis().unwrap(), pieces.diagnosis().unwrap());
    assert_eq!((whole.verdict, whole.findings.len()), (pieces.verdict, pieces.findings.len()));
    let read = barograph_monitor::diagnose(folder.path(), barograph_monitor::EvidenceMode::All, |_| {}).unwrap();
    assert_eq!((read.verdict, read.findings), (pieces.verdict, pieces.findings));
}

#[test]
fn other_callbacks_and_a_missing_folder_are_refused() {
    let (recipe, data) = (resumable(), data(64));
    let folder = tempfile::tempdir().unwrap();
    with_callbacks(&recipe, &data, folder.path(), Some(13)).fit(&data).unwrap().close();
    let fewer = trainer(&recipe, &data).callback(BackupAndRestore::every_steps(5)).folder(folder.path()).resume();
    let error = fewer.fit(&data).err().unwrap().to_string();
    assert!(error.contains("7 callbacks") && error.contains("1 now"), "{error}");
    let nowhere = trainer(&recipe, &data).resume();
    assert!(nowhere.fit(&data).err().unwrap().to_string().contains("no backup to resume from"));
}

#[test]
fn rows_with_weights_go_on_to_the_bit() {
    let recipe = resumable();
    let data = data(64).with_weights((0..64_u8).map(|row| f32::from(row % 3)).collect()).unwrap();
    let (whole, _folder) = in_pieces(&recipe, &data, &[], true);
    let (pieces, _folder) = in_pieces(&recipe, &data, &[4, 13], true);
    assert!(bits(&whole) == bits(&pieces), "the weights differ");
    assert_eq!(whole.history, pieces.history);
}
