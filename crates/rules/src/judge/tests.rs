//! How the engine behaves, whatever the rules.
use super::Judge;
use crate::facts::EvidenceMode;
use crate::prelude::*;
use barograph_vocab::{
    Exactness, Fact, FactKey, FactValue, Incident, OperationInput, Phase, Provenance, Reading, Record, RowsOf, RunEnd,
    RunStart, Site, SiteReading, StepRecord, Verdict as Answer,
};

rule! {
    /// Panics at step 3.
    static PANICS: Rule = Rule {
        code: "TST001",
        name: "panics",
        severity: Severity::Note,
        needs: &[],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(Panics),
    };
}

struct Panics;

impl Watch for Panics {
    fn see(&mut self, view: &StepView<'_>, _site: Option<SiteId>) -> Verdict {
        assert!(view.step() < 3, "on purpose");
        Verdict::Healthy
    }
}

rule! {
    /// Finds every site at step 2.
    static EACH: Rule = Rule {
        code: "TST002",
        name: "each",
        severity: Severity::Warning,
        needs: &[Need::Reading(Role::Weight), Need::Scalar(Scalar::Loss)],
        scope: Scope::Each(Role::Weight),
        since: "0.1.0",
        watch: || Box::new(Each),
    };
}

struct Each;

impl Watch for Each {
    fn see(&mut self, view: &StepView<'_>, site: Option<SiteId>) -> Verdict {
        if view.step() < 2 {
            return Verdict::TooEarly;
        }
        EACH.found(view.step(), "here").at(view, site, Role::Weight).into()
    }
}

fn site(path: &str, order: u32) -> Record {
    Record::Site(Site { path: path.to_owned(), order, units: 0, shape: Vec::new() })
}

fn step(step: u64, loss: f64, sites: &[u32]) -> StepRecord {
    let reading = Reading { count: 4, l2: 1.0, ..Reading::EMPTY };
    let readings = sites.iter().map(|id| SiteReading { site: SiteId(*id), role: Role::Weight, reading }).collect();
    StepRecord { step, scalars: vec![(Scalar::Loss, loss)], readings, stands_for: 1, ..StepRecord::default() }
}

#[test]
fn a_rule_that_panics_is_switched_off_and_reported_and_the_others_go_on() {
    let mut judge = Judge::with_rules(&[&PANICS, &EACH]);
    judge.see(&site("fc", 0));
    let found: usize = (0..5).map(|at| judge.see_step(&step(at, 1.0, &[0])).len()).sum();
    let diagnosis = judge.diagnosis(EvidenceMode::All);
    assert_eq!(found, 1);
    assert_eq!(diagnosis.checked, ["each"]);
    assert_eq!(diagnosis.not_checked[0].reason, "switched off: it panicked");
}

#[test]
fn findings_come_in_execution_order_once_per_site() {
    let mut judge = Judge::with_rules(&[&EACH]);
    judge.see(&site("last", 1));
    judge.see(&site("first", 0));
    let found: Vec<_> = (0..5).flat_map(|at| judge.see_step(&step(at, 1.0, &[0, 1])).to_vec()).collect();
    let sites: Vec<_> = found.iter().map(|finding| finding.site.as_deref().unwrap()).collect();
    assert_eq!(sites, ["first", "last"]);
}

#[test]
fn a_rule_without_its_signals_says_what_it_needs() {
    let mut judge = Judge::new();
    judge.see_step(&step(0, 1.0, &[]));
    let diagnosis = judge.diagnosis(EvidenceMode::All);
    let reason =
        |name: &str| diagnosis.not_checked.iter().find(|rule| rule.rule == name).map(|rule| rule.reason.as_str());
    assert_eq!(reason("units-dead"), Some("needs unit readings of activations"));
    assert_eq!(reason("loss-spike"), Some("too early"));
    assert!(diagnosis.checked.contains(&"loss-not-finite".to_owned()));
}

#[test]
fn a_nan_loss_is_the_finding_and_what_follows_is_a_note() {
    let mut judge = Judge::new();
    judge.see(&site("a", 0));
    judge.see(&site("b", 1));
    judge.see_step(&step(0, 1.0, &[0, 1]));
    let mut bad = step(1, f64::NAN, &[0, 1]);
    bad.readings.iter_mut().for_each(|entry| entry.reading.nan = 2);
    judge.see_step(&bad);
    judge.finish();
    let diagnosis = judge.diagnosis(EvidenceMode::All);
    let found: Vec<_> = diagnosis.findings.iter().map(|finding| (finding.name.as_str(), finding.severity)).collect();
    assert_eq!(found, [("loss-not-finite", Severity::Error), ("weight-not-finite", Severity::Note)]);
    assert!(diagnosis.findings[1].message.ends_with("and at 1 more site (b)"), "{}", diagnosis.findings[1].message);
    assert_eq!(diagnosis.verdict, Answer::Unhealthy);
}

