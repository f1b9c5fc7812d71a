//! What the session of a run is told besides its steps.
use crate::batches::Batch;
use crate::engine::Engine;
use crate::error::TrainError;
use crate::metrics::Answers;
use crate::model::Model;
use crate::recipe::{Recipe, Task};
use barograph_monitor::{Cadence, Options, Session};
use std::path::Path;

/// Shows a session the rows of a batch; of inputs that are the numbers of things, only that they are there.
pub(crate) fn see_rows<M: Model>(session: &mut Session, batch: &Batch, engine: &Engine<'_>, model: &M) {
    let outputs = engine.outputs;
    let picked: Vec<f32>;
    let targets = match (batch.answers(), real_columns(engine)) {
        (Answers::Real(values), Some(columns)) => {
            let rows = values.chunks(batch.columns().max(1));
            picked = rows.flat_map(|row| columns.iter().map(|&column| row[column])).collect();
            barograph_monitor::TargetRows::Real { values: &picked, columns: columns.len() }
        }
        (Answers::Classes(classes), _) => barograph_monitor::TargetRows::Classes { classes, outputs },
        (Answers::Real(values), None) => barograph_monitor::TargetRows::Real { values, columns: batch.columns() },
    };
    let (inputs, features) = if model.takes_names() { (&[][..], 0) } else { (&*batch.inputs, batch.features) };
    session.see_data(inputs, features, &batch.numbers, &targets);
}

/// The target columns that hold numbers, where not all do: class numbers have no scale.
fn real_columns(engine: &Engine<'_>) -> Option<Vec<usize>> {
    let outputs = engine.loss.outputs();
    if !outputs.is_empty() {
        let real = outputs.iter().filter(|output| output.is_real());
        return Some(real.flat_map(|output| output.columns().to_vec()).collect());
    }
    (engine.scoring.task == Task::Multiclass).then(Vec::new)
}

/// The session that a recipe asks for.
pub(super) fn start_session(recipe: &Recipe, folder: Option<&Path>) -> Result<Session, TrainError> {
    let started = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let options = Options {
        name: recipe.name.clone(),
        folder: folder.map(Path::to_owned),
        log_cap: recipe.observe.log_cap_mb.saturating_mul(1_000_000),
        updates: Cadence { first: 5, every: recipe.observe.updates_every },
        units: Cadence { first: 5, every: recipe.observe.units_every },
        started,
        ..Options::default()
    };
    Ok(Session::start(options)?)
}
