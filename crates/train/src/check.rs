//! What must fit together before the first step.
use crate::data::source::{each_inputs, each_targets};
use crate::data::{RowSource, Targets};
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
    data: &dyn RowSource,
    training: &[usize],
    validation: &[usize],
) -> Result<(), TrainError> {
    if !model.checks_inputs() {
        return Ok(());
    }
    let features = data.features().max(1);
    let mut first: Option<(usize, String)> = None;
    for rows in [training, validation] {
        each_inputs(data, rows, |rows, inputs| {
            for (&row, inputs) in rows.iter().zip(inputs.chunks(features)) {
                if first.as_ref().is_none_or(|(bad, _)| row < *bad)
                    && let Err(problem) = model.check_inputs(inputs)
                {
                    first = Some((row, problem));
                }
            }
        })?;
    }
    match first {
        Some((row, problem)) => Err(TrainError::Mismatch(format!("row {row}, {problem}"))),
        None => Ok(()),
    }
}

/// Checks that every class has an output and every target column too.
pub(crate) fn check_outputs(engine: &Engine<'_>, data: &dyn RowSource) -> Result<(), TrainError> {
    let (outputs, Scoring { task, .. }) = (engine.outputs, engine.scoring);
    match data.targets(&[])? {
        Targets::Classes(_) if task == Task::Regression => Ok(()),
        Targets::Classes(_) => check_classes(outputs, data),
        Targets::Real { columns, .. } if columns != outputs && outputs != 1 && columns != 1 => {
            Err(TrainError::Mismatch(format!(
                "the data set has {columns} target columns, but the network has {outputs} outputs; give the last layer units = {columns}"
            )))
        }
        Targets::Real { .. } => Ok(()),
    }
}

fn check_classes(outputs: usize, data: &dyn RowSource) -> Result<(), TrainError> {
    let limit = if outputs == 1 { 2 } else { outputs as i64 };
    // One output for many classes is a broken network that can still be trained and diagnosed, as a regression of class
    // numbers; an index into outputs that are not there cannot.
    let is_bad = |class: i64| class < 0 || (class >= limit && outputs > 1);
    let (mut bad, mut largest) = (None, 0);
    let all: Vec<usize> = (0..data.rows()).collect();
    each_targets(data, &all, |rows, targets| {
        let Targets::Classes(classes) = targets else { return };
        largest = classes.iter().copied().max().unwrap_or(0).max(largest);
        bad = bad.or_else(|| classes.iter().position(|&class| is_bad(class)).map(|at| (rows[at], classes[at])));
    })?;
    match bad {
        Some((row, class)) => Err(TrainError::Mismatch(format!(
            "row {row} of the data set has class {class}, but the network has {outputs} outputs, for classes 0 to {}; give the last layer \
             units = {} or repair the row",
            limit - 1,
            largest + 1,
        ))),
        None => Ok(()),
    }
}
