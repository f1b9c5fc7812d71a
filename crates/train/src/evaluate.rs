//! Loss and score on held-out rows.
use crate::batches::{Batch, Rows};
use crate::data::DataError;
use crate::data::source::ROWS_AT_ONCE;
use crate::engine::{Engine, Term};
use crate::layers::measuring;
use crate::losses::LossPart;
use crate::metrics::Score;
use crate::model::Model;
use barograph_burn::{BatchNormMeter, Numerics, Scope, device_of, from_slice, separate, to_vec};
use barograph_vocab::Scalar;
use burn::prelude::*;

/// What rows that are held out show.
#[derive(Clone, Debug, Default)]
pub(crate) struct Validated {
    pub(crate) scalars: Vec<(Scalar, f64)>,
    /// Of single outputs and terms of the loss.
    pub(crate) named: Vec<(String, f64)>,
}

/// The loss (without penalties) and the score of a model on rows that it does not learn from, with dropout off and normalization
/// by running statistics.
pub(crate) fn evaluate<M: Model>(engine: &Engine<'_>, model: &M, rows: &Rows<'_>) -> Result<Validated, DataError> {
    let _scope = Scope::default().enter();
    let _numerics = Numerics { products: engine.recipe.precision.products(), ..Numerics::default() }.enter();
    // A plain device records no graph, so that nothing is kept for a backward pass that never comes.
    let (model, device) = (model.valid(), device_of(model, false));
    let places: Vec<usize> = (0..rows.len()).collect();
    let (mut score, mut loss) = (Score::default(), 0.0);
    for places in places.chunks(ROWS_AT_ONCE) {
        let batch = rows.gather(places)?;
        let outputs = model.forward(from_slice(batch.inputs.clone(), [batch.len(), batch.features], &device));
        let (values, width) = (to_vec(&outputs), outputs.dims()[1]);
        let parts = engine.parts_of(outputs, &batch.targets(&device), batch.weights(&device).as_ref());
        let value = LossPart::sum(&parts).map_or(0.0, Tensor::into_scalar::<f32>);
        engine.score(&mut score, &Term::of(parts), &values, width, &batch);
        loss += f64::from(value) * batch.len() as f64;
    }
    let mut scalars = vec![(Scalar::ValidationLoss, loss / rows.len() as f64)];
    scalars.extend(score.value().map(|score| (engine.scoring.validation_scalar(), score)));
    Ok(Validated { scalars, named: score.named("validation_") })
}

/// The model with running statistics of batch norms measured anew: their mean over the batches of the training rows, each batch counting by
/// its rows, with dropout off (burn's own `Dropout` stays on, as torch's does in `update_bn`).
pub(crate) fn measure_normalization<M: Model>(engine: &Engine<'_>, model: &M) -> Result<M, DataError> {
    let _scope = Scope::default().enter();
    let _numerics = Numerics { products: engine.recipe.precision.products(), ..Numerics::default() }.enter();
    if !model.buffers().is_empty() {
        measure_buffers(engine, model)?;
    }
    let Some(mut meter) = BatchNormMeter::of(model) else { return Ok(separate(model)) };
    let mut last = None;
    for batch in batches(engine) {
        let batch = batch?;
        let inputs = from_slice(batch.inputs.clone(), [batch.len(), batch.features], &engine.device);
        meter.see(batch.len(), |model: &M| drop(model.forward(inputs.clone())));
        last = Some(inputs);
    }
    let Some(last) = last else { return Ok(separate(model)) };
    let measured = meter.measured(&device_of(model, false), |model: &M| drop(model.forward(last.clone())));
    Ok(measured.put_back(separate(model)))
}

/// The training rows in their own order, in batches of the recipe's size.
fn batches<'a>(engine: &'a Engine<'_>) -> impl Iterator<Item = Result<Batch, DataError>> + use<'a> {
    let places: Vec<usize> = (0..engine.rows.len()).collect();
    let chunks: Vec<Vec<usize>> = places.chunks(engine.recipe.batch as usize).map(<[usize]>::to_vec).collect();
    chunks.into_iter().map(|places| engine.rows.gather(&places))
}

fn measure_buffers<M: Model>(engine: &Engine<'_>, model: &M) -> Result<(), DataError> {
    // A copy has statistics of its own, which are carried over by name.
    let (measured, device) = (model.valid(), device_of(model, false));
    let mut seen = 0.0;
    for batch in batches(engine) {
        let batch = batch?;
        let rows = batch.len() as f64;
        seen += rows;
        let inputs = from_slice(batch.inputs.clone(), [batch.len(), batch.features], &device);
        drop(measuring(rows / seen, || measured.forward(inputs)));
    }
    for (name, values) in measured.buffers() {
        model.set_buffer(&name, values);
    }
    Ok(())
}
