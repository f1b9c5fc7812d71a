//! Trainings that are killed, and go on as if nothing had been.
#![cfg(unix)]
use crate::binary::Desk;
use barograph_store::Reader;
use barograph_vocab::{Record, Scalar};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Dropout, batch norm, a moving average, early stopping, a logger and accumulation: everything that remembers something.
const LAYERS: &str = r#"[[layers]]
kind = "batch_norm"

[[layers]]
kind = "dropout"
rate = 0.2

[loss]
"#;

const CALLBACKS: &str = r#"
[[callbacks]]
kind = "backup_and_restore"
every = 7
unit = "step"

[[callbacks]]
kind = "swap_ema_weights"
swap_on_epoch = true

[[callbacks]]
kind = "early_stopping"
patience = 1000

[[callbacks]]
kind = "csv_logger"

[[callbacks]]
kind = "reduce_lr_on_plateau"
patience = 20
factor = 0.9

[[callbacks]]
kind = "model_checkpoint"
best_only = true

[[callbacks]]
kind = "gradient_accumulation"
batches = 2

[[callbacks]]
kind = "adaptive_clip"
"#;

fn desk() -> Desk {
    let desk = Desk::new();
    let second = desk.read("recipe.toml");
    let second = second.replacen("[loss]\n", LAYERS, 1).replacen("epochs = 30", "epochs = 900", 1);
    // The last layer has as many outputs as there are classes.
    let output = "[[layers]]\nkind = \"dense\"\nunits = 2\n\n";
    let second = second.replacen(output, "", 1).replacen("[loss]\n", &format!("{output}[loss]\n"), 1);
    desk.write("recipe.toml", &(second + CALLBACKS));
    desk
}

/// The steps done, and the bits of each number.
type Numbers = (u64, Vec<(Scalar, u64)>);

/// The numbers of each step and epoch in a log, as bits; and its notes.
fn told(desk: &Desk, run: &str) -> (Vec<Numbers>, Vec<String>) {
    let (mut numbers, mut notes) = (Vec::new(), Vec::new());
    let bits = |scalars: &[(Scalar, f64)]| scalars.iter().map(|(kind, value)| (*kind, value.to_bits())).collect();
    for record in Reader::open(desk.path(run)).expect("a log").map(Result::unwrap) {
        match record {
            Record::Step(step) => numbers.push((step.step, bits(&step.scalars))),
            Record::Epoch(epoch) => numbers.push((epoch.steps, bits(&epoch.scalars))),
            Record::Note { text, .. } => notes.push(text),
            _ => {}
        }
    }
    (numbers, notes)
}

/// Begins a training and kills it with SIGKILL as soon as its log holds this many steps. `false` if it ended before.
fn killed(desk: &Desk, arguments: &[&str], run: &str, at: usize) -> bool {
    let mut child =
        desk.command().args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary runs");
    let begin = Instant::now();
    loop {
        let records = Reader::open(desk.path(run)).into_iter().flatten();
        let last = records.filter_map(|record| match record {
            Ok(Record::Step(step)) => Some(step.step as usize),
            _ => None,
        });
        if last.max().is_some_and(|last| last >= at) {
            break;
        }
        if child.try_wait().expect("a child").is_some() {
            return false;
        }
        assert!(begin.elapsed() < Duration::from_mins(2), "it takes no step");
    }
    let killed = Command::new("kill").args(["-KILL", &child.id().to_string()]).status().expect("kill runs");
    child.wait().expect("it ends").code().is_none() && killed.success()
}

