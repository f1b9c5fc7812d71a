//! What callbacks are told.
use crate::metrics::{Answers, Scoring};
use crate::recipe::Recipe;
use barograph_stats::SignedHistogram;
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
    /// What it was asked to do.
    pub recipe: &'a Recipe,
    /// Input values of an example.
    pub inputs: usize,
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
    /// The values of tensors, each with its place among the readings of the record; empty unless a callback asked for them (see
    /// [`super::Callback::wants_histograms`]).
    pub histograms: &'a [(usize, SignedHistogram)],
}

/// Rows that a callback wants to see answered after each epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SampleRequest {
    /// So many, drawn by the seed: of the rows that are held out, or of the training rows where none are.
    Drawn(usize),
    /// These rows of the data, the first being 0.
    Rows(Vec<u64>),
}

/// Rows that a callback asked for, and what the model answers for them.
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a> {
    /// The epoch that was done, from 0.
    pub epoch: u64,
    /// The data-set rows.
    pub rows: &'a [u64],
    /// For each row, whether the model does not learn from it.
    pub held_out: &'a [bool],
    /// Input values `[rows, inputs]`, as the data has them, before they are scaled.
    pub inputs: &'a [f32],
    /// Channels, height and width, where each row is an image.
    pub image: Option<[usize; 3]>,
    /// The right answers, as the data has them: a class number a row, or `[rows, columns]`.
    pub targets: Answers<'a>,
    /// What each class number stands for; empty where the data does not say.
    pub class_names: &'a [String],
    /// Outputs of the model `[rows, width]`; where targets are scaled, scaled back.
    pub outputs: &'a [f32],
    /// Outputs of a row.
    pub width: usize,
    /// What counts as a right answer.
    pub scoring: Scoring,
}

impl<'a> Samples<'a> {
    /// The input values of the row at this place.
    ///
    /// # Panics
    /// When there is no such place.
    #[must_use]
    pub fn inputs_of(&self, place: usize) -> &'a [f32] {
        let features = self.inputs.len() / self.rows.len().max(1);
        &self.inputs[place * features..(place + 1) * features]
    }
}
