//! `cargo xtask bench-train`: how fast we train, beside PyTorch.
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::{block, readme, workspace};

/// Measure the CPU time of a training step of four networks, beside PyTorch's
#[derive(clap::Args)]
pub(crate) struct BenchTrain {
    /// Print a JSON list of {"model", "ms", "torch_ms", "speed"} and of the memory in use
    #[arg(long, conflicts_with = "readme")]
    json: bool,
    /// Write the table into README.md
    #[arg(long)]
    readme: bool,
    /// A Python that has torch; that of `./test` where there is one
    #[arg(long)]
    python: Option<PathBuf>,
    /// Threads of both
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Turns of each; the median counts
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Networks to measure: mlp, cnn, lstm, transformer. All of them, unless some are named
    networks: Vec<String>,
}

impl BenchTrain {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let table = self.measure()?;
        print!("{table}");
        if self.readme {
            readme::fill("bench-train", &block::code("text", &table))?;
        }
        Ok(())
    }

    /// Runs the benchmark of the `train` crate and returns what it prints.
    fn measure(&self) -> anyhow::Result<String> {
        let mut command = Command::new(workspace::cargo());
        command
            .args(["bench", "--quiet", "--package", "barograph-train", "--bench", "training", "--"])
            .args(self.json.then_some("--json"))
            .args(["--threads", &self.threads.to_string(), "--rounds", &self.rounds.to_string()]);
        if let Some(python) = &self.python {
            command.arg("--python").arg(python);
        }
        let output = command.args(&self.networks).stderr(Stdio::inherit()).output().context("cannot start cargo")?;
        ensure!(output.status.success(), "the benchmark ended with {}", output.status);
        String::from_utf8(output.stdout).context("the benchmark printed something else than text")
    }
}