#[test]
fn a_training_that_was_killed_twice_ends_with_the_same_bits() {
    let desk = desk();
    desk.run(["train", "recipe.toml", "--run-dir", "whole"]).fine();
    // Steps that are no multiples of anything; 3 steps an epoch, 2700 in all.
    let pick = u64::from(std::process::id()) % 60;
    let first = 40 + pick as usize;
    assert!(killed(&desk, &["train", "recipe.toml", "--run-dir", "run"], "run", first), "it was too fast to be killed");
    assert!(desk.path("run/backup.safetensors").exists());
    assert!(!desk.path("run/model.safetensors").exists());
    assert!(killed(&desk, &["train", "--resume", "run"], "run", first + 700), "it was too fast to be killed again");
    desk.run(["train", "--resume", "run"]).fine();
    let file = |path: &str| std::fs::read(desk.path(path)).expect("a file");
    assert!(file("whole/model.safetensors") == file("run/model.safetensors"), "the weights differ");
    assert_eq!(desk.read("whole/epochs.csv"), desk.read("run/epochs.csv"));
    let names = |run: &str| {
        let entries = std::fs::read_dir(desk.path(run).join("checkpoints")).expect("checkpoints").flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names("whole"), names("run"));
    let ((whole, whole_notes), (run, mut notes)) = (told(&desk, "whole"), told(&desk, "run"));
    assert!(whole == run, "the logs tell of other numbers");
    notes.retain(|note| !note.starts_with("resumed from the backup before step "));
    assert_eq!(whole_notes, notes);
    assert!(!desk.path("run/backup.safetensors").exists(), "a run that ended well needs no backup");
    let verdict = |run| desk.run(["diagnose", run, "--format", "json"]).out.contains("\"verdict\":\"healthy\"");
    assert_eq!(verdict("whole"), verdict("run"));
}

#[test]
fn an_interrupted_training_can_be_resumed_without_having_asked_for_backups() {
    let desk = Desk::new();
    desk.recipe_with("epochs = 30", "epochs = 400");
    desk.run(["train", "recipe.toml", "--run-dir", "whole"]).fine();
    let mut child = desk.command();
    child.args(["train", "recipe.toml", "--run-dir", "run"]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = child.spawn().expect("the binary runs");
    while !Reader::open(desk.path("run"))
        .is_ok_and(|mut reader| reader.any(|record| matches!(record, Ok(Record::Epoch(_)))))
    {
        std::thread::yield_now();
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    desk.run(["train", "--resume", "run"]).fine();
    let file = |path: &str| std::fs::read(desk.path(path)).expect("a file");
    assert!(file("whole/model.safetensors") == file("run/model.safetensors"), "the weights differ");
}

#[test]
fn what_cannot_be_resumed_is_explained() {
    let desk = Desk::new();
    let message = desk.run(["train", "--resume", "nowhere"]).refused();
    assert!(message.contains("nowhere: there is no backup to resume from"), "{message}");
    desk.run(["train", "recipe.toml", "--run-dir", "run"]).fine();
    let message = desk.run(["train", "--resume", "run"]).refused();
    assert!(message.contains("run: there is no backup") && message.contains("backup_and_restore"), "{message}");
    let said = desk.run(["train"]);
    assert_eq!(said.code, Some(2));

    let callback = "\n[[callbacks]]\nkind = \"backup_and_restore\"\ndelete = false\n";
    desk.write("recipe.toml", &(desk.read("recipe.toml") + callback));
    desk.run(["train", "recipe.toml", "--run-dir", "kept"]).fine();
    let message =
        desk.run(["train", "recipe.toml", "--resume", "kept", "--set", "optimizer.learning_rate=0.5"]).refused();
    assert!(message.contains("kept/backup.safetensors: it is of another recipe"), "{message}");
    assert!(message.contains("learning_rate = 0.02") && message.contains("learning_rate = 0.5"), "{message}");

    let csv = desk.read("points.csv");
    desk.write("points.csv", &(csv.clone() + "0.1,0.1,1\n0.2,0.1,1\n"));
    let message = desk.run(["train", "--resume", "kept"]).refused();
    assert!(message.contains("rows"), "{message}");
    desk.write("points.csv", &csv);

    let backup = desk.path("kept/backup.safetensors");
    let whole = std::fs::read(&backup).expect("a backup");
    for broken in [&whole[..whole.len() / 2], &b"no backup"[..], &[]] {
        std::fs::write(&backup, broken).expect("a file");
        let message = desk.run(["train", "--resume", "kept"]).refused();
        assert!(message.contains("kept/backup.safetensors"), "{message}");
    }
    std::fs::copy(desk.path("kept/model.safetensors"), &backup).expect("a copy");
    let message = desk.run(["train", "--resume", "kept"]).refused();
    assert!(message.contains("it holds weights, and no backup"), "{message}");
}
