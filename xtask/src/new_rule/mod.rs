//! `cargo xtask new-rule`: writes the file of a new symptom rule and registers it.
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use barograph_rules::{CAUSES, SYMPTOMS};

use crate::workspace;

const TEMPLATE: &str = include_str!("symptom.rs.in");

/// Where the symptom rules are.
const SYMPTOMS_FOLDER: &str = "crates/rules/src/symptoms";

/// Families of codes and their folders.
const FAMILIES: [(&str, &str); 9] = [
    ("ACT", "activation"),
    ("DAT", "data"),
    ("GRD", "gradient"),
    ("LOS", "loss"),
    ("NUM", "numeric"),
    ("PRE", "precision"),
    ("RNK", "rank"),
    ("UPD", "update"),
    ("WGT", "weight"),
];

/// Write the file of a new symptom rule and register it
#[derive(clap::Args)]
pub(crate) struct NewRule {
    /// Its code: the three letters of its family and a number that was never used, such as GRD007
    code: String,
    /// Its name in kebab case, such as gradient-noisy
    name: String,
}

impl NewRule {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let names = SYMPTOMS.iter().map(|rule| rule.name).chain(CAUSES.iter().map(|rule| rule.slug));
        let codes: Vec<_> = SYMPTOMS.iter().map(|rule| rule.code).collect();
        let rule = NewSymptom::named(&self.code, &self.name, &codes, &names.collect::<Vec<_>>())?;
        for (path, text) in rule.files(workspace::root())? {
            workspace::write(path, &text)?;
        }
        let file = rule.file().display().to_string();
        println!("\nNext:");
        println!("1. Fill in {file}; nothing that says FILL IN may stay.");
        println!(
            "2. cargo nextest run --release --package barograph-rules   (its example fails until LIMIT and `see` are right)"
        );
        println!(
            "3. Read the snapshot of the example, then accept it: cargo insta review, or rename .snap.new to .snap"
        );
        println!("4. cargo xtask docs");
        Ok(())
    }
}

/// A rule about to be written.
struct NewSymptom {
    code: String,
    name: String,
    family: &'static str,
    /// The name of its file and module.
    module: String,
}

impl NewSymptom {
    /// Checks code and name against those in use.
    fn named(code: &str, name: &str, codes: &[&str], names: &[&str]) -> anyhow::Result<Self> {
        let families = || FAMILIES.map(|(letters, _)| letters).join(", ");
        let (letters, number) = code.split_at_checked(3).with_context(|| format!("{code}: a code is like GRD007"))?;
        let Some((_, family)) = FAMILIES.into_iter().find(|(family, _)| *family == letters) else {
            bail!("{code}: no family {letters}; there are {}", families());
        };
        ensure!(number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit()), "{code}: a code is like GRD007");
        if codes.contains(&code) {
            let last = codes.iter().filter_map(|code| code.strip_prefix(letters)?.parse::<u32>().ok()).max();
            bail!("{code} is taken; the next free one is {letters}{:03}", last.unwrap_or(0) + 1);
        }
        let is_kebab =
            name.split('-').all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()));
        ensure!(is_kebab, "{name}: a name is lower-case words joined by hyphens, like gradient-noisy");
        ensure!(!names.contains(&name), "{name} is taken");
        // `gradient-noisy` lies in `gradient/noisy.rs`.
        let short = name.strip_prefix(family).and_then(|rest| rest.strip_prefix('-')).unwrap_or(name);
        Ok(Self { code: code.to_owned(), name: name.to_owned(), family, module: short.replace('-', "_") })
    }

    /// The rule's own file.
    fn file(&self) -> PathBuf {
        Path::new(SYMPTOMS_FOLDER).join(self.family).join(format!("{}.rs", self.module))
    }

    /// Its `static`.
    fn constant(&self) -> String {
        self.name.replace('-', "_").to_uppercase()
    }

    /// Its type.
    fn type_name(&self) -> String {
        let word = |word: &str| word[..1].to_uppercase() + &word[1..];
        self.name.split('-').map(word).collect()
    }

    /// The files to write, with their new text: the rule, its family's module, and the list of all rules.
    fn files(&self, root: &Path) -> anyhow::Result<[(PathBuf, String); 3]> {
        let family = Path::new(SYMPTOMS_FOLDER).join(self.family).join("mod.rs");
        let list = Path::new(SYMPTOMS_FOLDER).join("mod.rs");
        let read = |path: &Path| {
            let full = root.join(path);
            std::fs::read_to_string(&full).with_context(|| format!("cannot read {}", full.display()))
        };
        ensure!(!root.join(self.file()).exists(), "{} is there already", self.file().display());
        let with_module = add_module(&read(&family)?, &self.module);
        let with_entry = add_entry(&read(&list)?, self.family, &self.module, &self.constant())?;
        Ok([(self.file(), self.source()), (family, with_module), (list, with_entry)])
    }

    fn source(&self) -> String {
        TEMPLATE
            .replace("{CODE}", &self.code)
            .replace("{NAME}", &self.name)
            .replace("{STATIC}", &self.constant())
            .replace("{STRUCT}", &self.type_name())
            .replace("{SINCE}", env!("CARGO_PKG_VERSION"))
    }
}

