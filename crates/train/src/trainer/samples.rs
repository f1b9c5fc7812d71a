//! Rows that callbacks want to see answered after each epoch.
use super::run::Run;
use crate::batches::Rows;
use crate::callbacks::{SampleRequest, Samples};
use crate::data::{DataError, RowSource, Scaling, Targets};
use crate::error::TrainError;
use crate::metrics::{Answers, Scoring};
use crate::model::Model;
use crate::prepare::Ready;
use crate::random::{Purpose, Random};
use crate::recipe::Examples;
use barograph_burn::{Numerics, Scope, device_of, from_slice, to_vec};
use barograph_vocab::RunEnd;

/// The stream of random numbers that rows are drawn from.
const STREAM: u32 = u32::MAX;

/// Rows that one callback asked for.
pub(super) struct Sampled {
    /// Which callback.
    callback: usize,
    rows: Vec<u64>,
    held_out: Vec<bool>,
    /// As the data has them.
    inputs: Vec<f32>,
    /// As the network sees them.
    seen: Vec<f32>,
    targets: Targets,
    scaling: Scaling,
    class_names: Vec<String>,
    image: Option<[usize; 3]>,
}

impl<M: Model> Run<'_, M> {
    /// Finds the rows that callbacks ask for.
    pub(super) fn choose_samples(&mut self, data: &Ready<'_>, validation: &Rows<'_>) -> Result<(), TrainError> {
        for callback in 0..self.callbacks.len() {
            let rows = match self.callbacks[callback].wants_samples() {
                None => continue,
                Some(SampleRequest::Drawn(count)) => self.draw(count, validation),
                Some(SampleRequest::Rows(rows)) => self.existing(&rows, validation, data.rows()),
            };
            if !rows.is_empty() {
                let sampled = self.sample(callback, rows, data, validation)?;
                self.samples.push(sampled);
            }
        }
        Ok(())
    }

    /// Rows drawn by the seed: of those held out, or else of those trained on.
    fn draw(&self, count: usize, validation: &Rows<'_>) -> Vec<usize> {
        let from = if validation.len() > 0 { validation } else { self.engine.rows };
        let mut rows = from.numbers().to_vec();
        Random::new(self.engine.recipe.seed, Purpose::Sample, 0, STREAM).shuffle(&mut rows);
        rows.truncate(count);
        rows.sort_unstable();
        rows
    }

    /// Those of the rows that are trained on or held out: others may hold what the model cannot take.
    fn existing(&mut self, asked: &[u64], validation: &Rows<'_>, count: usize) -> Vec<usize> {
        let training = self.engine.rows.numbers();
        let is_used = |row: &usize| training.contains(row) || validation.numbers().contains(row);
        let (mut rows, mut missing) = (Vec::new(), Vec::new());
        for &row in asked {
            match usize::try_from(row).ok().filter(is_used) {
                Some(row) => rows.push(row),
                None => missing.push(row.to_string()),
            }
        }
        if !missing.is_empty() {
            let missing = missing.join(", ");
            let text = format!(
                "these rows are not shown, as they are none of the data's {count} rows, or left out of the training: {missing}"
            );
            self.warnings.push(text);
        }
        rows
    }

    fn sample(
        &self,
        callback: usize,
        rows: Vec<usize>,
        data: &Ready<'_>,
        validation: &Rows<'_>,
    ) -> Result<Sampled, DataError> {
        let (mut inputs, mut seen) = (Vec::new(), Vec::new());
        data.original().inputs(&rows, &mut inputs)?;
        data.inputs(&rows, &mut seen)?;
        let shape = match &self.engine.recipe.data.examples {
            Examples::Images { spec } => Some(spec.shape()),
            _ => self.engine.recipe.data.image,
        };
        let image = shape.map(|sizes| sizes.map(|size| size as usize));
        Ok(Sampled {
            callback,
            held_out: rows.iter().map(|row| validation.numbers().contains(row)).collect(),
            inputs,
            seen,
            targets: data.original().targets(&rows)?,
            scaling: data.targets.clone(),
            class_names: data.class_names().to_vec(),
            image,
            rows: rows.into_iter().map(|row| row as u64).collect(),
        })
    }

    /// Shows callbacks what the model answers for the rows that they asked for. Returns why the run ends, if it does.
    pub(super) fn show_samples(&mut self, epoch: u64) -> Option<RunEnd> {
        let Some(state) = &self.state else { return None };
        if self.samples.is_empty() {
            return None;
        }
        let (model, device) = (state.model.valid(), device_of(&state.model, false));
        let features = self.engine.rows.features();
        // Each of several outputs has a task of its own; together they are shown as numbers.
        let is_aligned = self.engine.scoring.aligned && self.engine.loss.outputs().len() < 2;
        let scoring = Scoring { aligned: is_aligned, ..self.engine.scoring };
        let products = self.engine.recipe.precision.products();
        let guards = (Scope::default().enter(), Numerics { products, ..Numerics::default() }.enter());
        let mut actions = Vec::new();
        for sampled in &self.samples {
            let count = sampled.rows.len();
            let answers = model.forward(from_slice(sampled.seen.clone(), [count, features], &device));
            let (width, mut outputs) = (answers.dims()[1], to_vec(&answers));
            sampled.scaling.undo(&mut outputs);
            let samples = Samples {
                epoch,
                rows: &sampled.rows,
                held_out: &sampled.held_out,
                inputs: &sampled.inputs,
                image: sampled.image,
                targets: match &sampled.targets {
                    Targets::Classes(classes) => Answers::Classes(classes),
                    Targets::Real { values, .. } => Answers::Real(values),
                },
                class_names: &sampled.class_names,
                outputs: &outputs,
                width,
                scoring,
            };
            self.callbacks[sampled.callback].samples(&samples).flatten_into(&mut actions);
        }
        drop(guards);
        self.perform(actions)
    }
}
