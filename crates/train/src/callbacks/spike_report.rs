//! Writes down what was known around a leap of the loss.
use super::spikes::Spikes;
use super::{Action, Callback, Readings, RunInfo, StepReport, memory};
use barograph_vocab::Role;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

/// The folder of a run that holds the reports.
const FOLDER: &str = "spikes";

/// Steps before a spike that a report shows (our choice).
const BEFORE: usize = 8;

/// Rows that the note in the log names; the file holds them all (our choice).
const ROWS_IN_NOTE: usize = 8;

/// When the loss leaps up, writes what was known into the run's folder, as `spikes/step-000312.toml`: the step, its rows, and for each
/// tensor the norm at that step and at the steps before. The log gets a note with the weight whose gradient grew most.
///
/// Norms are those of the supervision; a training that is not observed has none.
#[derive(Clone, Debug)]
pub struct SpikeReport {
    limit: u64,
    folder: Option<PathBuf>,
    before: VecDeque<Step>,
    trouble: Option<String>,
    memory: Memory,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Memory {
    reports: u64,
    spikes: Spikes,
}

/// What is kept of a step.
#[derive(Clone, Debug)]
struct Step {
    loss: f64,
    norms: Vec<(String, Role, f64)>,
}

/// A report as it is written.
#[derive(Debug, Serialize)]
struct Report<'a> {
    step: u64,
    epoch: u64,
    loss: f64,
    usual_loss: f64,
    losses_before: Vec<f64>,
    learning_rate: f64,
    refused: Option<&'a str>,
    rows: &'a [u64],
    tensors: Vec<Tensor<'a>>,
}

#[derive(Debug, Serialize)]
struct Tensor<'a> {
    site: &'a str,
    role: &'static str,
    norm: f64,
    norms_before: Vec<f64>,
}

impl SpikeReport {
    /// A spike is `threshold` mean deviations above the usual loss, after `warmup_steps` in which every loss moves.
    #[must_use]
    pub const fn new(threshold: f64, warmup_steps: u64) -> Self {
        let memory = Memory { reports: 0, spikes: Spikes::new(threshold, warmup_steps) };
        Self { limit: 10, folder: None, before: VecDeque::new(), trouble: None, memory }
    }

    /// Reports of a run. 10 unless told otherwise.
    #[must_use]
    pub const fn limit(mut self, limit: u64) -> Self {
        self.limit = limit;
        self
    }

    fn report<'a>(&'a self, step: &'a StepReport<'_>, now: &'a Step, usual_loss: f64) -> Report<'a> {
        let norm_of = |step: &Step, site: &str, role| {
            step.norms.iter().find(|(name, of, _)| name == site && *of == role).map(|(_, _, norm)| *norm)
        };
        let tensors = now.norms.iter().map(|(site, role, norm)| Tensor {
            site,
            role: role.name(),
            norm: *norm,
            norms_before: self.before.iter().filter_map(|step| norm_of(step, site, *role)).collect(),
        });
        Report {
            step: step.step,
            epoch: step.epoch,
            loss: step.loss,
            usual_loss,
            losses_before: self.before.iter().map(|step| step.loss).collect(),
            learning_rate: step.learning_rate,
            refused: step.refused,
            rows: step.rows,
            tensors: tensors.collect(),
        }
    }
}

impl Callback for SpikeReport {
    fn train_begin(&mut self, run: &RunInfo<'_>) -> Action {
        self.folder = run.folder.map(|folder| folder.join(FOLDER));
        Action::Continue
    }

    fn step_end(&mut self, step: &StepReport<'_>) -> Action {
        if self.memory.reports >= self.limit {
            return Action::Continue;
        }
        let level = self.memory.spikes.level();
        let is_spike = self.memory.spikes.see(step.loss);
        let now = Step { loss: step.loss, norms: step.readings.map(norms).unwrap_or_default() };
        let mut action = Action::Continue;
        if is_spike {
            self.memory.reports += 1;
            // A loss that stays where it leapt to is reported once or twice, and then is the usual one.
            self.memory.spikes.learn(step.loss);
            let report = self.report(step, &now, level);
            action = Action::Note(note(&report));
            let trouble = self.folder.as_deref().and_then(|folder| write(folder, &report).err());
            self.trouble = trouble.or(self.trouble.take());
        }
        if self.before.len() == BEFORE {
            self.before.pop_front();
        }
        self.before.push_back(now);
        action
    }

    fn trouble(&mut self) -> Option<String> {
        self.trouble.take()
    }

    fn state(&self) -> String {
        memory::write(&self.memory)
    }

    fn restore(&mut self, state: &str) -> Result<(), String> {
        self.memory = memory::read(state)?;
        Ok(())
    }
}

/// The norm of each tensor that was read.
fn norms(readings: Readings<'_>) -> Vec<(String, Role, f64)> {
    let name = |site| readings.sites.path(site).to_owned();
    readings.record.readings.iter().map(|entry| (name(entry.site), entry.role, entry.reading.l2)).collect()
}

/// `the loss leapt from about 2.3 to 41 at step 312; the gradient of dense2.weight grew most, 18 times; rows 4, 9 of the data`.
fn note(report: &Report<'_>) -> String {
    let growth = |tensor: &Tensor<'_>| {
        let before = tensor.norms_before.iter().sum::<f64>() / tensor.norms_before.len().max(1) as f64;
        if before > 0.0 { tensor.norm / before } else { 0.0 }
    };
    let gradients = report.tensors.iter().filter(|tensor| tensor.role == Role::Gradient.name());
    let most = gradients.map(|tensor| (tensor.site, growth(tensor))).max_by(|a, b| a.1.total_cmp(&b.1));
    let most = most
        .filter(|(_, growth)| *growth > 1.0)
        .map_or_else(String::new, |(site, growth)| format!("; the gradient of {site} grew most, {growth:.1} times"));
    let rows: Vec<String> = report.rows.iter().take(ROWS_IN_NOTE).map(u64::to_string).collect();
    let more = report.rows.len().saturating_sub(ROWS_IN_NOTE);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let (usual, loss, step) = (report.usual_loss, report.loss, report.step);
    format!("the loss leapt from about {usual:.4} to {loss:.4} at step {step}{most}; rows {}{more}", rows.join(", "))
}

fn write(folder: &Path, report: &Report<'_>) -> Result<(), String> {
    let path = folder.join(format!("step-{:06}.toml", report.step));
    let text = toml::to_string(report).map_err(|error| format!("{}: {error}", path.display()))?;
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, text));
    written.map_err(|error| format!("{}: {error}; the run goes on without this report", path.display()))
}
