//! The logs of several ranks are diagnosed as one run.
use barograph_monitor::{EvidenceMode, diagnose};
use barograph_store::{Options, RunState, Writer, runs, summarize};
use barograph_vocab::{
    Diagnosis, Exactness, Fact, FactKey, FactValue, Incident, Phase, Provenance, Record, RowsOf, RunEnd, RunStart,
    Scalar, StepRecord, Verdict,
};
use std::path::Path;

/// Writes the log of one rank: a run of these losses and checksums.
fn write(run: &Path, rank: u32, steps: &[(f64, u64)], extra: impl Fn(u64) -> Vec<Record>) {
    let folder = run.join(format!("rank={rank:05}"));
    let mut writer = Writer::create(folder, Options::default()).unwrap();
    let name = format!("run of {rank}");
    writer.append(&Record::Start(RunStart { name, started: 1, framework: "torch".to_owned() })).unwrap();
    for (key, value) in [(FactKey::WorldSize, 3.0), (FactKey::Parameters, 10.0), (FactKey::Rank, f64::from(rank))] {
        let value = FactValue::Number(value);
        writer.append(&Record::Fact(Fact { key, site: None, value, provenance: Provenance::Measured })).unwrap();
    }
    for (step, &(loss, checksum)) in (0..).zip(steps) {
        let scalars =
            vec![(Scalar::Loss, loss), (Scalar::WeightsChecksum, checksum as f64), (Scalar::StepSeconds, 0.1)];
        writer.append_step(&StepRecord { step, scalars, stands_for: 1, ..StepRecord::default() }).unwrap();
        for record in extra(step) {
            writer.append(&record).unwrap();
        }
    }
    writer.append(&Record::End { steps: steps.len() as u64, reason: RunEnd::Completed }).unwrap();
    writer.close().unwrap();
}

fn none(_step: u64) -> Vec<Record> {
    Vec::new()
}

fn well(steps: u64) -> Vec<(f64, u64)> {
    (0..steps).map(|step| (2.0 / (step + 1) as f64, 100 + step)).collect()
}

fn diagnosed(run: &Path) -> Diagnosis {
    diagnose(run, EvidenceMode::All, |_| ()).unwrap()
}

fn finding<'a>(diagnosis: &'a Diagnosis, name: &str) -> &'a barograph_vocab::Finding {
    let found = diagnosis.findings.iter().find(|finding| finding.name == name);
    found.unwrap_or_else(|| panic!("no {name} in {:?}", diagnosis.findings))
}

fn incident(step: u64, phase: Phase, operation: &str) -> Record {
    Record::Incident(Incident {
        step,
        phase,
        operation: operation.to_owned(),
        site: "loss".to_owned(),
        source: None,
        rows: Vec::new(),
        rows_of: RowsOf::Batch,
        row_count: 0,
        inputs: Vec::new(),
        victims: 1,
        exactness: Exactness::Witnessed,
    })
}

#[test]
fn ranks_that_agree_are_one_healthy_run() {
    let runs_folder = tempfile::tempdir().unwrap();
    let run = runs_folder.path().join("a-001");
    (0..3).for_each(|rank| write(&run, rank, &well(30), none));
    let diagnosis = diagnosed(&run);
    assert_eq!((diagnosis.run.as_str(), diagnosis.steps), ("run of 0", 30));
    assert_ne!(diagnosis.verdict, Verdict::Unhealthy);
    assert_eq!(diagnosis.notes, Vec::<String>::new());
    for rule in ["ranks-differ", "rank-straggles", "rank-not-finite-first"] {
        assert!(diagnosis.checked.iter().any(|checked| checked == rule), "{rule}: {:?}", diagnosis.not_checked);
    }
    let listed = runs(runs_folder.path()).unwrap();
    let listed: Vec<_> = listed.iter().map(|run| (run.path.clone(), run.name.as_str(), run.state, run.steps)).collect();
    assert_eq!(listed, [(run.clone(), "run of 0", RunState::Ended, 30)]);
    assert_eq!(summarize(&run).last_loss, Some(2.0 / 30.0));
}

