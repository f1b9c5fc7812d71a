//! The order of the calls, and that looking on changes nothing.
use crate::support::{bits, data, recipe, trainer};
use barograph_train::callbacks::{Action, Callback, RunInfo, StepReport, StepStart};
use barograph_train::recipe::Recipe;
use barograph_vocab::{EpochRecord, Finding, Role, RunEnd, Scalar};
use std::sync::{Arc, Mutex};

/// Writes down each call.
#[derive(Clone, Default)]
struct Witness {
    calls: Arc<Mutex<Vec<String>>>,
    /// What it answers to each call of this name.
    answer: Option<(&'static str, Action)>,
}

impl Witness {
    fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    fn saw(&self, name: &'static str, detail: impl std::fmt::Display) -> Action {
        self.calls.lock().unwrap().push(format!("{name} {detail}"));
        self.answer.clone().filter(|(call, _)| *call == name).map_or(Action::Continue, |(_, action)| action)
    }
}

impl Callback for Witness {
    fn train_begin(&mut self, run: &RunInfo<'_>) -> Action {
        self.saw("train_begin", run.steps_per_epoch)
    }

    fn epoch_begin(&mut self, epoch: u64) -> Action {
        self.saw("epoch_begin", epoch)
    }

    fn step_begin(&mut self, step: &StepStart) -> Action {
        self.saw("step_begin", step.step)
    }

    fn step_end(&mut self, step: &StepReport<'_>) -> Action {
        self.saw("step_end", format_args!("{} rows {} rate {}", step.step, step.rows.len(), step.learning_rate))
    }

    fn validation_begin(&mut self, epoch: u64) -> Action {
        self.saw("validation_begin", epoch)
    }

    fn validation_end(&mut self, epoch: u64, scalars: &[(Scalar, f64)]) -> Action {
        assert!(scalars.iter().any(|(scalar, _)| *scalar == Scalar::ValidationLoss));
        self.saw("validation_end", epoch)
    }

    fn epoch_end(&mut self, epoch: &EpochRecord) -> Action {
        self.saw("epoch_end", epoch.epoch)
    }

    fn finding(&mut self, finding: &Finding) -> Action {
        self.saw("finding", &finding.code)
    }

    fn train_end(&mut self, end: RunEnd) -> Action {
        self.saw("train_end", format_args!("{end:?}"))
    }
}

/// 12 rows to train on: steps of 8 and of 4 rows.
fn calls(answer: Option<(&'static str, Action)>) -> Vec<String> {
    let (recipe, data) = (Recipe { epochs: 1, ..recipe() }, data(16));
    let witness = Witness { answer, ..Witness::default() };
    trainer(&recipe, &data).callback(witness.clone()).fit(&data).unwrap();
    witness.calls().into_iter().filter(|call| !call.starts_with("finding")).collect()
}

#[test]
fn each_hook_is_called_in_its_place() {
    assert_eq!(
        calls(None),
        [
            "train_begin 2",
            "epoch_begin 0",
            "step_begin 0",
            "step_end 0 rows 8 rate 0.01",
            "step_begin 1",
            "step_end 1 rows 4 rate 0.01",
            "validation_begin 0",
            "validation_end 0",
            "epoch_end 0",
            "train_end Completed",
        ]
    );
}

#[test]
fn every_hook_can_stop_the_training() {
    let stop = Action::Stop { reason: "enough".to_owned(), restore_best: false, failed: false };
    for hook in ["train_begin", "epoch_begin", "step_begin", "step_end", "validation_begin", "validation_end"] {
        let calls = calls(Some((hook, stop.clone())));
        let at = calls.iter().position(|call| call.starts_with(hook)).unwrap();
        assert_eq!(calls[at + 1..], ["train_end Stopped"], "{hook}");
    }
}

#[test]
fn a_rate_that_is_set_when_a_step_begins_is_the_rate_of_that_step() {
    let calls = calls(Some(("step_begin", Action::SetLearningRate(0.5))));
    assert!(calls.contains(&"step_end 0 rows 8 rate 0.5".to_owned()), "{calls:?}");
}

#[test]
fn what_was_read_in_a_step_is_shown_where_the_training_is_observed() {
    struct Look(Arc<Mutex<Vec<bool>>>);
    impl Callback for Look {
        fn step_end(&mut self, step: &StepReport<'_>) -> Action {
            let gradients = step.readings.map(|readings| {
                assert_eq!(readings.record.step, step.step);
                let gradients = readings.record.readings.iter().filter(|reading| reading.role == Role::Gradient);
                gradients.map(|reading| readings.sites.path(reading.site).to_owned()).collect::<Vec<_>>()
            });
            let names = ["dense1.weight", "dense1.bias", "dense2.weight", "dense2.bias"];
            self.0.lock().unwrap().push(gradients.is_some_and(|gradients| gradients == names));
            Action::Continue
        }
    }
    let (recipe, data) = (recipe(), data(64));
    for observed in [true, false] {
        let seen = Arc::default();
        let trainer = trainer(&recipe, &data).callback(Look(Arc::clone(&seen)));
        let trainer = if observed { trainer } else { trainer.unobserved() };
        trainer.fit(&data).unwrap();
        let seen = seen.lock().unwrap();
        assert_eq!(*seen, vec![observed; 18]);
    }
}

#[test]
fn a_callback_that_looks_on_changes_no_bit() {
    let (recipe, data) = (recipe(), data(64));
    let alone = trainer(&recipe, &data).unobserved().fit(&data).unwrap();
    let watched = trainer(&recipe, &data).callback(Witness::default()).fit(&data).unwrap();
    assert!(bits(&alone) == bits(&watched), "the weights differ");
}

#[test]
fn a_note_of_a_callback_is_in_the_log() {
    let (recipe, data) = (Recipe { epochs: 1, ..recipe() }, data(16));
    let folder = tempfile::tempdir().unwrap();
    let answer = Some(("epoch_begin", Action::All(vec![Action::Note("hello".to_owned()), Action::Continue])));
    let witness = Witness { answer, ..Witness::default() };
    trainer(&recipe, &data).callback(witness).folder(folder.path()).fit(&data).unwrap().close();
    let records = barograph_store::Reader::open(folder.path()).unwrap().map(Result::unwrap);
    let notes: Vec<_> = records
        .filter_map(|record| match record {
            barograph_vocab::Record::Note { step, text } => Some((step, text)),
            _ => None,
        })
        .collect();
    assert_eq!(notes, [(0, "hello".to_owned())]);
}
