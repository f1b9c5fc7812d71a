//! Folders and disks that refuse: nothing that was written before is lost, and training is not harmed.
use crate::binary::Desk;

#[test]
fn a_run_folder_that_cannot_be_made() {
    let message = Desk::new().run(["train", "recipe.toml", "--run-dir", "points.csv/run"]).refused();
    assert!(message.contains("points.csv/run: cannot make the run folder"), "{message}");
    let message = Desk::new().run(["demo", "--run-dir", "points.csv/run"]).refused();
    assert!(message.contains("points.csv/run: cannot make the folder"), "{message}");
}

#[test]
fn a_run_folder_that_is_taken() {
    let desk = Desk::new();
    let before = desk.run(["train", "recipe.toml", "--run-dir", "run"]).fine();
    let message = desk.run(["train", "recipe.toml", "--run-dir", "run"]).refused();
    assert!(message.contains("run: already holds a run log; choose another folder"), "{message}");
    assert_eq!(desk.run(["diagnose", "run"]).fine(), before);
}

/// A limit on the size of files stands in for a full disk: what is written beyond it is refused.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_fills_up_costs_the_log_and_not_the_training() {
    let desk = Desk::new();
    let limited = "trap '' XFSZ; ulimit -f 1; \"$barograph\" train recipe.toml --set epochs=3 --run-dir run";
    let said = desk.shell(limited);
    assert!(said.err.contains("epoch 3/3"), "{}", said.err);
    assert!(said.err.contains("warning: the run log ends early: "), "{}{}", said.out, said.err);
    assert!(said.out.contains("checked "), "{}", said.out);
    assert_ne!(said.code, Some(2), "{}", said.err);
}

#[cfg(target_os = "linux")]
#[test]
fn a_report_that_cannot_be_written_is_an_error_and_the_run_is_kept() {
    let desk = Desk::new();
    let said = desk.shell("\"$barograph\" train recipe.toml --run-dir run > /dev/full");
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert!(said.err.contains("error: cannot write to standard output"), "{}", said.err);
    assert!(desk.run(["diagnose", "run"]).fine().starts_with("healthy: "));
}

#[test]
fn a_reader_that_has_gone_away_is_no_error() {
    let said = Desk::new().shell("\"$barograph\" rules | head -n 1");
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
}
