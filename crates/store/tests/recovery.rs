//! Killed, torn, damaged: what was acknowledged can be read, and what cannot be read is said.
mod support;

use barograph_store::{Options, Reader, RunState, Writer, summarize};
use barograph_vocab::Record;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::{note, read_run, steps_of, usual_run, usual_step, write_run};

const CHILD: &str = "BAROGRAPH_TEST_KILL_CHILD";

/// The child's half of the next test: steps without end, each acknowledged.
fn append_until_killed(dir: &Path) {
    let options = Options { first_segment_bytes: 16 << 10, segment_bytes: 64 << 10, ..small(true) };
    let mut writer = Writer::create(dir, options).unwrap();
    let mut out = std::io::stdout().lock();
    for step in 0.. {
        writer.append_step(&usual_step(step, 3)).unwrap();
        writeln!(out, "\nacknowledged {step}").unwrap();
    }
}

fn small(map: bool) -> Options {
    Options { cap_bytes: 64 << 20, map, ..Options::default() }
}

#[test]
fn kill_9_loses_nothing_that_was_acknowledged() {
    if let Some(dir) = std::env::var_os(CHILD) {
        append_until_killed(Path::new(&dir));
        return;
    }
    for wanted in [0, 40, 700] {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill_9_loses_nothing_that_was_acknowledged", "--nocapture"])
            .env(CHILD, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut acknowledged = || lines.find_map(|line| line.strip_prefix("acknowledged ")?.parse::<u64>().ok());
        while acknowledged().unwrap() < wanted {}
        assert_eq!(summarize(dir.path()).state, RunState::Running);
        child.kill().unwrap();
        child.wait().unwrap();
        let mut last = wanted;
        while let Some(step) = acknowledged() {
            last = step;
        }
        let (records, reader) = read_run(dir.path());
        let steps = steps_of(&records);
        assert!(steps.len() as u64 > last, "{} steps were read, {last} was acknowledged", steps.len());
        assert!(steps.iter().copied().eq(0..steps.len() as u64));
        assert_eq!(reader.state(), RunState::BrokenOff);
    }
}

fn segment(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("log-{number:05}.wal"))
}

#[test]
fn a_torn_tail_is_left_out_and_said_wherever_it_was_torn() {
    for map in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let mut records = usual_run(5);
        records.truncate(6);
        write_run(dir.path(), small(map), &records[..5]);
        let before = fs::read(segment(dir.path(), 0)).unwrap().len();
        let whole = tempfile::tempdir().unwrap();
        write_run(whole.path(), small(map), &records);
        let bytes = fs::read(segment(whole.path(), 0)).unwrap();
        for end in before..=bytes.len() {
            // Cut off, as after `write(2)`, and with the rest of the space set aside, as after a crash of the machine.
            for padding in [0, 4096] {
                let mut torn = bytes[..end].to_vec();
                torn.resize(end + padding, 0);
                fs::write(segment(whole.path(), 0), &torn).unwrap();
                let (read, reader) = read_run(whole.path());
                // Zeros that were cut off and set aside again are the same zeros.
                let intact = if torn.starts_with(&bytes) { 6 } else { 5 };
                assert_eq!(read, records[..intact], "torn at {end}");
                let said =
                    reader.notes().iter().any(|note| note.contains("are incomplete") && note.contains("4 steps"));
                let visible = bytes[before..end].iter().any(|byte| *byte != 0);
                assert_eq!(said, intact == 5 && visible, "torn at {end}: {:?}", reader.notes());
                assert_eq!(fs::read(segment(whole.path(), 0)).unwrap(), torn, "reading changed the run");
            }
        }
    }
}

#[test]
fn the_note_of_a_torn_tail_reads_well() {
    let dir = tempfile::tempdir().unwrap();
    write_run(dir.path(), small(true), &usual_run(812)[..813]);
    let path = segment(dir.path(), 0);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 100]).unwrap();
    let (_, reader) = read_run(dir.path());
    insta::assert_snapshot!(reader.notes().join("\n"));
}

