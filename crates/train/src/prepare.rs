//! A data set made ready for training: rows split, columns scaled.
use crate::data::{Dataset, Scaling, Split, Targets};
use crate::error::TrainError;
use crate::recipe::{LossTakes, Missing, Recipe, Task};
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
pub(crate) fn prepare<'a>(
    data: &'a Dataset,
    recipe: &Recipe,
    takes: Option<LossTakes>,
) -> Result<Prepared<'a>, TrainError> {
    if data.rows() == 0 {
        return Err(TrainError::Mismatch("the data set has no rows; a training needs at least one".to_owned()));
    }
    let mut split = Split::new(data.rows() as u32, recipe.data.validation, recipe.seed);
    let mut data = Cow::Borrowed(data);
    if recipe.data.missing == Missing::Mean {
        fill(&mut data, &split.train);
    }
    if recipe.data.missing != Missing::Keep {
        split.train.retain(|&row| is_finite(&data, row));
        split.validation.retain(|&row| is_finite(&data, row));
    }
    if split.train.is_empty() {
        return Err(TrainError::Mismatch(
            "every training row has a value that is not finite, so that none is left to train on; fill them in, or leave out the column".to_owned(),
        ));
    }
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

/// Whether inputs and targets of a row are finite.
fn is_finite(data: &Dataset, row: u32) -> bool {
    let row = row as usize;
    let target = match &data.targets {
        Targets::Classes(_) => true,
        Targets::Real { values, columns } => {
            values[row * columns..(row + 1) * columns].iter().all(|value| value.is_finite())
        }
    };
    target && data.row(row).iter().all(|value| value.is_finite())
}

/// Fills inputs that are not finite with the mean of their column over the finite values of these rows; 0 where there is none.
fn fill(data: &mut Cow<'_, Dataset>, rows: &[u32]) {
    let features = data.features();
    let bad: Vec<usize> =
        data.inputs.iter().enumerate().filter(|(_, value)| !value.is_finite()).map(|(place, _)| place).collect();
    let mean = |column: usize| {
        let values =
            rows.iter().map(|&row| f64::from(data.row(row as usize)[column])).filter(|value| value.is_finite());
        let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
        (sum / f64::from(count.max(1))) as f32
    };
    let filled: Vec<(usize, f32)> = bad.into_iter().map(|place| (place, mean(place % features))).collect();
    for (place, value) in filled {
        data.to_mut().inputs[place] = value;
    }
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
