//! What must fit together before the first step.
use crate::data::{Dataset, Targets};
use crate::engine::Engine;
use crate::error::TrainError;
use crate::metrics::Scoring;
use crate::model::Model;
use crate::recipe::Task;
use barograph_burn::{Scope, cpu, from_slice};

/// Outputs of the model, found by running it on one row of zeros.
pub(crate) fn outputs<M: Model>(model: &M, features: usize) -> usize {
    let _scope = Scope::default().enter();
    model.valid().forward(from_slice(vec![0.0; features], [1, features], &cpu(false))).dims()[1]
}

/// Asks the model whether it can take the inputs of the rows that are used.
pub(crate) fn check_inputs<M: Model>(
    model: &M,
    data: &Dataset,
    training: &[usize],
    validation: &[usize],
) -> Result<(), TrainError> {
    let bad =
        training.iter().chain(validation).filter_map(|&row| Some((row, model.check_inputs(data.row(row)).err()?)));
    match bad.min_by_key(|(row, _)| *row) {
        Some((row, problem)) => Err(TrainError::Mismatch(format!("row {row}, {problem}"))),
        None => Ok(()),
    }
}

/// Checks that every class has an output and every target column too.
pub(crate) fn check_outputs(engine: &Engine<'_>, data: &Dataset) -> Result<(), TrainError> {
    let (outputs, Scoring { task, .. }) = (engine.outputs, engine.scoring);
    match &data.targets {
        Targets::Classes(classes) => {
            let limit = if outputs == 1 { 2 } else { outputs as i64 };
            // One output for many classes is a broken network that can still be trained and diagnosed, as a regression of class
            // numbers; an index into outputs that are not there cannot.
            let bad = |class: i64| class < 0 || (class >= limit && outputs > 1);
            match classes.iter().position(|&class| bad(class)) {
                Some(row) if task != Task::Regression => Err(TrainError::Mismatch(format!(
                    "row {row} of the data set has class {}, but the network has {outputs} outputs, for classes 0 to {}; give the last layer \
                     units = {} or repair the row",
                    classes[row],
                    limit - 1,
                    classes.iter().max().map_or(1, |class| class + 1).max(1),
                ))),
                _ => Ok(()),
            }
        }
        Targets::Real { columns, .. } if *columns != outputs && outputs != 1 && *columns != 1 => {
            Err(TrainError::Mismatch(format!(
                "the data set has {columns} target columns, but the network has {outputs} outputs; give the last layer units = {columns}"
            )))
        }
        Targets::Real { .. } => Ok(()),
    }
}
