//! What a person reads when a log cannot be opened or written.
mod support;

use barograph_store::{Options, Reader, Writer};
use std::fs;
use std::path::Path;
use support::{note, write_run};

fn opening(root: &Path, name: &str) -> String {
    let error = Reader::open(root.join(name)).unwrap_err();
    error.to_string().replace(&root.display().to_string(), "RUNS")
}

#[test]
fn each_error_says_what_where_and_what_to_do() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    for name in ["many/alpha", "many/beta", "many/gamma", "many/delta"] {
        write_run(&at(name), Options::default(), &[note(1)]);
    }
    fs::create_dir(at("empty-folder")).unwrap();
    fs::create_dir(at("board")).unwrap();
    fs::write(at("board/events.out.tfevents.1.host"), "x").unwrap();
    fs::create_dir(at("other")).unwrap();
    fs::write(at("other/main.py"), "x").unwrap();
    write_run(&at("no-record"), Options::default(), &[]);
    write_run(&at("foreign"), Options::default(), &[note(1)]);
    fs::write(at("foreign/log-00000.wal"), b"\x1f\x8b\x08gzip and more than one header of it").unwrap();
    write_run(&at("newer"), Options::default(), &[note(1)]);
    let mut bytes = fs::read(at("newer/log-00000.wal")).unwrap();
    bytes[8] = 9;
    fs::write(at("newer/log-00000.wal"), &bytes).unwrap();
    bytes[8] = 1;
    bytes[30] ^= 1;
    fs::create_dir(at("damaged")).unwrap();
    fs::write(at("damaged/log-00000.wal"), &bytes).unwrap();

    let names = [
        "many",
        "many/epsilon",
        "many/alpha/log-00000.wal",
        "empty-folder",
        "board",
        "other",
        "other/main.py",
        "nowhere",
        "no-record",
        "foreign",
        "newer",
        "damaged",
    ];
    let told: Vec<_> = names.iter().map(|name| opening(root.path(), name)).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_second_log_in_a_folder_is_refused_in_words() {
    let root = tempfile::tempdir().unwrap();
    write_run(root.path(), Options::default(), &[note(1)]);
    let error = Writer::create(root.path(), Options::default()).unwrap_err();
    let told = error.to_string().replace(&root.path().display().to_string(), "RUN");
    insta::assert_snapshot!(told, @"RUN: already holds a run log; choose another folder, or move this one away");
}
