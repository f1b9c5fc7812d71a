//! A run as it was observed: its diagnosis with its curves, ready to be shown.
use crate::screen::Screen;
use anyhow::{Context as _, Result};
use barograph_monitor::{DiagnoseError, EvidenceMode, diagnose};
use barograph_report::{Curves, Report};
use barograph_train::Outcome;
use barograph_train::callbacks::load_samples;
use barograph_vocab::{Diagnosis, Record, Sample};
use clap::ValueEnum;
use std::path::{Path, PathBuf};

/// The file of a run folder that holds the report.
pub(crate) const PAGE: &str = "report.html";

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people, in a terminal.
    Terminal,
    /// For programs.
    Json,
    /// For an issue or a README.
    Markdown,
    /// A page of its own, with every curve.
    Html,
}

/// A diagnosis with the curves of its run.
pub(crate) struct Observed {
    pub(crate) diagnosis: Diagnosis,
    curves: Curves,
    samples: Vec<Sample>,
}

impl Observed {
    /// Reads the log of a run and diagnoses it.
    ///
    /// # Errors
    /// When the folder holds no readable run log, or the log no step.
    pub(crate) fn from_log(folder: &Path, mode: EvidenceMode) -> Result<Self, DiagnoseError> {
        let mut curves = Curves::default();
        let mut diagnosis = diagnose(folder, mode, |record| curves.see(record))?;
        let samples = load_samples(folder).unwrap_or_else(|error| {
            diagnosis.notes.push(error);
            Vec::new()
        });
        Ok(Self { diagnosis, curves, samples })
    }

    /// What the trainer itself saw, for a run whose log was lost. The curves are those of the epochs.
    pub(crate) fn live<M>(outcome: &Outcome<M>) -> Option<Self> {
        let mut curves = Curves::default();
        for epoch in &outcome.history {
            curves.see(&Record::Epoch(epoch.clone()));
        }
        let samples = outcome.folder.as_deref().and_then(|folder| load_samples(folder).ok()).unwrap_or_default();
        Some(Self { diagnosis: outcome.diagnosis()?, curves, samples })
    }

    /// The report as text.
    pub(crate) fn render(&self, format: Format, screen: &Screen) -> String {
        let report = Report { diagnosis: &self.diagnosis, curves: &self.curves, samples: &self.samples };
        match format {
            Format::Terminal => barograph_report::terminal(&report, &screen.report()),
            Format::Json => barograph_report::json(&self.diagnosis),
            Format::Markdown => barograph_report::markdown(&report),
            Format::Html => barograph_report::html(&report),
        }
    }

    /// Writes the page of the report into a run folder.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn write_page(&self, folder: &Path) -> Result<PathBuf> {
        let path = folder.join(PAGE);
        write(&path, &self.render(Format::Html, &Screen::FILE))?;
        Ok(path)
    }
}

/// Writes a text to a file.
///
/// # Errors
/// When the system refuses, with the name of the file.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("{}: cannot write the file", path.display()))
}
