//! A training that is steered while it runs.
#![cfg(unix)]
use crate::binary::Desk;
use barograph_store::Reader;
use barograph_vocab::{Record, RunEnd};
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Stdio};

/// A training that nobody waits for the end of, past its first epoch.
struct Running {
    desk: Desk,
    child: Child,
}

impl Running {
    fn start() -> Self {
        let desk = Desk::new();
        let mut command = desk.command();
        command.args(["train", "recipe.toml", "--run-dir", "run", "--set", "epochs=10000000"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary runs");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut line = String::new();
        while !line.starts_with("epoch ") {
            line.clear();
            assert!(lines.read_line(&mut line).expect("a line") > 0, "it ended before its first epoch");
        }
        // What it says from here on must not fill the pipe.
        std::thread::spawn(move || lines.read_to_end(&mut Vec::new()));
        Self { desk, child }
    }

    /// What it answers to a command.
    #[track_caller]
    fn told(&self, command: &str) -> String {
        self.desk.run(["ctl", "run"].into_iter().chain(command.split(' '))).fine()
    }

    /// Steps in the log so far.
    fn steps(&self) -> usize {
        let reader = Reader::open(self.desk.path("run")).expect("a log");
        reader.filter(|record| matches!(record, Ok(Record::Step(_)))).count()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_training_is_paused_changed_saved_resumed_and_stopped() {
    let mut run = Running::start();
    let answer = run.told("pause");
    assert!(answer.starts_with("paused after "), "{answer}");
    let steps = run.steps();
    let answer = run.told("set lr=1e-3");
    assert!(answer.starts_with("the learning rate is 0.001 from step "), "{answer}");
    let answer = run.told("checkpoint");
    let file = answer.trim().trim_start_matches("written: ").split(',').next().expect("a file").to_owned();
    assert!(run.desk.path("run").join(&file).exists(), "{answer}");
    assert!(run.desk.path("run/backup.safetensors").exists());
    assert_eq!(run.steps(), steps, "a paused training took a step");
    assert!(run.told("resume").starts_with("going on after "));
    while run.steps() <= steps {
        std::thread::yield_now();
    }
    assert!(run.told("stop").starts_with("ending after "));
    assert_eq!(run.child.wait().expect("it ends").code(), Some(130));
    assert!(run.desk.path("run/backup.safetensors").exists(), "a run that was stopped can be resumed");
    let records: Vec<Record> = Reader::open(run.desk.path("run")).expect("a log").map(Result::unwrap).collect();
    let notes: Vec<&str> = records
        .iter()
        .filter_map(|record| match record {
            Record::Note { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    let begins = [
        "barograph ctl: paused",
        "barograph ctl: the learning rate is 0.001",
        "barograph ctl: a checkpoint",
        "barograph ctl: going on",
        "ended by barograph ctl",
    ];
    assert_eq!(notes.len(), begins.len(), "{notes:?}");
    assert!(notes.iter().zip(begins).all(|(note, begin)| note.starts_with(begin)), "{notes:?}");
    assert!(matches!(records.last(), Some(Record::End { reason: RunEnd::Interrupted, .. })));
    let last_rate = records.iter().rev().find_map(|record| match record {
        Record::Step(step) => step.scalar(barograph_vocab::Scalar::LearningRate),
        _ => None,
    });
    assert_eq!(last_rate, Some(1e-3));
    // Over is over.
    let message = run.desk.run(["ctl", "run", "pause"]).refused();
    assert!(message.contains("run: this run is over (ended)"), "{message}");
    assert!(!run.desk.path("run/control").exists());
}

#[test]
fn what_cannot_be_done_is_explained() {
    let desk = Desk::new();
    let message = desk.run(["ctl", "nowhere", "pause"]).refused();
    assert!(message.contains("nowhere: not a run folder: it does not exist"), "{message}");
    let message = desk.run(["ctl", "run", "set", "learnin_rate=0.1"]).refused();
    assert!(message.contains("did you mean \"learning_rate\"?"), "{message}");
    let message = desk.run(["ctl", "run", "set", "lr=fast"]).refused();
    assert!(message.contains("lr must be a number above 0") && message.contains("fast"), "{message}");
    let said = desk.run(["ctl", "run", "paus"]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("'pause'"), "{}", said.err);
}
