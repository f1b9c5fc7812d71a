//! Owns the chores of the workspace: benchmarks, generated docs, new rules. One file per command.
//! Never is a dependency of another crate.
mod bench_overhead;
mod bench_python;
mod bench_stats;
mod bench_train;
mod block;
mod docs;
mod new_rule;
mod readme;
mod score_cases;
mod wheels;
mod workspace;

use clap::Parser;

/// Chores of the Barograph workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    BenchOverhead(bench_overhead::BenchOverhead),
    BenchPython(bench_python::BenchPython),
    BenchStats(bench_stats::BenchStats),
    BenchTrain(bench_train::BenchTrain),
    Docs(docs::Docs),
    NewRule(new_rule::NewRule),
    Readme(readme::Readme),
    ScoreCases(score_cases::ScoreCases),
    Wheels(wheels::Wheels),
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::BenchOverhead(command) => command.run(),
        Command::BenchPython(command) => command.run(),
        Command::BenchStats(command) => command.run(),
        Command::BenchTrain(command) => command.run(),
        Command::Docs(command) => command.run(),
        Command::NewRule(command) => command.run(),
        Command::Readme(command) => command.run(),
        Command::ScoreCases(command) => command.run(),
        Command::Wheels(command) => command.run(),
    }
}
