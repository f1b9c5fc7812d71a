//! Exit codes.
use crate::binary::Desk;

/// Data that makes the loss NaN.
fn broken() -> Desk {
    let desk = Desk::new();
    desk.spoil_a_row();
    desk
}

#[test]
fn a_run_that_is_fine_ends_with_0() {
    let out = Desk::new().run(["train", "recipe.toml", "--fail-on", "error"]).fine();
    assert!(out.starts_with("healthy: "), "{out}");
}

#[test]
fn a_run_that_broke_ends_with_1_unless_told_otherwise() {
    let desk = broken();
    let code = |arguments: &[&str]| desk.run(arguments).code;
    assert_eq!(code(&["train", "recipe.toml", "--run-dir", "a"]), Some(1));
    assert_eq!(code(&["train", "recipe.toml", "--run-dir", "b", "--fail-on", "never"]), Some(0));
    assert_eq!(code(&["diagnose", "a"]), Some(0));
    assert_eq!(code(&["diagnose", "a", "--fail-on", "error"]), Some(1));
    assert_eq!(code(&["diagnose", "a", "--fail-on", "note"]), Some(1));
}
