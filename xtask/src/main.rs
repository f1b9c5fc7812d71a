//! Owns the chores of the workspace: benchmarks, generated docs, new rules. One file per command.
//! Never is a dependency of another crate.
mod bench_stats;

use clap::Parser;

/// Chores of the Barograph workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    BenchStats(bench_stats::BenchStats),
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::BenchStats(command) => command.run(),
    }
}
