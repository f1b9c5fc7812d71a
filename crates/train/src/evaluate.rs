//! Loss and score on held-out rows.
use crate::batches::Rows;
use crate::data::DataError;
use crate::data::source::ROWS_AT_ONCE;
use crate::engine::{Engine, Term};
use crate::layers::measuring;
use crate::losses::LossPart;
use crate::metrics::Score;
use crate::model::Model;
use barograph_burn::{Numerics, Scope, device_of, from_slice, to_vec};
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
        let parts = engine.loss.parts(outputs, &batch.targets(&device));
        let value = LossPart::sum(&parts).map_or(0.0, Tensor::into_scalar::<f32>);
        engine.score(&mut score, &Term::of(parts), &values, width, &batch);
        loss += f64::from(value) * batch.len() as f64;
    }
    let mut scalars = vec![(Scalar::ValidationLoss, loss / rows.len() as f64)];
    scalars.extend(score.value().map(|score| (engine.scoring.validation_scalar(), score)));
    Ok(Validated { scalars, named: score.named("validation_") })
}

/// Measures the running statistics of batch norms anew: their mean over the batches of these rows, each batch counting by its rows, with
/// dropout off. A model without buffers is left alone.
pub(crate) fn measure_normalization<M: Model>(engine: &Engine<'_>, model: &M) -> Result<(), DataError> {
    if model.buffers().is_empty() {
        return Ok(());
    }
    let _scope = Scope::default().enter();
    // A copy has statistics of its own, which are carried over by name.
    let (measured, device) = (model.valid(), device_of(model, false));
    let places: Vec<usize> = (0..engine.rows.len()).collect();
    let mut seen = 0.0;
    for places in places.chunks(engine.recipe.batch as usize) {
        let batch = engine.rows.gather(places)?;
        let rows = batch.len() as f64;
        seen += rows;
        let inputs = from_slice(batch.inputs, [places.len(), batch.features], &device);
        drop(measuring(rows / seen, || measured.forward(inputs)));
    }
    for (name, values) in measured.buffers() {
        model.set_buffer(&name, values);
    }
    Ok(())
}
