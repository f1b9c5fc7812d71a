//! Holds the crates to the picture in ARCHITECTURE.md: which crate may depend on which, and on what from outside.
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// The crates of the workspace that a crate depends on.
enum Arrows {
    /// All of these and no other.
    Exactly(&'static [&'static str]),
    /// Any of these: who stands at the top uses what the commands of the day need.
    AtMost(&'static [&'static str]),
}
use Arrows::{AtMost, Exactly};

/// Every crate with its arrows, each below those it points to.
const CRATES: [(&str, Arrows); 12] = [
    ("vocab", Exactly(&[])),
    ("stats", Exactly(&["vocab"])),
    ("rules", Exactly(&["vocab"])),
    ("store", Exactly(&["vocab"])),
    ("report", Exactly(&["vocab"])),
    ("monitor", Exactly(&["rules", "stats", "store", "vocab"])),
    ("burn", Exactly(&["monitor", "stats", "vocab"])),
    ("train", Exactly(&["burn", "monitor", "rules", "stats", "store", "vocab"])),
    ("barograph", Exactly(&["burn", "monitor", "report", "train", "vocab"])),
    ("cli", AtMost(&["burn", "monitor", "report", "rules", "stats", "store", "train", "vocab"])),
    ("python", AtMost(&["cli", "monitor", "report", "rules", "stats", "store", "vocab"])),
    ("xtask", AtMost(&["rules"])),
];

/// Crates that a checkout may lack: building them takes more than a Rust toolchain.
const MAY_BE_ABSENT: [&str; 1] = ["python"];

/// Who alone may use a crate from outside.
const RESERVED: [(&str, &[&str]); 5] = [
    ("anyhow", &["cli", "xtask"]),
    ("burn-autodiff", &["burn"]),
    ("burn-flex", &["burn"]),
    ("burn-pack", &["burn"]),
    ("burn", &["burn", "cli", "train"]),
];

/// Cargo features in the whole workspace: frameworks are crates, not features.
const MOST_FEATURES: usize = 5;

/// What a rule must not name: it reads no clock, no file and no random number.
const FORBIDDEN_IN_RULES: [&str; 8] =
    ["fs", "net", "env", "Instant", "SystemTime", "UNIX_EPOCH", "RandomState", "thread_rng"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace")
}

fn metadata() -> Metadata {
    MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().expect("cargo metadata")
}

/// The name of a crate as ARCHITECTURE.md has it.
fn short(name: &str) -> &str {
    name.strip_prefix("barograph-").unwrap_or(name)
}

/// Names of what a package is built from; what only its tests use is no arrow.
fn dependencies(package: &Package) -> BTreeSet<&str> {
    let built_from = package.dependencies.iter().filter(|dependency| dependency.kind != DependencyKind::Development);
    built_from.map(|dependency| dependency.name.as_str()).collect()
}

/// What is wrong with the arrows among these crates, given as name and dependencies.
fn wrong_arrows(found: &BTreeMap<&str, BTreeSet<&str>>) -> Vec<String> {
    let mut wrong = Vec::new();
    for name in found.keys().filter(|name| CRATES.iter().all(|(known, _)| known != *name)) {
        wrong.push(format!("{name} is new: give it a line in xtask/tests/arrows.rs and in ARCHITECTURE.md"));
    }
    for (name, arrows) in &CRATES {
        let Some(found) = found.get(name) else {
            if !MAY_BE_ABSENT.contains(name) {
                wrong.push(format!("{name} is no longer in the workspace"));
            }
            continue;
        };
        let (Exactly(allowed) | AtMost(allowed)) = arrows;
        let allowed: BTreeSet<&str> = allowed.iter().copied().collect();
        wrong.extend(found.difference(&allowed).map(|other| format!("{name} must not depend on {other}")));
        if matches!(arrows, Exactly(_)) {
            wrong.extend(allowed.difference(found).map(|other| format!("{name} no longer depends on {other}")));
        }
    }
    wrong
}

