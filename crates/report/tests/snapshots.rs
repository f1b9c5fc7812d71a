//! What people and programs read, for a run of each kind.
mod common;

use barograph_report::{Report, TerminalOptions, json, markdown, terminal};
use common::Case;

const NARROW: TerminalOptions = TerminalOptions { width: 48, color: false, ascii: true };
const USUAL: TerminalOptions = TerminalOptions { width: 80, color: false, ascii: false };
const WIDE: TerminalOptions = TerminalOptions { width: 120, color: true, ascii: false };

fn check(name: &str, case: &Case) {
    let report = Report { diagnosis: &case.diagnosis, curves: &case.curves, samples: &case.samples };
    let snapshot = |format: &str, text: &str| insta::assert_snapshot!(format!("{name}_{format}"), text);
    snapshot("terminal_80", &terminal(&report, &USUAL));
    snapshot("terminal_48", &terminal(&report, &NARROW));
    // The escape character would colour the terminal of whoever reviews the snapshot.
    snapshot("terminal_120_color", &terminal(&report, &WIDE).replace('\u{1b}', "<ESC>"));
    snapshot("json", &json(&case.diagnosis));
    snapshot("markdown", &markdown(&report));
}

#[test]
fn a_run_that_broke() {
    check("unhealthy", &common::unhealthy());
}

#[test]
fn a_run_that_learns() {
    check("healthy", &common::healthy());
}

#[test]
fn a_run_that_is_odd() {
    check("unsure", &common::unsure());
}

#[test]
fn a_run_with_hostile_texts() {
    check("hostile", &common::hostile());
}