#[test]
fn no_flipped_bit_goes_unseen() {
    let dir = tempfile::tempdir().unwrap();
    let records = [note(0), note(1), note(2)];
    write_run(dir.path(), small(true), &records);
    let path = segment(dir.path(), 0);
    let bytes = fs::read(&path).unwrap();
    for bit in 40 * 8..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &damaged).unwrap();
        let mut reader = match Reader::open(dir.path()) {
            Ok(reader) => reader,
            Err(error) => {
                assert!(error.to_string().contains("holds no record"), "bit {bit}: {error}");
                continue;
            }
        };
        let read: Vec<_> = reader.by_ref().map(Result::unwrap).collect();
        assert!(read.len() < 3, "bit {bit} of byte {} went unseen", bit / 8);
        assert!(read.iter().all(|record| records.contains(record)));
        assert!(reader.notes().iter().any(|note| note.contains("log-00000.wal")), "bit {bit}: {:?}", reader.notes());
    }
}

#[test]
fn one_damaged_record_costs_one_record() {
    let dir = tempfile::tempdir().unwrap();
    let records = usual_run(20);
    write_run(dir.path(), small(true), &records);
    let path = segment(dir.path(), 0);
    let bytes = fs::read(&path).unwrap();
    // Every byte of two frames, so that lengths, checksums and records are all hit.
    for place in bytes.len() / 2..bytes.len() / 2 + 500 {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x10;
        fs::write(&path, &damaged).unwrap();
        let (read, reader) = read_run(dir.path());
        assert_eq!(read.len(), records.len() - 1, "byte {place}");
        assert_eq!(reader.state(), RunState::Ended);
        assert!(reader.notes()[0].contains("are damaged and were left out"), "{:?}", reader.notes());
    }
}

#[test]
fn a_missing_or_foreign_segment_is_said_and_the_rest_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { first_segment_bytes: 1 << 10, segment_bytes: 1 << 10, ..small(true) };
    let records = usual_run(5000);
    write_run(dir.path(), options, &records);
    let whole = read_run(dir.path()).0;
    assert_eq!(whole, records);
    fs::remove_file(segment(dir.path(), 1)).unwrap();
    fs::write(segment(dir.path(), 2), "not a log").unwrap();
    let (read, reader) = read_run(dir.path());
    assert!(!read.is_empty() && read.len() < records.len());
    let notes = reader.notes().join("\n");
    assert!(notes.contains("log-00002.wal: not a Barograph log: it begins with \"not a lo\""), "{notes}");
    assert!(notes.contains("log-00001.wal to log-00002.wal are missing"), "{notes}");
}

#[test]
fn a_record_of_an_unknown_kind_does_not_stop_the_reader() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(dir.path(), small(true)).unwrap();
    writer.append(&note(0)).unwrap();
    writer.append_encoded(&[222, 1, 2, 3]).unwrap();
    writer.append(&note(1)).unwrap();
    writer.close().unwrap();
    let (read, reader) = read_run(dir.path());
    assert_eq!(read, [note(0), note(1)]);
    assert!(reader.notes()[0].contains("1 record or reading of a kind"), "{:?}", reader.notes());
}

#[test]
fn any_bytes_behind_the_header_are_safe() {
    use proptest::test_runner::{Config, TestRunner};
    let dir = tempfile::tempdir().unwrap();
    write_run(dir.path(), small(true), &usual_run(3));
    let path = segment(dir.path(), 0);
    let bytes = fs::read(&path).unwrap();
    let garbage = proptest::collection::vec(proptest::num::u8::ANY, 0..200);
    let place = proptest::sample::select((40..bytes.len()).collect::<Vec<_>>());
    TestRunner::new(Config::with_cases(300))
        .run(&(garbage, place), |(garbage, place)| {
            fs::write(&path, [&bytes[..place], &garbage].concat()).unwrap();
            if let Ok(reader) = Reader::open(dir.path()) {
                let read: Vec<Record> = reader.map(Result::unwrap).collect();
                assert!(read.len() <= 5 + garbage.len());
            }
            Ok(())
        })
        .unwrap();
}
