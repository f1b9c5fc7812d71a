//! Reading a run while it is written, and lists of runs.
mod support;

use barograph_store::{Options, Reader, RunState, StoreError, Writer, incident_folder, is_run, runs};
use barograph_vocab::{Record, RunEnd, RunStart};
use std::path::Path;
use support::{note, read_run, usual_run, usual_step, write_run};

/// Segments so small that a few steps fill one.
fn tiny() -> Options {
    Options { cap_bytes: 4 << 20, first_segment_bytes: 1, segment_bytes: 1, ..Options::default() }
}

#[test]
fn a_reader_follows_the_writer_across_segments() {
    for map in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::create(dir.path(), Options { map, ..tiny() }).unwrap();
        let mut reader = Reader::open(dir.path()).unwrap();
        assert_eq!(reader.next_record().unwrap(), None);
        for step in 0..300 {
            writer.append(&note(step)).unwrap();
            writer.append_step(&usual_step(step, 3)).unwrap();
            if step % 7 == 0 {
                continue;
            }
            let caught_up: Vec<_> = reader.by_ref().map(Result::unwrap).collect();
            assert!(caught_up.contains(&note(step)));
            assert_eq!(reader.state(), RunState::Running);
            assert_eq!(reader.notes(), ["the run is still being written"]);
        }
        writer.append(&Record::End { steps: 300, reason: RunEnd::Completed }).unwrap();
        writer.close().unwrap();
        assert!(matches!(reader.next_record().unwrap(), Some(Record::End { steps: 300, .. })));
        assert_eq!(reader.next_record().unwrap(), None);
        assert_eq!(reader.state(), RunState::Ended);
        assert!(reader.notes().is_empty());
        assert_eq!(read_run(dir.path()).0.len(), 601);
    }
}

#[test]
fn what_is_appended_can_be_read_at_once_by_another_reader() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(dir.path(), Options::default()).unwrap();
    for step in 0..20 {
        writer.append(&note(step)).unwrap();
        let (records, _) = read_run(dir.path());
        assert_eq!(records.len() as u64, step + 1);
    }
}

#[test]
fn a_closed_log_takes_no_more_room_than_its_records() {
    let dir = tempfile::tempdir().unwrap();
    write_run(dir.path(), Options::default(), &[note(1)]);
    let bytes = std::fs::metadata(dir.path().join("log-00000.wal")).unwrap().len();
    assert!(bytes < 100, "{bytes} bytes");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_log_is_written_once() {
    let dir = tempfile::tempdir().unwrap();
    let writer = Writer::create(dir.path(), Options::default()).unwrap();
    assert!(matches!(Writer::create(dir.path(), Options::default()), Err(StoreError::Exists { .. })));
    drop(writer);
    assert!(matches!(Writer::create(dir.path(), Options::default()), Err(StoreError::Exists { .. })));
}

#[test]
fn a_record_beyond_the_limit_is_left_out_and_the_log_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(dir.path(), Options::default()).unwrap();
    let huge = Record::Note { step: 0, text: "x".repeat(17 << 20) };
    assert!(matches!(writer.append(&huge), Err(StoreError::TooLarge { .. })));
    let large = Record::Note { step: 1, text: "x".repeat(5 << 20) };
    writer.append(&large).unwrap();
    writer.append(&note(2)).unwrap();
    assert_eq!(writer.health().dropped, 1);
    writer.close().unwrap();
    assert_eq!(read_run(dir.path()).0, [large, note(2)]);
}

#[test]
fn runs_are_listed_by_name_with_their_state() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    write_run(&at("b-ended"), tiny(), &usual_run(300));
    write_run(&at("c-broken"), tiny(), &usual_run(10)[..6]);
    let mut running = Writer::create(at("a-running"), tiny()).unwrap();
    running.append(&Record::Start(RunStart { name: "live".to_owned(), ..RunStart::default() })).unwrap();
    running.append_step(&usual_step(41, 1)).unwrap();
    std::fs::create_dir(at("d-not-a-run")).unwrap();
    std::fs::create_dir(at("e-foreign")).unwrap();
    std::fs::write(at("e-foreign").join("log-00000.wal"), "hello, world").unwrap();

    let listed = runs(dir.path()).unwrap();
    let told: Vec<_> =
        listed.iter().map(|run| (run.name.as_str(), run.state, run.steps, run.trouble.is_some())).collect();
    assert_eq!(
        told,
        [
            ("live", RunState::Running, 42, false),
            ("a run", RunState::Ended, 300, false),
            ("a run", RunState::BrokenOff, 5, false),
            ("e-foreign", RunState::BrokenOff, 0, true),
        ]
    );
    let loss = usual_step(299, 1).scalars[0].1;
    assert_eq!(listed[1].last_loss, Some(loss));
    assert!(is_run(at("b-ended")) && !is_run(at("d-not-a-run")) && !is_run(at("nothing")));
}

#[test]
fn the_incident_folder_is_in_the_run() {
    assert_eq!(incident_folder("runs/a"), Path::new("runs/a/incident"));
}