#[test]
fn recorded_findings_stand_in_only_where_steps_were_thinned() {
    let Verdict::Found(recorded) = EACH.found(7, "recorded while it ran").into() else { unreachable!() };
    for (stands_for, expected) in [(1, 0), (8, 1)] {
        let mut judge = Judge::with_rules(&[&EACH]);
        judge.see(&Record::Step(StepRecord { stands_for, ..step(0, 1.0, &[]) }));
        judge.see(&Record::Finding((*recorded).clone()));
        judge.finish();
        assert_eq!(judge.diagnosis(EvidenceMode::All).findings.len(), expected);
    }
}

#[test]
fn a_log_without_an_end_says_so() {
    let mut judge = Judge::new();
    assert_eq!(judge.diagnosis(EvidenceMode::All).notes.len(), 1);
    judge.see(&Record::End { steps: 0, reason: RunEnd::Completed });
    assert!(judge.diagnosis(EvidenceMode::All).notes.is_empty());
}

#[test]
fn a_damaged_reading_is_skipped() {
    let mut judge = Judge::new();
    judge.see(&site("a", 0));
    let mut damaged = step(0, 1.0, &[0]);
    damaged.readings[0].reading.nan = u64::MAX;
    assert!(judge.see_step(&damaged).is_empty());
}

#[test]
fn what_a_run_does_not_have_is_not_missed() {
    let mut judge = Judge::new();
    judge.see_step(&step(0, 1.0, &[]));
    let reasons = |judge: &Judge| {
        let not_checked = judge.diagnosis(EvidenceMode::All).not_checked;
        move |name: &str| not_checked.iter().find(|rule| rule.rule == name).map(|rule| rule.reason.clone())
    };
    let apart = Some("does not apply to this run".to_owned());
    let reason = reasons(&judge);
    for name in ["output-loss-exploding", "always-clipped", "loss-scale-falling", "loss-broadcast", "ranks-differ"] {
        assert_eq!(reason(name), apart, "{name}");
    }
    // Of PyTorch it is measured where the loss can be seen, and where it cannot, it is missed.
    let start = |framework: &str| RunStart { framework: framework.to_owned(), ..RunStart::default() };
    judge.see(&Record::Start(start("torch 2.9")));
    assert_eq!(reasons(&judge)("loss-broadcast"), Some("needs the scalar `loss_rows_compared`".to_owned()));
    // What there is, is checked.
    let clipped = StepRecord { scalars: vec![(Scalar::Clipped, 0.0), (Scalar::Loss, 1.0)], ..step(1, 1.0, &[]) };
    judge.see_step(&clipped);
    assert_ne!(reasons(&judge)("always-clipped"), apart);
}

#[test]
fn the_operation_in_which_it_began_comes_first() {
    let mut judge = Judge::new();
    judge.see_step(&step(0, 1.0, &[]));
    judge.see_step(&step(1, f64::NAN, &[]));
    let input = OperationInput {
        name: "input".to_owned(),
        shape: vec![4],
        reading: Reading { zeros: 2, count: 4, ..Reading::EMPTY },
    };
    judge.see(&Record::Incident(Incident {
        step: 1,
        phase: Phase::Forward,
        operation: "log".to_owned(),
        site: "loss".to_owned(),
        source: None,
        rows: vec![0],
        rows_of: RowsOf::DataSet,
        row_count: 1,
        inputs: vec![input],
        victims: 1,
        exactness: Exactness::Exact,
    }));
    let found = judge.diagnosis(EvidenceMode::All).findings;
    let names: Vec<_> = found.iter().map(|finding| (finding.code.as_str(), finding.severity)).collect();
    assert_eq!(names, [("NUM001", Severity::Error), ("LOS001", Severity::Error)]);
}

#[test]
fn a_remedy_of_the_one_loss_is_words_where_there_are_several() {
    let edits = |loss: &str| {
        let mut judge = Judge::new();
        let (key, value) = (FactKey::Loss, FactValue::Text(loss.to_owned()));
        judge.see(&Record::Fact(Fact { key, site: None, value, provenance: Provenance::Declared }));
        judge.see_step(&step(0, 1.0, &[]));
        let slugs = ["wrong-loss-for-task", "loss-not-averaged", "log-of-nonpositive", "loss-activation-mismatch"];
        let remedies = slugs.iter().flat_map(|slug| judge.remedies(slug, EvidenceMode::All));
        remedies.flat_map(|remedy| remedy.change).filter(|edit| edit.key.starts_with("loss.")).count()
    };
    assert_eq!(edits("mse"), 4);
    assert_eq!(edits("several"), 0);
}
