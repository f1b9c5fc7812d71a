//! What the session of a run is told besides its steps.
use crate::backup::Place;
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
    Ok(Session::start(options(recipe, folder))?)
}

/// The session of a run that goes on from a backup: that of its log, up to there. A run whose log was lost begins a new one.
pub(super) fn resume_session(recipe: &Recipe, folder: &Path, place: &Place) -> Result<Session, TrainError> {
    if !barograph_store::is_run(folder) {
        return start_session(recipe, Some(folder));
    }
    let step = place.step;
    let (mut session, cut) = Session::resume(options(recipe, Some(folder)), step, |record| place.is_after(record))?;
    let steps = if cut == 1 { "1 later step was".to_owned() } else { format!("{cut} later steps were") };
    session.note(format!("resumed from the backup before step {step}; {steps} cut from this log, and done again"));
    Ok(session)
}

fn options(recipe: &Recipe, folder: Option<&Path>) -> Options {
    let started = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Options {
        name: recipe.name.clone(),
        folder: folder.map(Path::to_owned),
        log_cap: recipe.observe.log_cap_mb.saturating_mul(1_000_000),
        updates: Cadence { first: 5, every: recipe.observe.updates_every },
        units: Cadence { first: 5, every: recipe.observe.units_every },
        started,
        ..Options::default()
    }
}
