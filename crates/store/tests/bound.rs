//! A log stays below its bound, and thinning hides nothing.
mod support;

use barograph_store::{Appended, Options, Writer};
use barograph_vocab::{
    Exactness, Finding, Incident, Phase, Record, RowsOf, RunEnd, Scalar, Severity, Site, StepRecord,
};
use std::fs;
use std::path::Path;
use std::time::Duration;
use support::{read_run, usual_step};

const CAP: u64 = 1 << 20;

fn bytes_in(dir: &Path) -> u64 {
    // A file may be replaced between its listing and the question for its size.
    fs::read_dir(dir).unwrap().filter_map(|entry| entry.ok()?.metadata().ok()).map(|data| data.len()).sum()
}

fn finding(step: u64) -> Record {
    Record::Finding(Finding {
        code: "LOS001".to_owned(),
        name: "loss-spike".to_owned(),
        severity: Severity::Warning,
        step,
        site: None,
        role: None,
        message: "the loss rose".to_owned(),
        evidence: Vec::new(),
    })
}

fn incident(step: u64) -> Record {
    Record::Incident(Incident {
        step,
        phase: Phase::Forward,
        operation: "log".to_owned(),
        site: "head.log".to_owned(),
        source: None,
        rows: Vec::new(),
        rows_of: RowsOf::DataSet,
        row_count: 0,
        inputs: Vec::new(),
        victims: 1,
        exactness: Exactness::Exact,
    })
}

const STEPS: u64 = 30_000;
const NAN_AT: u64 = 3_333;
const SPIKE_AT: u64 = 4_444;
const BAD_ELEMENTS_AT: u64 = 5_555;
const INCIDENT_AT: u64 = 6_000;

fn step_at(number: u64) -> StepRecord {
    let mut step = usual_step(number, 1);
    match number {
        NAN_AT => step.scalars[0].1 = f64::NAN,
        SPIKE_AT => step.scalars[0].1 = 9e9,
        BAD_ELEMENTS_AT => (step.readings[0].reading.nan, step.readings[0].reading.max) = (17, 1e30),
        _ => {}
    }
    step
}

fn step_of(record: &Record) -> Option<&StepRecord> {
    if let Record::Step(step) = record { Some(step) } else { None }
}

#[test]
fn thinning_keeps_the_bound_and_hides_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(dir.path(), Options { cap_bytes: CAP, ..Options::default() }).unwrap();
    let mut findings = 0;
    for number in 0..STEPS {
        if number % 1000 == 0 {
            let path = format!("layer.{number}");
            writer.append(&Record::Site(Site { path, order: 0, units: 0, shape: vec![] })).unwrap();
        }
        // A trainer is slower than this loop; here the keeper gets its time when it falls behind.
        let step = step_at(number);
        while writer.append_step(&step).unwrap() == Appended::Dropped {
            std::thread::sleep(Duration::from_millis(1));
        }
        if number % 100 == 7 {
            writer.append(&finding(number)).unwrap();
            findings += 1;
        }
        if number == INCIDENT_AT {
            writer.append(&incident(number)).unwrap();
        }
        if number % 50 == 0 {
            assert!(bytes_in(dir.path()) <= CAP, "{} bytes at step {number}", bytes_in(dir.path()));
        }
    }
    writer.append(&Record::End { steps: STEPS, reason: RunEnd::Completed }).unwrap();
    assert_eq!(writer.health().trouble, None);
    writer.close().unwrap();
    assert!(bytes_in(dir.path()) <= CAP);

    let (records, reader) = read_run(dir.path());
    let steps: Vec<&StepRecord> = records.iter().filter_map(step_of).collect();
    every_step_is_stood_for(&steps);
    head_tail_and_incident_are_whole(&steps);
    nothing_is_hidden(&steps);
    assert_eq!(records.iter().filter(|record| matches!(record, Record::Finding(_))).count(), findings);
    order_is_kept(&records);
    let notes = reader.notes();
    assert!(notes.iter().any(|note| note.contains("are thinned to one record in up to")), "{notes:?}");
}

fn every_step_is_stood_for(steps: &[&StepRecord]) {
    let mut next = 0;
    for step in steps {
        assert_eq!(step.step, next);
        next += u64::from(step.stands_for);
    }
    assert_eq!(next, STEPS);
}

fn head_tail_and_incident_are_whole(steps: &[&StepRecord]) {
    let whole = |from: u64, to: u64| {
        steps
            .iter()
            .filter(|step| (from..to).contains(&step.step))
            .all(|step| step.stands_for == 1 && **step == step_at(step.step))
    };
    // 128 KiB of the head and 256 KiB of the tail, at about 130 bytes a step.
    assert!(whole(0, 800));
    assert!(whole(STEPS - 1500, STEPS));
    assert!(whole(INCIDENT_AT - 256, INCIDENT_AT + 64));
    assert!(!whole(800, INCIDENT_AT - 256));
    assert!(steps.iter().any(|step| step.stands_for >= 4));
}

fn nothing_is_hidden(steps: &[&StepRecord]) {
    let holding = |number: u64| {
        *steps.iter().find(|step| (step.step..step.step + u64::from(step.stands_for)).contains(&number)).unwrap()
    };
    assert!(holding(NAN_AT).scalar(Scalar::Loss).unwrap().is_nan());
    assert_eq!(holding(SPIKE_AT).scalar(Scalar::Loss), Some(9e9));
    let reading = holding(BAD_ELEMENTS_AT).readings[0].reading;
    assert_eq!((reading.nan, reading.max), (17, 1e30));
}

fn order_is_kept(records: &[Record]) {
    let mut last_step = None;
    for record in records {
        match record {
            Record::Step(step) => last_step = Some(step.step + u64::from(step.stands_for)),
            // What is said of a step comes after it.
            Record::Finding(finding) => assert!(last_step.is_some_and(|end| finding.step < end)),
            _ => {}
        }
    }
}

#[test]
fn what_finds_no_room_is_left_out_counted_and_said_in_the_log() {
    // One segment's worth of records that cannot be thinned at a time, until the bound: notes are always kept.
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(dir.path(), Options { cap_bytes: CAP, ..Options::default() }).unwrap();
    let note = Record::Note { step: 0, text: "n".repeat(1000) };
    let mut written = 0;
    while writer.append(&note).unwrap() == Appended::Written {
        written += 1;
    }
    assert!(written > 900);
    assert_eq!(writer.append_step(&usual_step(7, 1)).unwrap(), Appended::Dropped);
    assert_eq!(writer.health().dropped, 2);
    assert!(bytes_in(dir.path()) <= CAP);
    writer.close().unwrap();
    assert!(bytes_in(dir.path()) <= CAP);
    let (records, _) = read_run(dir.path());
    assert_eq!(records.len(), written + 1);
    assert!(matches!(records.last(), Some(Record::Dropped { count: 2, .. })), "{:?}", records.last());
}