/// The crates of the workspace with those of their dependencies that are in it too.
fn arrows(metadata: &Metadata) -> BTreeMap<&str, BTreeSet<&str>> {
    let packages = metadata.workspace_packages();
    let ours: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let inside = |package| dependencies(package).intersection(&ours).map(|name| short(name)).collect();
    packages.iter().map(|package| (short(&package.name), inside(package))).collect()
}

#[test]
fn crates_depend_on_each_other_as_drawn() {
    let wrong = wrong_arrows(&arrows(&metadata()));
    assert!(wrong.is_empty(), "ARCHITECTURE.md says otherwise:\n{}", wrong.join("\n"));
}

#[test]
fn a_wrong_arrow_is_seen() {
    let metadata = metadata();
    let mut found = arrows(&metadata);
    found.entry("vocab").or_default().insert("stats");
    found.entry("monitor").or_default().remove("rules");
    found.insert("extra", BTreeSet::new());
    found.remove("report");
    let wrong = wrong_arrows(&found);
    let expected = ["extra is new", "vocab must not", "report is no longer", "monitor no longer depends on rules"];
    assert_eq!(wrong.len(), expected.len(), "{wrong:?}");
    assert!(wrong.iter().zip(expected).all(|(wrong, expected)| wrong.starts_with(expected)), "{wrong:?}");
}

#[test]
fn arrows_only_point_down() {
    for (at, (name, Exactly(arrows) | AtMost(arrows))) in CRATES.iter().enumerate() {
        for arrow in *arrows {
            assert!(CRATES[..at].iter().any(|(below, _)| below == arrow), "{name} -> {arrow} points up");
        }
    }
}

#[test]
fn architecture_has_a_row_for_each_crate() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    for package in metadata().workspace_packages() {
        let name = short(&package.name);
        // xtask is a chest of chores and no part of the program.
        assert!(name == "xtask" || page.contains(&format!("\n| `{name}` |")), "ARCHITECTURE.md has no row for {name}");
    }
}

#[test]
fn crates_from_outside_stay_with_those_who_may_use_them() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        let name = short(&package.name);
        let dependencies = dependencies(package);
        for (reserved, users) in RESERVED {
            assert!(!dependencies.contains(reserved) || users.contains(&name), "{name} must not depend on {reserved}");
        }
        let known = |outside: &str| RESERVED.iter().any(|(reserved, _)| *reserved == outside);
        let internal = dependencies.iter().find(|outside| outside.starts_with("burn-") && !known(outside));
        assert!(internal.is_none() || name == "burn", "{name} must not depend on burn's internal crate {internal:?}");
    }
}

#[test]
fn vocab_and_rules_depend_on_nothing_from_outside() {
    let metadata = metadata();
    let of = |name| metadata.workspace_packages().into_iter().find(|package| short(&package.name) == name);
    assert!(dependencies(of("vocab").expect("vocab")).is_empty());
    // So there is no crate of random numbers either.
    assert_eq!(dependencies(of("rules").expect("rules")), BTreeSet::from(["barograph-vocab"]));
}

#[test]
fn the_workspace_has_few_features() {
    let metadata = metadata();
    // A feature that a crate only hands on to the one below has the same name there.
    let features: BTreeSet<String> = metadata
        .workspace_packages()
        .iter()
        .flat_map(|package| package.features.keys().cloned())
        .filter(|feature| feature != "default")
        .collect();
    assert!(features.len() <= MOST_FEATURES, "more than {MOST_FEATURES} features: {features:?}");
}

#[test]
fn rules_read_no_clock_no_file_and_no_random_number() {
    let mut files = Vec::new();
    list_sources(&root().join("crates/rules/src"), &mut files);
    assert!(files.len() > 50, "only {} files of rules were found", files.len());
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a source file");
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or(line);
            let mut words = code.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
            let forbidden = words.find(|word| FORBIDDEN_IN_RULES.contains(word));
            assert!(forbidden.is_none(), "{}:{}: a rule must not use {forbidden:?}", file.display(), number + 1);
        }
    }
}

/// The sources below a folder, tests apart.
fn list_sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            list_sources(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
}
