//! `cargo xtask bench-python`: what supervision of PyTorch costs, beside what others cost.
use crate::{block, readme, workspace};
use anyhow::{Context, ensure};
use std::process::Command;

/// Measure what supervision of PyTorch costs, with the package that is installed for a Python.
#[derive(clap::Args)]
pub(crate) struct BenchPython {
    /// A Python that has the package, torch, tensorboard, wandb and transformers.
    #[arg(long, default_value = "python3")]
    python: String,
    /// Print a JSON list instead of a table.
    #[arg(long)]
    json: bool,
    /// Write the table into README.md.
    #[arg(long, conflicts_with = "json")]
    readme: bool,
}

impl BenchPython {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let mut command = Command::new(&self.python);
        command.args(["-m", "barograph.bench", "overhead"]).args(self.json.then_some("--json"));
        // Elsewhere than in the checkout, so that the installed package is measured.
        let output = command.current_dir(std::env::temp_dir()).output();
        let output = output.with_context(|| format!("cannot start {}", self.python))?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let table = String::from_utf8(output.stdout).context("the benchmark printed something else than text")?;
        print!("{table}");
        if self.readme {
            readme::fill("bench-python", &block::code("text", &table))?;
            println!("written into {}", workspace::root().join("README.md").display());
        }
        Ok(())
    }
}