/// Adds a module to the modules of a family, in the order of the alphabet.
fn add_module(text: &str, module: &str) -> String {
    const DECLARED: &str = "pub(super) mod ";
    let line = format!("{DECLARED}{module};");
    let mut lines: Vec<&str> = text.lines().collect();
    let after = lines.iter().rposition(|other| other.starts_with(DECLARED) && *other < line.as_str());
    let before = lines.iter().position(|other| other.starts_with(DECLARED));
    lines.insert(after.map_or(before.unwrap_or(lines.len()), |after| after + 1), &line);
    lines.join("\n") + "\n"
}

/// Adds a rule to the list of all, after the others of its family.
fn add_entry(text: &str, family: &str, module: &str, constant: &str) -> anyhow::Result<String> {
    let mut lines: Vec<&str> = text.lines().collect();
    let last = lines.iter().rposition(|line| line.trim_start().starts_with(&format!("&{family}::")));
    let last =
        last.with_context(|| format!("{SYMPTOMS_FOLDER}/mod.rs lists no rule of {family}; add the first by hand"))?;
    let entry = format!("    &{family}::{module}::{constant},");
    lines.insert(last + 1, &entry);
    Ok(lines.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::process::Command;

    fn named(code: &str, name: &str) -> anyhow::Result<NewSymptom> {
        NewSymptom::named(code, name, &["GRD001", "GRD006"], &["gradient-exploding"])
    }

    fn refused(code: &str, name: &str) -> String {
        named(code, name).err().map_or_else(String::new, |error| error.to_string())
    }

    #[test]
    fn what_is_wrong_is_said_with_what_to_do() {
        assert_eq!(refused("GRD006", "gradient-noisy"), "GRD006 is taken; the next free one is GRD007");
        assert!(refused("XYZ001", "noisy").starts_with("XYZ001: no family XYZ; there are ACT, DAT"));
        assert_eq!(refused("GRD7", "gradient-noisy"), "GRD7: a code is like GRD007");
        assert_eq!(refused("G", "gradient-noisy"), "G: a code is like GRD007");
        assert!(refused("GRD007", "GradientNoisy").contains("lower-case words"));
        assert_eq!(refused("GRD007", "gradient-exploding"), "gradient-exploding is taken");
    }

    #[test]
    fn names_of_files_and_items_follow_from_the_name() {
        let rule = named("GRD007", "gradient-very-noisy").expect("a rule");
        assert_eq!(rule.file(), Path::new("crates/rules/src/symptoms/gradient/very_noisy.rs"));
        assert_eq!((rule.constant().as_str(), rule.type_name().as_str()), ("GRADIENT_VERY_NOISY", "GradientVeryNoisy"));
    }

    #[test]
    fn a_module_is_added_in_order() {
        let text = "//! Gradients.\nuse a;\n\npub(super) mod b;\npub(super) mod d;\n\nfn f() {}\n";
        let with = |module| add_module(text, module).replace("pub(super) mod ", "+");
        assert_eq!(with("a"), "//! Gradients.\nuse a;\n\n+a;\n+b;\n+d;\n\nfn f() {}\n");
        assert_eq!(with("c"), "//! Gradients.\nuse a;\n\n+b;\n+c;\n+d;\n\nfn f() {}\n");
        assert_eq!(with("e"), "//! Gradients.\nuse a;\n\n+b;\n+d;\n+e;\n\nfn f() {}\n");
    }

    /// What is written must compile as it stands, or the first thing that a newcomer meets is a compiler error of ours.
    #[test]
    fn the_new_rule_compiles() {
        let copy = tempfile::tempdir().expect("a folder");
        let copied = copy.path();
        for file in ["Cargo.toml", "Cargo.lock"] {
            fs::copy(workspace::root().join(file), copied.join(file)).expect("a copy");
        }
        for crate_name in ["rules", "vocab"] {
            copy_folder(&workspace::root().join("crates").join(crate_name), &copied.join("crates").join(crate_name));
        }
        let manifest = workspace::read("Cargo.toml").expect("the manifest");
        let manifest = manifest.replace(r#"members = ["crates/*", "xtask"]"#, r#"members = ["crates/*"]"#);
        let manifest = manifest.replace("default-members = [\"crates/cli\"]\n", "");
        fs::write(copied.join("Cargo.toml"), manifest).expect("written");
        for (path, text) in named("GRD099", "gradient-noisy").and_then(|rule| rule.files(copied)).expect("a rule") {
            fs::write(copied.join(path), text).expect("written");
        }
        let output = Command::new(workspace::cargo())
            .args(["check", "--offline", "--quiet", "--package", "barograph-rules"])
            .current_dir(copied)
            .env("CARGO_TARGET_DIR", copied.join("target"))
            .env("RUSTFLAGS", "-D warnings")
            .output()
            .expect("cargo runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn copy_folder(from: &Path, to: &Path) {
        fs::create_dir_all(to).expect("a folder");
        for entry in fs::read_dir(from).expect("a folder").flatten() {
            let to = to.join(entry.file_name());
            if entry.path().is_dir() {
                copy_folder(&entry.path(), &to);
            } else {
                fs::copy(entry.path(), to).expect("a copy");
            }
        }
    }
}
