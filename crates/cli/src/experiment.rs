//! One training from recipe to report: what `train` does, and `demo` twice.
use crate::context::Context;
use crate::interrupt;
use crate::observed::Observed;
use crate::progress::Progress;
use crate::run_folder::TOKENIZER_FILE;
use crate::screen::{self, Ink};
use crate::trials::{TrialResult, Tried, try_remedies};
use anyhow::{Context as _, Result, anyhow};
use barograph_monitor::{DiagnoseError, EvidenceMode};
use barograph_report::{trial_text, visible};
use barograph_train::callbacks::Control;
use barograph_train::data::Loaded;
use barograph_train::recipe::Recipe;
use barograph_train::{Network, Outcome, TrainError, Trainer};
use indicatif::ProgressBar;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is to be trained, and where its run goes.
pub(crate) struct Experiment<'a> {
    pub(crate) recipe: &'a Recipe,
    pub(crate) data: &'a Loaded,
    pub(crate) folder: &'a Path,
    /// Whether remedies are tried when something is wrong.
    pub(crate) verify: bool,
    /// Whether the run in the folder goes on.
    pub(crate) resume: bool,
}

/// What came of it.
pub(crate) struct Experience {
    pub(crate) outcome: Outcome<Network>,
    pub(crate) tried: Vec<Tried>,
    pub(crate) observed: Observed,
    /// The page of the report, if it could be written.
    pub(crate) page: Option<PathBuf>,
}

impl Experiment<'_> {
    /// Trains, tries remedies if asked to, closes the log, and diagnoses the run from it.
    ///
    /// # Errors
    /// When the training cannot begin, or its log cannot be read back.
    pub(crate) fn run(&self, context: &Context) -> Result<Experience> {
        let interrupt = interrupt::flag();
        let trainer =
            Trainer::from_recipe(self.recipe, &self.data.dataset).map_err(|error| with_the_file(self.recipe, error))?;
        let trainer = trainer.folder(self.folder).interrupt(interrupt.clone());
        let trainer = trainer.callback(Control::default()).callback(Progress::new(context.err));
        let trainer = if self.resume { trainer.resume() } else { trainer };
        let outcome = trainer.fit(&self.data.dataset).map_err(|error| with_the_file(self.recipe, error))?;
        if let Some(tokenizer) = &self.data.tokenizer
            && let Err(error) = std::fs::write(self.folder.join(TOKENIZER_FILE), tokenizer)
        {
            context.warn(&format!("the tokenizer was not kept: {error}"));
        }
        let tried = if self.verify { self.verify(&outcome, context) } else { Vec::new() };
        outcome.close();
        let observed = self.observe(&outcome, context)?;
        for warning in &outcome.warnings {
            context.warn(warning);
        }
        let page = match observed.write_page(self.folder) {
            Ok(page) => Some(page),
            Err(error) => {
                context.warn(&format!("{error:#}"));
                None
            }
        };
        Ok(Experience { outcome, tried, observed, page })
    }

    /// What the log says, so that `diagnose` says the same later; what the trainer saw, where the log was lost.
    fn observe(&self, outcome: &Outcome<Network>, context: &Context) -> Result<Observed> {
        let trouble = match outcome.log_trouble() {
            Some(trouble) => trouble,
            None => match Observed::from_log(self.folder, EvidenceMode::All) {
                Ok(observed) => return Ok(observed),
                // There was room for the log, and none for what a step shows.
                Err(error @ DiagnoseError::NoStep(_)) if outcome.steps > 0 => error.to_string(),
                Err(error) => return Err(error.into()),
            },
        };
        context.warn(&format!("the run log ends early: {trouble}"));
        Observed::live(outcome).context("the training was not observed")
    }

    fn verify(&self, outcome: &Outcome<Network>, context: &Context) -> Vec<Tried> {
        let spinner = ProgressBar::new_spinner();
        spinner.enable_steady_tick(Duration::from_millis(100));
        let before =
            |remedy: &barograph_vocab::Remedy| spinner.set_message(format!("trying: {}", visible(&remedy.text)));
        let after = |tried: &Tried| spinner.suspend(|| screen::say(&told(tried, context)));
        let tried = try_remedies(outcome, self.recipe, &self.data.dataset, &interrupt::flag(), before, after);
        spinner.finish_and_clear();
        tried
    }
}

/// Names the data file where data and network do not fit together.
pub(crate) fn with_the_file(recipe: &Recipe, error: TrainError) -> anyhow::Error {
    match (&error, &recipe.data.file) {
        (TrainError::Mismatch(_), Some(file)) => anyhow!("{}: {error}", file.display()),
        _ => error.into(),
    }
}

/// `works: lower the learning rate from 0.5 to 0.05 (from step 0: finite for 200 steps, ...)`.
fn told(tried: &Tried, context: &Context) -> String {
    let (ink, label, detail) = match &tried.result {
        TrialResult::Ran(trial) if trial.works => (Ink::Good, "works", trial_text(trial)),
        TrialResult::Ran(trial) => (Ink::Warning, "does not help", trial_text(trial)),
        TrialResult::Advice => (Ink::Dim, "not tried", "no recipe key says this".to_owned()),
        TrialResult::Refused(reason) => (Ink::Dim, "not tried", format!("the recipe cannot take it: {reason}")),
    };
    let remedy = visible(&tried.remedy.text);
    format!("tried: {remedy}\n  {}: {}", context.err.paint(ink, label), visible(&detail))
}

/// Says what was odd about the data.
pub(crate) fn say_notes(data: &Loaded, context: &Context) {
    for note in &data.report.notes {
        let label = context.err.paint(Ink::Note, "note");
        screen::say(&format!("{label}: {}", visible(note)));
    }
}
