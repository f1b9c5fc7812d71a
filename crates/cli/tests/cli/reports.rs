//! Reports: the same from a live run and from its log, in every format, with colour only where it is wanted.
use crate::binary::{Desk, Said};

/// A run whose loss becomes NaN, its remedies tried.
fn broken() -> (Desk, Said) {
    let desk = Desk::new();
    desk.spoil_a_row();
    let said = desk.run(["train", "recipe.toml", "--run-dir", "run", "--verify", "--set", "data.validation=0"]);
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    (desk, said)
}

#[test]
fn diagnose_repeats_what_train_printed_byte_for_byte() {
    let (desk, said) = broken();
    assert!(said.out.contains("verified: "), "{}", said.out);
    assert_eq!(desk.run(["diagnose", "run"]).fine(), said.out);

    let desk = Desk::new();
    let out = desk.run(["train", "recipe.toml", "--run-dir", "run"]).fine();
    assert_eq!(desk.run(["diagnose", "run"]).fine(), out);
    let json = desk.run(["train", "recipe.toml", "--run-dir", "again", "--format", "json"]).fine();
    assert_eq!(desk.run(["diagnose", "again", "--format", "json"]).fine(), json);
}

#[test]
fn remedies_are_tried_and_the_log_keeps_what_they_did() {
    let (_, said) = broken();
    assert!(said.err.contains("tried: "), "{}", said.err);
}

#[test]
fn every_format_says_the_same_cause() {
    let (desk, said) = broken();
    let cause = said.out.lines().find_map(|line| line.strip_prefix("cause: ")).expect("a cause");
    let slug = cause.split(' ').next().expect("a slug");
    for format in ["terminal", "json", "markdown", "html"] {
        let text = desk.run(["diagnose", "run", "--format", format]).fine();
        assert!(text.contains(slug), "{format}: {text}");
    }
    let page = desk.run(["diagnose", "run", "--format", "html"]).fine();
    assert_eq!(desk.read("run/report.html"), page);
    let json: serde_json::Value =
        serde_json::from_str(&desk.run(["diagnose", "run", "--format", "json"]).fine()).expect("JSON");
    assert_eq!(json["verdict"], "unhealthy");
}

#[test]
fn a_report_goes_to_a_file_in_the_format_of_its_ending() {
    let (desk, _) = broken();
    assert_eq!(desk.run(["diagnose", "run", "--output", "out.html"]).fine(), "");
    assert_eq!(desk.read("out.html"), desk.read("run/report.html"));
    desk.run(["diagnose", "run", "--output", "out.md"]).fine();
    assert!(desk.read("out.md").starts_with('#'));
    let refused = desk.run(["diagnose", "run", "--output", "no/such/folder.md"]).refused();
    assert!(refused.contains("no/such/folder.md: cannot write the file"), "{refused}");
}

#[test]
fn declared_facts_can_be_left_out() {
    let (desk, _) = broken();
    assert!(desk.run(["diagnose", "run", "--evidence", "measured"]).fine().starts_with("error["));
}

#[test]
fn colour_is_for_terminals_unless_told_otherwise() {
    let (desk, _) = broken();
    let escapes = |arguments: &[&str]| desk.run(arguments).fine().contains('\u{1b}');
    assert!(!escapes(&["diagnose", "run"]));
    assert!(escapes(&["diagnose", "run", "--color", "always"]));
    assert!(!escapes(&["diagnose", "run", "--color", "never"]));
}

#[test]
fn ascii_is_enough_where_the_locale_has_nothing_else() {
    let (desk, _) = broken();
    let said = desk.shell("LC_ALL=C \"$barograph\" diagnose run").fine();
    assert!(said.is_ascii(), "{said}");
}