#[test]
fn a_rank_of_other_weights_is_named_with_its_step() {
    let run = tempfile::tempdir().unwrap();
    let mut other = well(30);
    other[12..].iter_mut().for_each(|(_, checksum)| *checksum += 1000);
    write(run.path(), 0, &well(30), none);
    write(run.path(), 1, &well(30), none);
    write(run.path(), 2, &other, none);
    let diagnosis = diagnosed(run.path());
    assert_eq!(finding(&diagnosis, "ranks-differ").step, 12);
    assert!(finding(&diagnosis, "ranks-differ").message.starts_with("rank 2 holds other weights than ranks 0 and 1"));
    assert_eq!(diagnosis.causes[0].slug, "ranks-diverged");
}

#[test]
fn the_first_incident_of_all_ranks_is_that_of_the_run() {
    let run = tempfile::tempdir().unwrap();
    let mut bad = well(10);
    bad[7].0 = f64::NAN;
    write(run.path(), 0, &well(10), |step| match step {
        7 => vec![incident(7, Phase::Backward, "backward")],
        _ => Vec::new(),
    });
    write(run.path(), 1, &well(10), none);
    write(run.path(), 2, &bad, |step| match step {
        7 => vec![incident(7, Phase::Forward, "log")],
        _ => Vec::new(),
    });
    let diagnosis = diagnosed(run.path());
    let first = finding(&diagnosis, "rank-not-finite-first");
    let told = "rank 2 broke first: its loss is not finite; ranks 0 and 1 followed in the same step";
    assert_eq!((first.step, first.message.as_str()), (7, told));
    assert_eq!(diagnosis.incident.as_ref().map(|incident| incident.operation.as_str()), Some("log"));
    assert!(diagnosis.notes.contains(&"the first bad operation is from the log of rank 2".to_owned()));
    assert_eq!(diagnosis.verdict, Verdict::Unhealthy);
}

#[test]
fn what_is_missing_is_a_note() {
    let run = tempfile::tempdir().unwrap();
    write(run.path(), 0, &well(20), none);
    write(run.path(), 1, &well(12), none);
    let diagnosis = diagnosed(run.path());
    assert_eq!(diagnosis.steps, 20);
    let notes = ["rank 2 of 3 left no log", "rank 1: its log ends with step 11, that of rank 0 with step 19"];
    assert_eq!(diagnosis.notes, notes);
    std::fs::create_dir(run.path().join("rank=00002")).unwrap();
    let notes = diagnosed(run.path()).notes;
    assert!(notes.iter().any(|note| note.starts_with("rank 2 has no log that can be read: ")), "{notes:?}");
}

#[test]
fn a_log_that_was_cut_is_read_as_far_as_it_goes() {
    let run = tempfile::tempdir().unwrap();
    (0..3).for_each(|rank| write(run.path(), rank, &well(20), none));
    let log = run.path().join("rank=00001/log-00000.wal");
    let bytes = std::fs::read(&log).unwrap();
    std::fs::write(&log, &bytes[..bytes.len() / 2]).unwrap();
    std::fs::remove_dir_all(run.path().join("rank=00000")).unwrap();
    std::fs::remove_file(run.path().join("rank=00002/log-00000.wal")).unwrap();
    let diagnosis = diagnosed(run.path());
    assert_eq!(diagnosis.run, "run of 1");
    assert!(diagnosis.steps > 2 && diagnosis.steps < 20);
    let notes = diagnosis.notes.join("\n");
    assert!(notes.contains("rank 0 left no log: loss, readings and findings are those of rank 1"), "{notes}");
}

#[test]
fn weights_of_different_sizes_are_not_compared() {
    let run = tempfile::tempdir().unwrap();
    let other: Vec<_> = well(10).into_iter().map(|(loss, checksum)| (loss, checksum + 1)).collect();
    write(run.path(), 0, &well(10), none);
    write(run.path(), 1, &well(10), none);
    let more =
        Fact { key: FactKey::Parameters, site: None, value: FactValue::Number(99.0), provenance: Provenance::Measured };
    write(run.path(), 2, &other, |step| if step == 0 { vec![Record::Fact(more.clone())] } else { Vec::new() });
    let diagnosis = diagnosed(run.path());
    assert!(diagnosis.findings.iter().all(|finding| finding.name != "ranks-differ"));
    assert!(diagnosis.notes.iter().any(|note| note.contains("different numbers of parameters")));
}
