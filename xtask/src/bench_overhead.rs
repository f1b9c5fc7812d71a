//! `cargo xtask bench-overhead`: what supervision costs, beside a plain burn loop.
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use serde::Deserialize;

use crate::{block, readme};

/// Measure the CPU time of a training step with everything observed, beside a plain burn loop
#[derive(clap::Args)]
pub(crate) struct BenchOverhead {
    /// Print a JSON list of {"model", "ratio", "ratio_same_optimizer", "ms_plain", "ms_supervised"}
    #[arg(long, conflicts_with = "readme")]
    json: bool,
    /// Write the table into README.md
    #[arg(long)]
    readme: bool,
}

/// One model.
#[derive(Deserialize)]
struct Row {
    model: String,
    ratio: f64,
    ratio_same_optimizer: f64,
    ms_plain: f64,
    ms_supervised: f64,
}

impl BenchOverhead {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let json = measure()?;
        let rows: Vec<Row> = serde_json::from_str(&json).context("the benchmark printed something else than JSON")?;
        if self.json {
            print!("{json}");
            return Ok(());
        }
        let head = "model      plain  supervised   ratio   with our optimizer in both   (CPU ms a step)".to_owned();
        let lines = rows.iter().map(|Row { model, ratio, ratio_same_optimizer: alone, ms_plain, ms_supervised }| {
            format!("{model:6} {ms_plain:9.2}   {ms_supervised:9.2}   {ratio:5.3}   {alone:26.3}")
        });
        let table = std::iter::once(head).chain(lines).collect::<Vec<_>>().join("\n");
        println!("{table}");
        if self.readme {
            readme::fill("bench-overhead", &block::code("text", &table))?;
        }
        Ok(())
    }
}

/// Runs the benchmark of the `train` crate and returns the JSON it prints.
fn measure() -> anyhow::Result<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["bench", "--quiet", "--package", "barograph-train", "--bench", "overhead", "--", "--json"])
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    ensure!(output.status.success(), "the benchmark ended with {}", output.status);
    String::from_utf8(output.stdout).context("the benchmark printed no text")
}
