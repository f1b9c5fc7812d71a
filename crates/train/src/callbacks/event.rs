//! What callbacks are told.
use barograph_vocab::{Sites, StepRecord};
use std::path::Path;

/// The run that begins.
#[derive(Clone, Copy, Debug)]
pub struct RunInfo<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its folder, if it has one.
    pub folder: Option<&'a Path>,
    /// Planned epochs.
    pub epochs: u64,
    /// Steps of one epoch.
    pub steps_per_epoch: u64,
}

/// A step that begins.
#[derive(Clone, Copy, Debug)]
pub struct StepStart {
    /// The step, from 0.
    pub step: u64,
    /// The epoch, from 0.
    pub epoch: u64,
    /// The learning rate that it will have, unless a callback changes it now.
    pub learning_rate: f64,
}

/// A step that was done.
#[derive(Clone, Copy, Debug, Default)]
pub struct StepReport<'a> {
    /// The step, from 0.
    pub step: u64,
    /// The epoch, from 0.
    pub epoch: u64,
    /// The loss, penalties included.
    pub loss: f64,
    /// Share of the batch answered right, where there is one.
    pub accuracy: Option<f64>,
    /// The learning rate of the step.
    pub learning_rate: f64,
    /// The data-set rows of the batch.
    pub rows: &'a [u64],
    /// Why no weight changed, where the step was refused.
    pub refused: Option<&'a str>,
    /// What was read in the step; nothing in a training that is not observed.
    pub readings: Option<Readings<'a>>,
}

/// What was read in a step: statistics of weights, gradients and activations, with their histograms.
#[derive(Clone, Copy, Debug)]
pub struct Readings<'a> {
    /// The numbers and readings of the step, as the log holds them.
    pub record: &'a StepRecord,
    /// What the readings' sites are called.
    pub sites: &'a Sites,
}
