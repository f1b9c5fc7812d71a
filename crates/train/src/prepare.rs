//! A data set made ready for training: rows split, columns scaled.
use crate::data::{Dataset, Scaling, Split, Targets};
use crate::error::TrainError;
use crate::recipe::{LossTakes, Recipe, Task};
use std::borrow::Cow;

/// A data set made ready for training.
#[derive(Clone, Debug)]
pub(crate) struct Prepared<'a> {
    /// Copied only where columns are scaled.
    pub(crate) data: Cow<'a, Dataset>,
    pub(crate) task: Task,
    pub(crate) training: Vec<usize>,
    pub(crate) validation: Vec<usize>,
    pub(crate) inputs: Scaling,
    pub(crate) targets: Scaling,
}

/// Splits the rows by the recipe's seed, and scales columns as fitted on the training rows.
pub(crate) fn prepare<'a>(data: &'a Dataset, recipe: &Recipe, takes: Option<LossTakes>) -> Result<Prepared<'a>, TrainError> {
    if data.rows() == 0 {
        return Err(TrainError::Mismatch("the data set has no rows; a training needs at least one".to_owned()));
    }
    let split = Split::new(data.rows() as u32, recipe.data.validation, recipe.seed);
    let mut data = Cow::Borrowed(data);
    let inputs = Scaling::fit(recipe.data.normalize, &data.inputs, data.features(), &split.train);
    if !inputs.is_identity() {
        inputs.apply(&mut data.to_mut().inputs);
    }
    let targets = match &data.targets {
        Targets::Classes(_) => Scaling::default(),
        Targets::Real { values, columns } => Scaling::fit(recipe.data.normalize_target, values, *columns, &split.train),
    };
    if !targets.is_identity()
        && let Targets::Real { values, .. } = &mut data.to_mut().targets
    {
        targets.apply(values);
    }
    let task = recipe.task.unwrap_or_else(|| task_of(&data.targets, takes));
    let places = |rows: Vec<u32>| rows.into_iter().map(|row| row as usize).collect();
    Ok(Prepared { data, task, training: places(split.train), validation: places(split.validation), inputs, targets })
}

/// The task that targets and loss speak of, where a recipe does not say.
fn task_of(targets: &Targets, takes: Option<LossTakes>) -> Task {
    match (targets.classes(), takes) {
        (Some(classes), _) if classes <= 2 => Task::Binary,
        (Some(_), _) => Task::Multiclass,
        (None, Some(LossTakes::Real) | None) => Task::Regression,
        (None, Some(_)) => Task::Multilabel,
    }
}
