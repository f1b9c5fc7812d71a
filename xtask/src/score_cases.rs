//! `cargo xtask score-cases`: how often the diagnosis names the cause of labelled cases, and how often it cries wolf.
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use serde::Deserialize;

use crate::{readme, workspace};

/// Train labelled cases, diagnose each, and score the answers
#[derive(clap::Args)]
pub(crate) struct ScoreCases {
    /// The folder of the cases: strip.py, score.py, and files of cases
    #[arg(long, value_name = "DIR")]
    cases: PathBuf,
    /// Files of cases in that folder
    #[arg(long, value_delimiter = ',', default_value = "dev.jsonl,decoys.jsonl")]
    files: Vec<PathBuf>,
    /// Seeds of weights and batches
    #[arg(long, value_delimiter = ',', default_value = "0")]
    seeds: Vec<u64>,
    /// Say of every training whether it was answered right
    #[arg(long)]
    list: bool,
    /// Write the table into README.md
    #[arg(long)]
    readme: bool,
}

/// What the diagnosis may use.
#[derive(Clone, Copy)]
enum Evidence {
    All,
    Measured,
}

impl Evidence {
    /// As `barograph cases --evidence` has it.
    const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Measured => "measured",
        }
    }
}

/// The last line of score.py.
#[derive(Debug, Deserialize)]
struct Score {
    broken: u32,
    top1: u32,
    top3: u32,
    unsure: u32,
    healthy: u32,
    alarms: u32,
    missing: u32,
    balanced: f64,
}

impl ScoreCases {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let cases = self.cases.canonicalize().with_context(|| format!("cannot read {}", self.cases.display()))?;
        let barograph = workspace::barograph()?;
        let scratch = tempfile::tempdir().context("cannot make a folder for the stripped cases")?;
        let (stripped, key) = (scratch.path().join("stripped"), scratch.path().join("key.json"));
        let strip = python(&cases.join("strip.py"));
        stdout({ strip }.args(&self.files).arg("--out").arg(&stripped).arg("--key").arg(&key).current_dir(&cases))?;
        let mut rows = Vec::new();
        for evidence in [Evidence::All, Evidence::Measured] {
            for &seed in &self.seeds {
                let mut diagnose = Command::new(&barograph);
                diagnose.arg("cases").arg(stripped.join("specs.jsonl"));
                diagnose.args(["--evidence", evidence.name(), "--seed", &seed.to_string()]);
                let results = scratch.path().join("results.jsonl");
                // Cases that fail are told on stderr, and score.py counts them as missing.
                let output = diagnose.stderr(Stdio::inherit()).output().context("cannot start barograph")?;
                std::fs::write(&results, output.stdout).context("cannot write the results")?;
                let mut score = python(&cases.join("score.py"));
                score.arg(&key).arg(&results).args(self.list.then_some("--list"));
                let text = stdout(&mut score)?;
                let (listed, last) = text.trim_end().rsplit_once('\n').unwrap_or(("", text.trim_end()));
                if self.list {
                    println!("evidence {}, seed {seed}\n{listed}\n", evidence.name());
                }
                let score = serde_json::from_str(last).with_context(|| format!("score.py ended with {last:?}"))?;
                rows.push((evidence, seed, score));
            }
        }
        let table = table(&rows);
        println!("{table}");
        if self.readme { readme::fill("score-cases", &table) } else { Ok(()) }
    }
}

fn python(script: &Path) -> Command {
    let mut command = Command::new("python3");
    command.arg(script);
    command
}

fn stdout(command: &mut Command) -> anyhow::Result<String> {
    let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot start {command:?}"))?;
    ensure!(output.status.success(), "{command:?} ended with {}", output.status);
    String::from_utf8(output.stdout).with_context(|| format!("{command:?} printed something else than text"))
}

fn table(rows: &[(Evidence, u64, Score)]) -> String {
    let mut lines = vec![
        "| evidence | seed | cause named first | among the first three | balanced over causes | not sure | false alarms | no answer |".to_owned(),
        "|---|---|---|---|---|---|---|---|".to_owned(),
    ];
    lines.extend(rows.iter().map(|(evidence, seed, score)| {
        let Score { broken, top1, top3, unsure, healthy, alarms, missing, balanced } = score;
        let evidence = evidence.name();
        format!("| {evidence} | {seed} | {top1} of {broken} | {top3} | {balanced:.2} | {unsure} | {alarms} of {healthy} | {missing} |")
    }));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_of_how_many() {
        let score = r#"{"broken": 44, "top1": 30, "top3": 35, "unsure": 4, "healthy": 60, "alarms": 2, "missing": 0, "balanced": 0.712}"#;
        let score = serde_json::from_str(score).expect("a score");
        let table = table(&[(Evidence::Measured, 1, score)]);
        assert!(table.ends_with("\n| measured | 1 | 30 of 44 | 35 | 0.71 | 4 | 2 of 60 | 0 |"), "{table}");
    }
}
