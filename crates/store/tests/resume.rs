//! Logs that a later process goes on with.
use barograph_store::{Options, Reader, StoreError, Writer};
use barograph_vocab::{Record, RunEnd, RunStart, Scalar, StepRecord};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

fn step(number: u64) -> StepRecord {
    StepRecord { step: number, scalars: vec![(Scalar::Loss, number as f64)], stands_for: 1, ..StepRecord::default() }
}

/// Segments of 4 KiB, so that a few hundred steps fill several.
fn options() -> Options {
    Options { cap_bytes: 1 << 20, first_segment_bytes: 4 << 10, segment_bytes: 4 << 10, ..Options::default() }
}

fn write(dir: &Path, steps: std::ops::Range<u64>) {
    let mut writer = Writer::create(dir, options()).unwrap();
    writer.append(&Record::Start(RunStart::default())).unwrap();
    for number in steps {
        writer.append_step(&step(number)).unwrap();
    }
    writer.append(&Record::End { steps: 0, reason: RunEnd::Failed }).unwrap();
    writer.close().unwrap();
}

/// Keeps what comes before a step.
fn before(limit: u64) -> impl FnMut(&Record) -> bool {
    move |record| match record {
        Record::Step(step) => step.step < limit,
        Record::End { .. } => false,
        _ => true,
    }
}

fn steps(dir: &Path) -> Vec<u64> {
    let records = Reader::open(dir).unwrap().map(Result::unwrap);
    let number = |record| match record {
        Record::Step(step) => Some(step.step),
        _ => None,
    };
    records.filter_map(number).collect()
}

fn segments(dir: &Path) -> usize {
    let entries = std::fs::read_dir(dir).unwrap().flatten();
    entries.filter(|entry| entry.path().extension().is_some_and(|ending| ending == "wal")).count()
}

#[test]
fn a_log_goes_on_from_wherever_it_is_cut() {
    for limit in [0, 1, 150, 599, 600, 900] {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("run");
        write(&dir, 0..600);
        assert!(segments(&dir) > 3, "{}", segments(&dir));
        let (mut writer, cut) = Writer::resume(&dir, options(), before(limit)).unwrap();
        assert_eq!(cut, 600 - limit.min(600));
        let from = limit.min(600);
        for number in from..700 {
            writer.append_step(&step(number)).unwrap();
        }
        writer.append(&Record::End { steps: 700, reason: RunEnd::Completed }).unwrap();
        writer.close().unwrap();
        assert_eq!(steps(&dir), (0..700).collect::<Vec<_>>(), "cut at {limit}");
        let mut reader = Reader::open(&dir).unwrap();
        let ends = reader.by_ref().filter(|record| matches!(record, Ok(Record::End { .. }))).count();
        assert_eq!((ends, reader.notes()), (1, Vec::<String>::new()));
    }
}

#[test]
fn what_was_not_written_whole_is_cut_off_too() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0..10);
    let file = folder.path().join("log-00000.wal");
    let mut log = OpenOptions::new().append(true).open(&file).unwrap();
    log.write_all(&[200, 0, 0, 0, 1, 2, 3, 4, 5]).unwrap();
    let (mut writer, cut) = Writer::resume(folder.path(), options(), before(8)).unwrap();
    assert_eq!(cut, 2);
    writer.append_step(&step(8)).unwrap();
    writer.close().unwrap();
    assert_eq!(steps(folder.path()), (0..9).collect::<Vec<_>>());
}

#[test]
fn a_log_that_is_being_written_or_that_is_not_there_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("run");
    std::fs::create_dir(&dir).unwrap();
    assert!(matches!(Writer::resume(&dir, options(), |_| true), Err(StoreError::NotARun { .. })));
    let writer = Writer::create(&dir, options()).unwrap();
    assert!(matches!(Writer::resume(&dir, options(), |_| true), Err(StoreError::Exists { .. })));
    drop(writer);
}
