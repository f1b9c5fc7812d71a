//! What must fit together before the first step.
use crate::data::source::{ROWS_AT_ONCE, each_inputs, each_targets};
use crate::data::weights::first_problem;
use crate::data::{RowSource, Targets};
use crate::engine::Engine;
use crate::error::TrainError;
use crate::losses::ctc;
use crate::metrics::Scoring;
use crate::model::Model;
use crate::recipe::{LossKind, LossWants, Task};
use barograph_burn::{Scope, device_of, from_slice};

/// Outputs of the model, found by running it on one row of zeros.
pub(crate) fn outputs<M: Model>(model: &M, features: usize) -> usize {
    let _scope = Scope::default().enter();
    model.valid().forward(from_slice(vec![0.0; features], [1, features], &device_of(model, false))).dims()[1]
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
    check_weights(engine, data)?;
    let several = engine.loss.outputs();
    match data.targets(&[])? {
        Targets::Real { columns, .. } if !several.is_empty() => {
            check_rows(columns, data, |row| several.iter().find_map(|output| output.problem(row)))
        }
        Targets::Classes(_) if task == Task::Regression => Ok(()),
        Targets::Classes(_) => check_classes(outputs, data),
        Targets::Real { columns, .. } if engine.recipe.loss.kind.wants() == LossWants::Labels => {
            check_labels(engine, columns, data)
        }
        Targets::Real { columns, .. } if is_steps(engine, columns) => check_steps(engine, columns, data),
        Targets::Real { columns, .. } if columns != outputs && outputs != 1 && columns != 1 => {
            Err(TrainError::Mismatch(format!(
                "the data set has {columns} target columns, but the network has {outputs} outputs; give the last layer units = {columns}"
            )))
        }
        Targets::Real { .. } => Ok(()),
    }
}

/// Checks that the loss can weigh rows where they have weights, and that those are ones.
fn check_weights(engine: &Engine<'_>, data: &dyn RowSource) -> Result<(), TrainError> {
    if data.weights(&[])?.is_none() {
        return Ok(());
    }
    if !engine.loss.weighs_examples() {
        return Err(TrainError::Mismatch(
            "the rows of the data set have weights, which this loss cannot count by: it gives one number for all rows; take the weights out, \
             use a loss of the library, or give yours Loss::weighted_parts"
                .to_owned(),
        ));
    }
    let all: Vec<usize> = (0..data.rows()).collect();
    for rows in all.chunks(ROWS_AT_ONCE) {
        if let Some((at, problem)) = data.weights(rows)?.as_deref().and_then(first_problem) {
            return Err(TrainError::Mismatch(format!("row {} of the data set: {problem}", rows[at])));
        }
    }
    Ok(())
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

/// Whether there is a class number for each of several time steps.
fn is_steps(engine: &Engine<'_>, columns: usize) -> bool {
    engine.recipe.loss.kind.wants() == LossWants::Classes
        && columns > 1
        && columns != engine.outputs
        && engine.outputs.is_multiple_of(columns)
}

/// Refuses the first row of real targets that has a problem.
fn check_rows(
    columns: usize,
    data: &dyn RowSource,
    problem: impl Fn(&[f32]) -> Option<String>,
) -> Result<(), TrainError> {
    let all: Vec<usize> = (0..data.rows()).collect();
    let mut bad = None;
    each_targets(data, &all, |rows, targets| {
        let Targets::Real { values, .. } = targets else { return };
        let mut named = rows.iter().zip(values.chunks(columns.max(1)));
        bad = bad.take().or_else(|| named.find_map(|(row, values)| Some((*row, problem(values)?))));
    })?;
    match bad {
        Some((row, problem)) => Err(TrainError::Mismatch(format!("row {row} of the data set has {problem}"))),
        None => Ok(()),
    }
}

/// Checks that every time step has a class that has an output.
fn check_steps(engine: &Engine<'_>, columns: usize, data: &dyn RowSource) -> Result<(), TrainError> {
    let classes = engine.outputs / columns;
    let known = |value: &f32| value.is_nan() || (value.fract() == 0.0 && *value < classes as f32);
    check_rows(columns, data, |row| {
        let step = row.iter().position(|value| !known(value))?;
        Some(format!(
            "class {} at time step {step}, but the network has {classes} outputs a step, for classes 0 to {}; give the last layer more \
             units, or repair the row (a step of which nothing is to be learned holds -1)",
            row[step],
            classes - 1,
        ))
    })
}

/// Checks that the network puts out whole time steps, and that the labels of every row are classes and fit them.
fn check_labels(engine: &Engine<'_>, columns: usize, data: &dyn RowSource) -> Result<(), TrainError> {
    let LossKind::Ctc { classes, blank } = engine.recipe.loss.kind else { return Ok(()) };
    let (classes, blank, outputs) = (classes as usize, blank as usize, engine.outputs);
    if !outputs.is_multiple_of(classes) {
        return Err(TrainError::Mismatch(format!(
            "loss.classes = {classes}, but the {outputs} outputs of the network are no whole number of time steps of {classes} scores; \
             give the last layer units = {classes} on a sequence"
        )));
    }
    let time = outputs / classes;
    check_rows(columns, data, |row| {
        let problem = match ctc::spelled(row, classes, blank) {
            // What is missing is for the report to show.
            None if row.iter().any(|value| value.is_nan()) => return None,
            None => format!("labels that are no classes from 0 to {}", classes - 1),
            Some(labels) => {
                let steps = ctc::steps_needed(&labels);
                (steps > time)
                    .then(|| format!("labels that need {steps} time steps, a blank between equal ones among them"))?
            }
        };
        Some(format!("{problem}, but the network puts out {time} time steps of {classes} classes; take the row out"))
    })
}
