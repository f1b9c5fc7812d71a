//! What a run comes down to: its curves, and each tensor's beginning and end. Fed by every step, in bounded memory.
mod history;
mod site;
mod skill;

pub use history::History;
pub use site::SiteDigest;

use crate::streams::{Curve, Ema, Trail};
use crate::view::Index;
use barograph_vocab::{DataReading, EpochRecord, Role, Scalar, SiteId, StepRecord};

/// Span of the smoothed accuracy and coefficient of determination, in steps.
const SKILL_SPAN: u32 = 20;

/// Streaming accumulators over a whole run. Cause rules, and the symptom rules that judge at the end, read it.
#[derive(Debug)]
pub struct Digest {
    /// Training loss of the steps.
    pub loss: Curve,
    /// Global gradient norm: the scalar where there is one, else over the gradients that were read.
    pub gradient_norm: Curve,
    /// Learning rate.
    pub learning_rate: Trail,
    /// Whether steps were clipped, as 0 and 1.
    pub clipped: Trail,
    /// Loss of a constant answer.
    pub chance_loss: Trail,
    /// Rows of a batch.
    pub batch_rows: Trail,
    /// Mean sum of an output row.
    pub row_sum: Trail,
    /// Largest deviation of an output row's sum from 1.
    pub row_sum_error: Trail,
    /// Accuracy of the steps.
    pub accuracy: Curve,
    /// Coefficient of determination of the steps.
    pub r2: Curve,
    /// What the epochs gave.
    pub history: History,
    /// The latest reading of inputs and targets over an epoch.
    pub data: Option<DataReading>,
    /// The first step whose loss, weights or gradients were not finite.
    pub broken_at: Option<u64>,
    late_accuracy: Ema,
    late_r2: Ema,
    sites: Vec<[Option<Box<SiteDigest>>; Role::ALL.len()]>,
}

impl Default for Digest {
    fn default() -> Self {
        Self {
            loss: Curve::default(),
            gradient_norm: Curve::default(),
            learning_rate: Trail::default(),
            clipped: Trail::default(),
            chance_loss: Trail::default(),
            batch_rows: Trail::default(),
            row_sum: Trail::default(),
            row_sum_error: Trail::default(),
            accuracy: Curve::default(),
            r2: Curve::default(),
            history: History::default(),
            data: None,
            broken_at: None,
            late_accuracy: Ema::over(SKILL_SPAN),
            late_r2: Ema::over(SKILL_SPAN),
            sites: Vec::new(),
        }
    }
}

impl Digest {
    pub(crate) fn see_step(&mut self, step: &StepRecord, index: &Index) {
        self.scalars(step);
        if index.broken() {
            self.first_break(step, index);
            return; // The statistics of what is left finite mean nothing.
        }
        let mut squares = 0.0;
        for entry in &step.readings {
            // The index leaves damaged readings out.
            let Some(reading) = index.reading(step, entry.site, entry.role) else { continue };
            let weight = (entry.role == Role::Update).then(|| index.reading(step, entry.site, Role::Weight)).flatten();
            let digest = self.entry(entry.site, entry.role);
            digest.push(reading);
            if let Some(weight) = weight {
                digest.push_ratio(reading, weight);
            }
            if entry.role == Role::Gradient {
                squares += reading.l2 * reading.l2;
            }
        }
        for units in &step.units {
            self.entry(units.site, units.role).push_units(units);
        }
        let norm = step.scalar(Scalar::GradientNorm).or((squares > 0.0).then(|| squares.sqrt()));
        if let Some(norm) = norm {
            self.gradient_norm.push(step.step, norm);
        }
    }

    /// The forward pass of the first broken step is the last measurement of what the network puts out, and often the only one.
    fn first_break(&mut self, step: &StepRecord, index: &Index) {
        if self.broken_at.is_some() {
            return;
        }
        self.broken_at = Some(step.step);
        for entry in &step.readings {
            let forward =
                !matches!(entry.role, Role::Weight | Role::Gradient | Role::ActivationGradient | Role::Update);
            let reading = index.reading(step, entry.site, entry.role).filter(|reading| reading.non_finite() == 0);
            if let Some(reading) = reading.filter(|_| forward) {
                self.entry(entry.site, entry.role).push(reading);
            }
        }
    }

    fn scalars(&mut self, step: &StepRecord) {
        for &(scalar, value) in &step.scalars {
            match scalar {
                Scalar::Loss => self.loss.push(step.step, value),
                Scalar::LearningRate => self.learning_rate.push(value),
                Scalar::Clipped => self.clipped.push(value),
                Scalar::ChanceLoss => self.chance_loss.push(value),
                Scalar::BatchRows => self.batch_rows.push(value),
                Scalar::OutputRowSum => self.row_sum.push(value),
                Scalar::OutputRowSumError => self.row_sum_error.push(value),
                Scalar::Accuracy => {
                    self.accuracy.push(step.step, value);
                    self.late_accuracy.push(value);
                }
                Scalar::R2 => {
                    self.r2.push(step.step, value);
                    self.late_r2.push(value);
                }
                Scalar::GradientNorm
                | Scalar::ValidationLoss
                | Scalar::ValidationAccuracy
                | Scalar::ValidationR2
                | Scalar::WeightsChecksum
                | Scalar::StepSeconds
                | Scalar::LossScale
                | Scalar::LossRowsCompared => {}
            }
        }
    }

    pub(crate) fn see_epoch(&mut self, epoch: &EpochRecord) {
        self.history.push(epoch);
    }

    pub(crate) fn see_data(&mut self, data: &DataReading) {
        self.data = Some(data.clone());
    }

    fn entry(&mut self, site: SiteId, role: Role) -> &mut SiteDigest {
        if self.sites.len() <= site.index() {
            self.sites.resize_with(site.index() + 1, || [const { None }; Role::ALL.len()]);
        }
        self.sites[site.index()][role as usize].get_or_insert_with(Box::default)
    }

    /// What one tensor came down to.
    #[must_use]
    pub fn site(&self, site: SiteId, role: Role) -> Option<&SiteDigest> {
        self.sites.get(site.index())?[role as usize].as_deref()
    }

    /// Every tensor of a role, by number of site.
    pub fn each(&self, role: Role) -> impl Iterator<Item = (SiteId, &SiteDigest)> {
        let entries = self.sites.iter().enumerate();
        entries.filter_map(move |(at, roles)| Some((SiteId(at as u32), roles[role as usize].as_deref()?)))
    }

    /// The first tensor of a role that has one site in most networks: input, target, output.
    #[must_use]
    pub fn only(&self, role: Role) -> Option<(SiteId, &SiteDigest)> {
        self.each(role).next()
    }

    /// Mean loss at the beginning: over the first twentieth of the run.
    #[must_use]
    pub fn first_loss(&self) -> Option<f64> {
        self.loss.mean(0.0, 0.05).or_else(|| self.loss.first())
    }

    /// Mean loss at the end: over the last tenth of the run.
    #[must_use]
    pub fn last_loss(&self) -> Option<f64> {
        self.loss.mean(0.9, 1.0)
    }
}
