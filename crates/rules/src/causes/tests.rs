//! Properties of the whole set of cause rules.
use super::CAUSES;
use crate::facts::EvidenceMode;
use crate::judge::Judge;
use crate::symptoms::SYMPTOMS;
use crate::symptoms::tests::{after_src, assert_thresholds_explained, rule_files};
use crate::trace::{self, Claim, Example};
use barograph_vocab::{Diagnosis, Verdict};
use std::collections::BTreeSet;
use std::fmt::Write;

const SECTIONS: [&str; 5] = ["What it means", "How it is weighed", "Example", "Fix", "References"];

fn diagnose(example: &Example, mode: EvidenceMode) -> Diagnosis {
    let mut judge = Judge::new();
    for record in &example.records {
        judge.see(record);
    }
    judge.finish();
    judge.diagnosis(mode)
}

fn text(diagnosis: &Diagnosis) -> String {
    let mut text = format!("{}\n", diagnosis.verdict.name());
    for cause in &diagnosis.causes {
        writeln!(text, "{} ({:.2})", cause.slug, cause.confidence).unwrap();
        let operation = cause.operation.as_ref().map(|operation| format!(" through {operation}"));
        let (site, step) = (cause.site.as_deref().unwrap_or("the run"), cause.step.unwrap_or_default());
        writeln!(text, "  --> {site}, step {step}{}", operation.unwrap_or_default()).unwrap();
        for evidence in &cause.evidence {
            writeln!(text, "   | {}", evidence.text).unwrap();
        }
        writeln!(text, "   = fix: {}", cause.remedy.text).unwrap();
        for edit in &cause.remedy.change {
            writeln!(text, "     {} = {}", edit.key, edit.value).unwrap();
        }
    }
    text
}

#[test]
fn every_cause_has_every_section() {
    for rule in CAUSES {
        for heading in SECTIONS {
            assert!(rule.section(heading).is_some_and(|text| !text.is_empty()), "{}: no `## {heading}`", rule.slug);
        }
        assert_thresholds_explained(rule.file, rule.section("How it is weighed").unwrap());
    }
}

#[test]
fn slugs_are_unique_and_differ_from_the_names_of_symptoms() {
    let slugs: BTreeSet<_> = CAUSES.iter().map(|rule| rule.slug).collect();
    let names: BTreeSet<_> = SYMPTOMS.iter().map(|rule| rule.name).collect();
    assert_eq!(slugs.len(), CAUSES.len());
    assert_eq!(slugs.intersection(&names).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn what_a_cause_explains_are_symptoms() {
    for rule in CAUSES {
        assert!(!rule.explains.is_empty(), "{}", rule.slug);
        for name in rule.explains {
            assert!(SYMPTOMS.iter().any(|symptom| symptom.name == *name), "{}: {name}", rule.slug);
        }
    }
}

#[test]
fn every_cause_file_is_registered() {
    let listed: BTreeSet<_> = CAUSES.iter().map(|rule| after_src(rule.file)).collect();
    assert_eq!(listed, rule_files("causes"));
}

/// Each cause's sick example must name it first, and its healthy one must not name it.
#[test]
fn every_example_does_what_it_says() {
    let mut wrong = Vec::new();
    for rule in CAUSES {
        let mut rendered = String::new();
        let (mut sick, mut healthy) = (0, 0);
        for (number, example) in trace::examples(rule.section("Example").unwrap()).iter().enumerate() {
            let diagnosis = diagnose(example, EvidenceMode::All);
            let sure: Vec<_> = diagnosis.causes.iter().filter(|cause| cause.confidence >= 0.5).collect();
            let right = if example.claim == Claim::Cause {
                sick += 1;
                rendered += &text(&diagnosis);
                sure.first().is_some_and(|cause| cause.slug == rule.slug)
            } else {
                healthy += 1;
                sure.iter().all(|cause| cause.slug != rule.slug)
            };
            if !right {
                wrong.push(format!("{}, example {number}:\n{}{:?}", rule.slug, text(&diagnosis), names(&diagnosis)));
            }
        }
        assert!(sick > 0 && healthy > 0, "{}: give a sick and a healthy example", rule.slug);
        insta::assert_snapshot!(rule.slug, rendered);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn names(diagnosis: &Diagnosis) -> Vec<&str> {
    diagnosis.findings.iter().map(|finding| finding.name.as_str()).collect()
}

/// A training that goes well is healthy, with whatever else its recipe says.
#[test]
fn odd_settings_that_train_well_are_healthy() {
    let example = &trace::examples(
        "```trace
         facts: steps=200
         declared: loss=mse loss_takes=logits loss_reduction=sum momentum=0.99 optimizer=sgd learning_rate=3 weight_decay=0.5
         declared: a.activation=exponential b.activation=sigmoid task=multiclass clip_norm=0.001
         sites: a b c
         step loss accuracy chance_loss a/weight.rms a/update.rms a/activation.std b/activation.std c/activation.std clipped
         0..199 2.3=>0.01 0.9->1.0 2.3 0.1 0.05 1 300 9000 1
         data: features.rms=80 features.scale_min=1 features.scale_max=90 targets.class_counts=950,30,20 neighbour_skill=-0.5
         healthy
         ```",
    )[0];
    for mode in [EvidenceMode::All, EvidenceMode::Measured] {
        let diagnosis = diagnose(example, mode);
        assert_eq!(diagnosis.verdict, Verdict::Healthy, "{}", text(&diagnosis));
    }
}
