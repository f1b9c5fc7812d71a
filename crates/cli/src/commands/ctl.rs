//! `barograph ctl`: steers a training that runs.
use crate::context::Context;
use crate::exit::ExitCode;
use crate::screen;
use anyhow::{Context as _, Result, anyhow, bail};
use barograph_report::visible;
use barograph_store::{Reader, RunState};
use barograph_train::control::{Command, send};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::time::Duration;

/// Steer a training that runs: its own log says so.
///
/// The training takes a command up after the step that it is in. Ctrl-C ends a paused training, too.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  barograph ctl runs/digits-001 pause\n  barograph ctl runs/digits-001 set lr=1e-3\n  \
                  barograph ctl runs/digits-001 checkpoint     go on from it with train --resume"
)]
pub(super) struct Ctl {
    /// The folder of the run.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Seconds to wait for its answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    wait: u32,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Wait after this step, until resume or stop.
    Pause,
    /// Go on after a pause.
    Resume,
    /// End after this step, as Ctrl-C does: with a checkpoint, and a backup to resume from.
    Stop,
    /// Write the weights, and a backup to resume from.
    Checkpoint,
    /// Change a setting from the next step on: lr.
    Set {
        /// Such as lr=1e-3.
        #[arg(value_name = "NAME=VALUE")]
        assignment: String,
    },
}

impl Ctl {
    pub(super) fn run(self, context: &Context) -> Result<ExitCode> {
        let command = match &self.what {
            What::Pause => Command::Pause,
            What::Resume => Command::Resume,
            What::Stop => Command::Stop,
            What::Checkpoint => Command::Checkpoint,
            What::Set { assignment } => Command::set(assignment).map_err(|problem| anyhow!(problem))?,
        };
        let run = self.run.display();
        // Says what the folder is instead of a run.
        let state = Reader::open(&self.run)?.state();
        if state != RunState::Running {
            bail!("{run}: this run is over ({}), so there is nothing to steer", state.name());
        }
        let sent = send(&self.run, command).with_context(|| format!("{run}: cannot send the command"))?;
        match sent.wait(Duration::from_secs(self.wait.into())) {
            Some(answer) => screen::print(&format!("{}\n", visible(&answer)))?,
            None => context.warn(&format!(
                "{run}: no answer within {} s; the command waits there for the end of the step, if the run is one of barograph train",
                self.wait
            )),
        }
        Ok(ExitCode::SUCCESS)
    }
}
