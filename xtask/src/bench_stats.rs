//! `cargo xtask bench-stats`: the throughput of the statistics beside a read-only sum, and whether it reaches its goals.
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use crate::{block, readme};

const KB: u64 = 1 << 10;
const MB: u64 = 1 << 20;

/// What one thread must reach on f32, as a share of the read-only sum of the same memory. Our choice, kept below what is
/// measured on a quiet machine.
const GOALS: [Goal; 2] =
    [Goal { bytes: 64 * MB, plain: 0.9, histogram: 0.7 }, Goal { bytes: 256 * KB, plain: 0.35, histogram: 0.2 }];

/// What data that is half zeros must reach with the histogram, as a share of normal data.
const RELU_GOAL: f64 = 0.6;

struct Goal {
    bytes: u64,
    plain: f64,
    histogram: f64,
}

/// Measure GB/s of the fused statistics beside a read-only sum
#[derive(clap::Args)]
pub(crate) struct BenchStats {
    /// Print the measurements as a JSON list, and nothing else
    #[arg(long, conflicts_with_all = ["check", "readme"])]
    json: bool,
    /// Fail when a goal is missed, and name it
    #[arg(long)]
    check: bool,
    /// Write the table into README.md
    #[arg(long)]
    readme: bool,
}

/// One measurement, in GB/s.
#[derive(Deserialize)]
struct Row {
    bytes: u64,
    dtype: String,
    data: String,
    read_sum: f64,
    stats: f64,
    stats_hist: f64,
}

impl BenchStats {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let json = measure()?;
        let rows: Vec<Row> = serde_json::from_slice(&json).context("the benchmark printed something else than JSON")?;
        if self.json {
            print!("{}", String::from_utf8_lossy(&json));
            return Ok(());
        }
        let table = table(&rows);
        println!("{table}");
        if self.readme {
            readme::fill("bench-stats", &block::code("text", &table))?;
        }
        let missed = missed(&rows);
        for goal in &missed {
            println!("missed: {goal}");
        }
        if self.check && !missed.is_empty() {
            bail!("{} goals missed; close other programs and run it again before looking for a cause", missed.len());
        }
        Ok(())
    }
}

/// Runs the benchmark of the `stats` crate and returns the JSON it prints.
fn measure() -> anyhow::Result<Vec<u8>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["bench", "--quiet", "--package", "barograph-stats", "--bench", "throughput", "--", "--json"])
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    ensure!(output.status.success(), "the benchmark ended with {}", output.status);
    Ok(output.stdout)
}

fn table(rows: &[Row]) -> String {
    let head = "     bytes dtype    data   read_sum      stats      +hist  share  +hist".to_owned();
    let lines = rows.iter().map(|row| {
        let Row { bytes, dtype, data, read_sum, stats, stats_hist } = row;
        let (plain, histogram) = (stats / read_sum, stats_hist / read_sum);
        format!("{bytes:>10} {dtype:>5} {data:>7} {read_sum:>10.1} {stats:>10.1} {stats_hist:>10.1} {plain:>6.2} {histogram:>6.2}")
    });
    std::iter::once(head).chain(lines).collect::<Vec<_>>().join("\n")
}

/// The goals that these measurements do not reach, as sentences.
fn missed(rows: &[Row]) -> Vec<String> {
    let find = |bytes, data| rows.iter().find(|row| row.bytes == bytes && row.dtype == "f32" && row.data == data);
    let mut missed = Vec::new();
    let mut expect = |what: &str, bytes: u64, got: f64, goal: f64| {
        if got < goal {
            missed.push(format!("{what} at {bytes} bytes is {got:.2}, less than {goal}"));
        }
    };
    for Goal { bytes, plain, histogram } in GOALS {
        let Some(normal) = find(bytes, "normal") else { continue };
        expect("stats / read_sum", bytes, normal.stats / normal.read_sum, plain);
        expect("stats_hist / read_sum", bytes, normal.stats_hist / normal.read_sum, histogram);
        if let Some(relu) = find(bytes, "relu") {
            expect("stats_hist of relu data / of normal data", bytes, relu.stats_hist / normal.stats_hist, RELU_GOAL);
        }
    }
    missed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(bytes: u64, data: &str, stats: f64, stats_hist: f64) -> Row {
        Row { bytes, dtype: "f32".into(), data: data.into(), read_sum: 100.0, stats, stats_hist }
    }

    #[test]
    fn a_missed_goal_is_named() {
        let rows = [
            row(64 * MB, "normal", 95.0, 60.0),
            row(256 * KB, "normal", 40.0, 30.0),
            row(256 * KB, "relu", 40.0, 10.0),
        ];
        assert_eq!(
            missed(&rows),
            [
                "stats_hist / read_sum at 67108864 bytes is 0.60, less than 0.7",
                "stats_hist of relu data / of normal data at 262144 bytes is 0.33, less than 0.6",
            ]
        );
    }

    #[test]
    fn reached_goals_are_not() {
        assert!(missed(&[row(64 * MB, "normal", 95.0, 80.0), row(64 * MB, "relu", 95.0, 80.0)]).is_empty());
    }
}
