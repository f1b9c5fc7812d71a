//! `barograph train`: trains a recipe and reports on it.
use super::recipe_argument::{RecipeChanges, load_recipe};
use super::summary;
use crate::context::Context;
use crate::exit::{ExitCode, FailOn};
use crate::experiment::{Experience, Experiment, say_notes};
use crate::loaded;
use crate::observed::Format;
use crate::run_folder::RunFolder;
use crate::screen::{self, Ink};
use anyhow::{Result, bail};
use barograph_burn::cpu;
use barograph_report::{counted, visible};
use barograph_train::recipe::Recipe;
use barograph_train::{Network, data, recipe_to_resume, summarize};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Train the network of a recipe, watch it, and say how it went.
///
/// The run folder takes the log, the checkpoints, the model and report.html; `barograph diagnose` reads it again at any time. Ctrl-C ends
/// the run after its step and keeps a checkpoint and a backup to resume from; a second Ctrl-C ends it at once. `barograph ctl` steers
/// it while it runs.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  barograph train digits.toml\n  barograph train digits.toml --set optimizer.learning_rate=0.01 --set epochs=5\n  \
                        barograph train digits.toml --verify            try what might fix it\n  \
                        barograph train --resume runs/digits-001        go on where it was backed up\n  \
                        barograph train digits.toml --format json --fail-on warning > report.json"
)]
pub(super) struct Train {
    /// The recipe.
    #[arg(value_name = "RECIPE.toml", required_unless_present = "resume")]
    recipe: Option<PathBuf>,
    #[command(flatten)]
    changes: RecipeChanges,
    /// The folder of the run [default: runs/NAME-001 and counting].
    #[arg(long, value_name = "DIR")]
    run_dir: Option<PathBuf>,
    /// Go on with the run in this folder where it was backed up, to the bit as if it had not been interrupted. The recipe is that of the
    /// run unless it is given.
    #[arg(long, value_name = "RUN", conflicts_with = "run_dir")]
    resume: Option<PathBuf>,
    /// When something is wrong, try what might fix it: short runs with the likeliest remedies.
    #[arg(long)]
    verify: bool,
    /// From which severity on the exit code is 1.
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = FailOn::Error)]
    fail_on: FailOn,
    /// How the report is written to standard output.
    #[arg(long, value_enum, default_value_t = OutputFormat::Terminal)]
    format: OutputFormat,
}

/// What `train` can write to standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
    /// For people.
    Terminal,
    /// For programs.
    Json,
}

impl Train {
    pub(super) fn run(self, context: &Context) -> Result<ExitCode> {
        let recipe = self.load()?;
        let data = data::load(&recipe)?;
        say_notes(&data, context);
        let folder = RunFolder::choose(self.resume.as_deref().or(self.run_dir.as_deref()), &recipe.name)?;
        let (rows, place) = (counted(data.dataset.rows() as u64, "row"), folder.path().display().to_string());
        let name = context.err.paint(Ink::Bold, visible(&recipe.name));
        let verb = if self.resume.is_some() { "resuming" } else { "training" };
        screen::say(&format!("{verb} {name} on {rows} -> {}", visible(&place)));
        let layers = summarize(&recipe, data.dataset.features()).inspect_err(|_| folder.abandon())?;
        let (_, weights) =
            Network::loaded(&recipe, data.dataset.features(), &cpu(true)).inspect_err(|_| folder.abandon())?;
        if let Some(weights) = &weights {
            screen::say(loaded::table(weights, &context.err).trim_end());
        }
        screen::say(summary::as_text(&recipe, &layers, &context.err).trim_end());
        let (verify, resume) = (self.verify, self.resume.is_some());
        let experiment = Experiment { recipe: &recipe, data: &data, folder: folder.path(), verify, resume };
        let Experience { outcome, observed, page, .. } = experiment.run(context).inspect_err(|_| folder.abandon())?;
        let format = match self.format {
            OutputFormat::Terminal => Format::Terminal,
            OutputFormat::Json => Format::Json,
        };
        screen::print(&observed.render(format, &context.out))?;
        if let Some(page) = page {
            screen::say(&context.err.paint(Ink::Dim, format!("report: {}", page.display())));
        }
        Ok(self.fail_on.code_of_run(outcome.end, &observed.diagnosis))
    }

    /// The recipe that was named, or that of the run to be resumed.
    fn load(&self) -> Result<Recipe> {
        let recipe = match (&self.recipe, &self.resume) {
            (Some(recipe), _) => load_recipe(recipe)?,
            (None, Some(run)) => recipe_to_resume(run)?,
            (None, None) => bail!("name a recipe, or a run with --resume"),
        };
        self.changes.made_in(recipe)
    }
}
