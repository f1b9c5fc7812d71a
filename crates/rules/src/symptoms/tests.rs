//! Properties of the whole set of symptom rules.
use super::SYMPTOMS;
use crate::diagnose::Trouble;
use crate::judge::Judge;
use crate::rule::Rule;
use crate::trace::{self, Claim, Example};
use barograph_vocab::Finding;
use std::collections::BTreeSet;
use std::fmt::Write;

const SECTIONS: [&str; 6] = ["What it does", "Why it matters", "How it is detected", "Example", "Fix", "References"];

fn run(rule: &'static Rule, example: &Example) -> Vec<Finding> {
    let mut judge = Judge::with_rules(&[rule]);
    let mut found: Vec<_> = example.records.iter().flat_map(|record| judge.see(record).to_vec()).collect();
    found.extend_from_slice(judge.finish());
    found
}

fn text(rule: &Rule, finding: &Finding) -> String {
    let Finding { severity, code, message, step, .. } = finding;
    let site = finding.site.as_deref().unwrap_or("the run");
    let role = finding.role.map_or(String::new(), |role| format!(" ({})", role.name()));
    let mut text = format!("{}[{code}]: {message}\n  --> {site}{role}, step {step}\n", severity.name());
    for evidence in &finding.evidence {
        let limit = evidence.limit.map_or(String::new(), |limit| format!(" (limit {limit:.4})"));
        writeln!(text, "   | {} = {:.4}{limit}", evidence.text, evidence.value).unwrap();
    }
    writeln!(text, "   = fix: {}", rule.fix()).unwrap();
    text
}

#[test]
fn every_rule_has_every_section() {
    for rule in SYMPTOMS {
        for heading in SECTIONS {
            assert!(rule.section(heading).is_some_and(|text| !text.is_empty()), "{}: no `## {heading}`", rule.name);
        }
        assert!(!rule.fix().is_empty() && !rule.needs.is_empty(), "{}", rule.name);
    }
}

#[test]
fn codes_and_names_are_unique() {
    let codes: BTreeSet<_> = SYMPTOMS.iter().map(|rule| rule.code).collect();
    let names: BTreeSet<_> = SYMPTOMS.iter().map(|rule| rule.name).collect();
    assert_eq!((codes.len(), names.len()), (SYMPTOMS.len(), SYMPTOMS.len()));
}

#[test]
fn codes_follow_the_family() {
    let families = [
        ("loss", "LOS"),
        ("gradient", "GRD"),
        ("weight", "WGT"),
        ("activation", "ACT"),
        ("update", "UPD"),
        ("data", "DAT"),
        ("numeric", "NUM"),
        ("precision", "PRE"),
        ("rank", "RNK"),
    ];
    for rule in SYMPTOMS {
        let family = families.iter().find(|(folder, _)| rule.file.contains(&format!("symptoms/{folder}/")));
        let (_, code) = family.unwrap_or_else(|| panic!("{}: no family", rule.file));
        assert!(rule.code.starts_with(code) && rule.code.len() == 6, "{}", rule.code);
    }
}

#[test]
fn every_rule_file_is_registered() {
    let listed: BTreeSet<_> = SYMPTOMS.iter().map(|rule| after_src(rule.file)).collect();
    assert_eq!(listed, rule_files("symptoms"));
}

/// A threshold that the doc comment names must be a constant of the file, with its reason above it.
#[test]
fn thresholds_are_named_and_explained() {
    for rule in SYMPTOMS {
        assert_thresholds_explained(rule.file, rule.section("How it is detected").unwrap());
    }
}

pub(crate) fn assert_thresholds_explained(file: &str, section: &str) {
    let source = source(file);
    for name in section.split('`').skip(1).step_by(2) {
        if name.chars().all(|c| c.is_ascii_uppercase() || c == '_') {
            let at = source.find(&format!("const {name}:")).unwrap_or_else(|| panic!("{file}: no {name}"));
            let above = source[..at].lines().rev().find(|line| !line.trim().is_empty()).unwrap();
            assert!(above.starts_with("///"), "{file}: {name} has no reason");
        }
    }
}

/// The `## Example` of each rule is a trace; running it must give the findings it claims.
#[test]
fn every_example_does_what_it_says() {
    let mut wrong = Vec::new();
    for rule in SYMPTOMS {
        let mut rendered = String::new();
        let (mut sick, mut healthy) = (0, 0);
        for (number, example) in trace::examples(rule.section("Example").unwrap()).iter().enumerate() {
            let found = run(rule, example);
            let places = found.iter().map(|finding| (finding.step, finding.site.clone())).collect();
            let claim = Claim::Findings(places);
            if claim != example.claim {
                wrong.push(format!("{}, example {number}: found {claim:?}, not {:?}", rule.name, example.claim));
            }
            *(if found.is_empty() { &mut healthy } else { &mut sick }) += 1;
            rendered.extend(found.iter().map(|finding| text(rule, finding)));
        }
        assert!(sick > 0 && healthy > 0, "{}: give a sick and a healthy example; so far {wrong:#?}", rule.name);
        insta::assert_snapshot!(rule.name, rendered);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn trouble_names_rules() {
    for name in Trouble::NAMES {
        assert!(SYMPTOMS.iter().any(|rule| rule.name == *name), "{name}");
    }
}

/// The path below `src`.
pub(crate) fn after_src(file: &str) -> String {
    file.rsplit_once("src/").map_or(file, |(_, rest)| rest).to_owned()
}

fn source(file: &str) -> String {
    std::fs::read_to_string(format!("{}/src/{}", env!("CARGO_MANIFEST_DIR"), after_src(file))).unwrap()
}

/// Files of rules below a folder of `src`.
pub(crate) fn rule_files(folder: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for family in std::fs::read_dir(format!("{}/src/{folder}", env!("CARGO_MANIFEST_DIR"))).unwrap().flatten() {
        let Ok(files) = std::fs::read_dir(family.path()) else { continue };
        for file in files.flatten() {
            let name = file.file_name().into_string().unwrap();
            if name != "mod.rs" && file.path().extension().is_some_and(|extension| extension == "rs") {
                found.insert(format!("{folder}/{}/{name}", family.file_name().into_string().unwrap()));
            }
        }
    }
    found
}
