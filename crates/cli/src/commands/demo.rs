//! `barograph demo`: a training that goes wrong, why, and its repair.
use crate::context::Context;
use crate::demo::{Fault, RECIPE_FILE};
use crate::exit::{ExitCode, FOUND, INTERRUPTED};
use crate::experiment::{Experience, Experiment, say_notes};
use crate::observed::{Format, write};
use crate::run_folder::RunFolder;
use crate::screen::{self, Ink};
use crate::trials::{Tried, repaired};
use anyhow::Result;
use barograph_report::visible;
use barograph_train::data;
use barograph_train::recipe::{Recipe, diff_text};
use barograph_vocab::{RunEnd, Scalar, Verdict};
use clap::Args;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The repaired recipe's file in the folder of a demo.
const REPAIRED_FILE: &str = "repaired.toml";

/// Unchanged lines shown around a change.
const DIFF_CONTEXT: usize = 1;

/// Train real handwritten digits until it goes wrong, see why, and see it repaired.
///
/// The demo needs no network and no Python. It trains an ordinary recipe with one mistake in it, prints the report, tries the likeliest
/// remedies, puts the first that works into the recipe, and trains that to the end. Recipes, data, logs and reports stay in the run folder
/// for you to play with.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  barograph demo\n  barograph demo --fault double-softmax\n\nExit codes: 0 repaired, 1 not repaired, 130 interrupted."
)]
pub(super) struct Demo {
    /// What is wrong with the training.
    #[arg(long, value_enum, default_value_t = Fault::Lr)]
    fault: Fault,
    /// The folder for recipe, data and runs [default: runs/demo-FAULT-001 and counting].
    #[arg(long, value_name = "DIR")]
    run_dir: Option<PathBuf>,
}

impl Demo {
    pub(super) fn run(self, context: &Context) -> Result<ExitCode> {
        let folder = RunFolder::choose(self.run_dir.as_deref(), &format!("demo-{}", self.fault.name()))?;
        let recipe = self.fault.unpack(folder.path()).inspect_err(|_| folder.abandon())?;
        let stage = Stage { context, folder: folder.path() };
        screen::print("A small network learns to read 1,797 real handwritten digits. One thing about it is wrong.\n")?;
        let (broken, tried) = stage.break_it(&recipe)?;
        if broken == RunEnd::Interrupted {
            return Ok(ExitCode::from(INTERRUPTED));
        }
        match tried.iter().find(|tried| tried.works()) {
            Some(remedy) => stage.repair(&recipe, remedy),
            None => stage.give_up(&tried),
        }
    }
}

/// Where the demo plays.
struct Stage<'a> {
    context: &'a Context,
    folder: &'a Path,
}

impl Stage<'_> {
    /// Trains the recipe with the mistake, and says what went wrong.
    fn break_it(&self, recipe: &Recipe) -> Result<(RunEnd, Vec<Tried>)> {
        self.heading(1, "It trains", &self.folder.join(RECIPE_FILE))?;
        let data = data::load(recipe)?;
        say_notes(&data, self.context);
        let run = self.folder.join("broken");
        let experience =
            Experiment { recipe, data: &data, folder: &run, verify: true, resume: false }.run(self.context)?;
        self.heading(2, "What went wrong", &run)?;
        screen::print(&experience.observed.render(Format::Terminal, &self.context.out))?;
        Ok((experience.outcome.end, experience.tried))
    }

    /// Puts the remedy into the recipe and trains that to the end.
    fn repair(&self, recipe: &Recipe, tried: &Tried) -> Result<ExitCode> {
        let path = self.folder.join(REPAIRED_FILE);
        let text = repaired(recipe, &tried.remedy)?.text();
        write(&path, &text)?;
        self.heading(3, "The remedy that worked, put into the recipe", &path)?;
        screen::print(&self.colored_diff(&diff_text(&recipe.text(), &text, DIFF_CONTEXT)))?;
        let recipe = Recipe::load(&path)?;
        let data = data::load(&recipe)?;
        let run = self.folder.join("repaired");
        self.heading(4, "It trains again, to the end", &run)?;
        let experience = Experiment { recipe: &recipe, data: &data, folder: &run, verify: false, resume: false }
            .run(self.context)?;
        self.close(&experience)
    }

    fn close(&self, experience: &Experience) -> Result<ExitCode> {
        let out = &self.context.out;
        let diagnosis = &experience.observed.diagnosis;
        let ink = if diagnosis.verdict == Verdict::Healthy { Ink::Good } else { Ink::Warning };
        let mut text = format!("{}: ", out.paint(ink, diagnosis.verdict.name()));
        match experience.outcome.last(Scalar::ValidationAccuracy) {
            Some(accuracy) => {
                let share = out.paint(Ink::Bold, format!("{:.1} %", 100.0 * accuracy));
                let _ = writeln!(text, "{share} of the digits that were held out are read right");
            }
            None => text.push_str("no epoch was done\n"),
        }
        text.push_str(&self.places());
        screen::print(&text)?;
        Ok(ExitCode::from(match (experience.outcome.end, diagnosis.verdict) {
            (RunEnd::Interrupted, _) => INTERRUPTED,
            (_, Verdict::Unhealthy) => FOUND,
            _ => 0,
        }))
    }

    /// Says what a person has to do.
    fn give_up(&self, tried: &[Tried]) -> Result<ExitCode> {
        self.heading(3, "No remedy could be put into the recipe", &self.folder.join(RECIPE_FILE))?;
        let mut text = String::new();
        for Tried { slug, remedy, .. } in tried {
            let _ = writeln!(text, "  {}: {}", visible(slug), visible(&remedy.text));
        }
        if tried.is_empty() {
            text.push_str("  no cause is known for what was seen\n");
        }
        text.push_str(&self.places());
        screen::print(&text)?;
        Ok(ExitCode::from(FOUND))
    }

    fn heading(&self, number: u8, title: &str, place: &Path) -> Result<()> {
        let out = &self.context.out;
        let (title, place) =
            (out.paint(Ink::Note, format!("{number}. {title}")), out.paint(Ink::Dim, place.display().to_string()));
        screen::print(&format!("\n{title}  {place}\n"))
    }

    fn places(&self) -> String {
        let out = &self.context.out;
        let report = self.folder.join("broken").join(crate::observed::PAGE);
        format!("\n{} {}\n", out.paint(Ink::Bold, "report:"), report.display())
    }

    fn colored_diff(&self, diff: &str) -> String {
        let ink = |line: &str| match line.chars().next() {
            Some('+') => Ink::Good,
            Some('-') => Ink::Error,
            _ => Ink::Dim,
        };
        let mut colored = String::new();
        for line in diff.trim_end().lines() {
            let _ = writeln!(colored, "  {}", self.context.out.paint(ink(line), line));
        }
        colored
    }
}
