//! Run folders that are truncated, foreign, or not there.
use crate::binary::Desk;

const SEGMENT: &str = "run/log-00000.wal";

#[test]
fn a_truncated_log_is_read_as_far_as_it_goes() {
    let desk = Desk::new();
    desk.run(["train", "recipe.toml", "--run-dir", "run"]).fine();
    let whole = std::fs::read(desk.path(SEGMENT)).expect("a log");
    let used = whole.iter().rposition(|byte| *byte != 0).expect("a log that is not empty");
    std::fs::write(desk.path(SEGMENT), &whole[..used / 2]).expect("a file");
    let out = desk.run(["diagnose", "run"]).fine();
    assert!(out.contains("the log has no end"), "{out}");
}

#[test]
fn a_log_that_holds_no_step_is_refused() {
    let desk = Desk::new();
    desk.run(["train", "recipe.toml", "--run-dir", "run"]).fine();
    let whole = std::fs::read(desk.path(SEGMENT)).expect("a log");
    for length in [0, 10, 100] {
        std::fs::write(desk.path(SEGMENT), &whole[..length]).expect("a file");
        let message = desk.run(["diagnose", "run"]).refused();
        assert!(message.contains("run"), "{message}");
    }
}

#[test]
fn a_foreign_folder_is_refused() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("run")).expect("a folder");
    let message = desk.run(["diagnose", "run"]).refused();
    assert!(message.contains("run: not a run folder"), "{message}");
    let noise: Vec<u8> = (0..4096_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    std::fs::write(desk.path(SEGMENT), noise).expect("a file");
    let message = desk.run(["diagnose", "run"]).refused();
    assert!(message.contains("run"), "{message}");
}

#[test]
fn a_folder_that_is_not_there_is_refused() {
    let desk = Desk::new();
    let message = desk.run(["diagnose", "nowhere"]).refused();
    assert!(message.contains("nowhere: not a run folder: it does not exist"), "{message}");
    let message = desk.run(["runs", "nowhere"]).refused();
    assert!(message.contains("nowhere"), "{message}");
}

#[test]
fn a_folder_without_runs_says_how_to_make_one() {
    let out = Desk::new().run(["runs", "."]).fine();
    assert!(out.contains("no runs here") && out.contains("barograph train"), "{out}");
}
