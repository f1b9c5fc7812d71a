//! A data set made ready for training: rows split, gaps filled, columns scaled.
use crate::data::scaling::Fit;
use crate::data::source::{each_inputs, each_targets};
use crate::data::{DataError, Renumbering, RowSource, Scaling, Split, Targets, counted};
use crate::error::TrainError;
use crate::preprocessing::Preprocessing;
use crate::recipe::{LossTakes, LossWants, Missing, Recipe, Task};

/// A data set made ready for training.
#[derive(Debug)]
pub(crate) struct Prepared<'a> {
    pub(crate) rows: Ready<'a>,
    pub(crate) task: Task,
    pub(crate) training: Vec<usize>,
    pub(crate) validation: Vec<usize>,
}

/// Rows as the network sees them: filled and scaled whenever they are asked for, so that no second copy of the data is held.
#[derive(Debug)]
pub(crate) struct Ready<'a> {
    source: &'a dyn RowSource,
    /// What stands in for a value of each column that is not finite.
    pub(crate) fill: Option<Vec<f32>>,
    pub(crate) inputs: Scaling,
    pub(crate) targets: Scaling,
    /// The number that training had for each class.
    classes: Renumbering,
}

impl<'a> Ready<'a> {
    /// The rows as they are.
    fn of(source: &'a dyn RowSource) -> Self {
        let (inputs, targets) = (Scaling::default(), Scaling::default());
        Self { source, fill: None, inputs, targets, classes: Renumbering::default() }
    }

    /// The rows of another data set, as the network saw those that it was trained on.
    ///
    /// # Errors
    /// When there are other columns, or a class that training did not know.
    pub(crate) fn again(source: &'a dyn RowSource, as_before: &Preprocessing) -> Result<Self, TrainError> {
        let (given, known) = (source.features(), as_before.inputs.len());
        if given != known {
            let given = counted(given, "input value");
            return Err(TrainError::Mismatch(format!("a row has {given}, and the network was trained on {known}")));
        }
        let of_column = |column: usize| as_before.target_classes.get(column).map_or(&[][..], Vec::as_slice);
        let classes = Renumbering::new(&as_before.classes, of_column, source, "the data set")?;
        let scaling = |scale: &[f32], shift: &[f32]| Scaling { scale: scale.to_vec(), shift: shift.to_vec() };
        Ok(Self {
            source,
            fill: (!as_before.fill.is_empty()).then(|| as_before.fill.clone()),
            inputs: scaling(&as_before.input_scale, &as_before.input_shift),
            targets: scaling(&as_before.target_scale, &as_before.target_shift),
            classes,
        })
    }

    /// The rows as they were before they were filled and scaled.
    pub(crate) fn original(&self) -> &'a dyn RowSource {
        self.source
    }
}

impl RowSource for Ready<'_> {
    fn rows(&self) -> usize {
        self.source.rows()
    }

    fn features(&self) -> usize {
        self.source.features()
    }

    fn feature_name(&self, column: usize) -> String {
        self.source.feature_name(column)
    }

    fn target_name(&self, column: usize) -> String {
        self.source.target_name(column)
    }

    fn class_names(&self) -> &[String] {
        self.source.class_names()
    }

    fn target_classes(&self, column: usize) -> &[String] {
        self.source.target_classes(column)
    }

    fn inputs(&self, rows: &[usize], into: &mut Vec<f32>) -> Result<(), DataError> {
        let from = into.len();
        self.source.inputs(rows, into)?;
        let new = &mut into[from..];
        if let Some(fill) = &self.fill {
            for row in new.chunks_mut(fill.len().max(1)) {
                for (value, &mean) in row.iter_mut().zip(fill).filter(|(value, _)| !value.is_finite()) {
                    *value = mean;
                }
            }
        }
        self.inputs.apply(new);
        Ok(())
    }

    fn targets(&self, rows: &[usize]) -> Result<Targets, DataError> {
        let mut targets = self.source.targets(rows)?;
        self.classes.apply(&mut targets);
        if let Targets::Real { values, .. } = &mut targets {
            self.targets.apply(values);
        }
        Ok(targets)
    }

    fn weights(&self, rows: &[usize]) -> Result<Option<Vec<f32>>, DataError> {
        self.source.weights(rows)
    }

    fn split(&self, share: f64, seed: u64) -> Split {
        self.source.split(share, seed)
    }

    fn scale_group(&self, column: usize) -> usize {
        self.source.scale_group(column)
    }

    fn target_scale_group(&self, column: usize) -> usize {
        self.source.target_scale_group(column)
    }

    fn task(&self) -> Option<Task> {
        self.source.task()
    }

    fn is_slow(&self) -> bool {
        self.source.is_slow()
    }
}

/// Splits the rows by the recipe's seed, and scales columns as fitted on the training rows.
pub(crate) fn prepare<'a>(
    source: &'a dyn RowSource,
    recipe: &Recipe,
    takes: Option<LossTakes>,
) -> Result<Prepared<'a>, TrainError> {
    if source.rows() == 0 {
        return Err(TrainError::Mismatch("the data set has no rows; a training needs at least one".to_owned()));
    }
    let Split { train, validation } = source.split(recipe.data.validation, recipe.seed);
    let places = |rows: Vec<u32>| -> Vec<usize> { rows.into_iter().map(|row| row as usize).collect() };
    let (mut training, mut validation) = (places(train), places(validation));
    let mut rows = Ready::of(source);
    if recipe.data.missing == Missing::Mean {
        rows.fill = Some(means(source, &training)?);
    }
    if recipe.data.missing != Missing::Keep {
        keep_finite(&rows, &mut training)?;
        keep_finite(&rows, &mut validation)?;
    }
    if training.is_empty() {
        return Err(TrainError::Mismatch(
            "every training row has a value that is not finite, so that none is left to train on; fill them in, or leave out the column".to_owned(),
        ));
    }
    let mut fit = Fit::new(recipe.data.normalize, rows.features(), |column| source.scale_group(column));
    if fit.needs_rows() {
        each_inputs(&rows, &training, |_, inputs| fit.see(inputs))?;
    }
    let inputs = fit.finish();
    if let Targets::Real { columns, .. } = source.targets(&[])? {
        let mut fit = Fit::new(recipe.data.normalize_target, columns, |column| source.target_scale_group(column));
        if fit.needs_rows() {
            each_targets(source, &training, |_, targets| {
                if let Targets::Real { values, .. } = targets {
                    fit.see(values);
                }
            })?;
        }
        rows.targets = fit.finish();
    }
    rows.inputs = inputs;
    let task = match recipe.task.or(source.task()) {
        Some(task) => task,
        // A loss of classes that gets numbers sees a class for each time step, or the share of each class.
        None if is_loss_of(recipe, takes, LossWants::Classes) || is_loss_of(recipe, takes, LossWants::Labels) => {
            match task_of(source, takes)? {
                Task::Multilabel => Task::Multiclass,
                task => task,
            }
        }
        None => task_of(source, takes)?,
    };
    Ok(Prepared { rows, task, training, validation })
}

/// Leaves out rows with an input or target that is not finite.
pub(crate) fn keep_finite(source: &dyn RowSource, rows: &mut Vec<usize>) -> Result<(), DataError> {
    let mut finite = Vec::with_capacity(rows.len());
    let features = source.features().max(1);
    each_inputs(source, rows, |_, inputs| {
        finite.extend(inputs.chunks(features).map(|row| row.iter().all(|value| value.is_finite())));
    })?;
    let mut at = 0;
    each_targets(source, rows, |rows, targets| {
        if let Targets::Real { values, columns } = targets {
            for (finite, row) in finite[at..].iter_mut().zip(values.chunks((*columns).max(1))) {
                *finite &= row.iter().all(|value| value.is_finite());
            }
        }
        at += rows.len();
    })?;
    let mut finite = finite.into_iter();
    rows.retain(|_| finite.next().unwrap_or(true));
    Ok(())
}

/// The mean of each column over the finite values of these rows; 0 where there is none.
fn means(source: &dyn RowSource, rows: &[usize]) -> Result<Vec<f32>, DataError> {
    let groups: Vec<usize> = (0..source.features()).map(|column| source.scale_group(column)).collect();
    let mut sums = vec![(0.0, 0_u64); groups.iter().max().map_or(0, |largest| largest + 1)];
    each_inputs(source, rows, |_, inputs| {
        for row in inputs.chunks(groups.len().max(1)) {
            for (&value, &group) in row.iter().zip(&groups).filter(|(value, _)| value.is_finite()) {
                sums[group].0 += f64::from(value);
                sums[group].1 += 1;
            }
        }
    })?;
    let mean = |&group: &usize| {
        let (sum, count) = sums[group];
        (sum / count.max(1) as f64) as f32
    };
    Ok(groups.iter().map(mean).collect())
}

/// Whether the loss is that of the recipe, and wants such targets.
fn is_loss_of(recipe: &Recipe, takes: Option<LossTakes>, wants: LossWants) -> bool {
    recipe.outputs.is_empty() && takes == Some(recipe.loss.kind.takes()) && recipe.loss.kind.wants() == wants
}

/// The task that targets and loss speak of, where a recipe does not say.
fn task_of(source: &dyn RowSource, takes: Option<LossTakes>) -> Result<Task, DataError> {
    let mut classes = source.targets(&[])?.classes();
    let all: Vec<usize> = (0..source.rows()).collect();
    if classes.is_some() {
        each_targets(source, &all, |_, targets| classes = classes.max(targets.classes()))?;
    }
    Ok(match (classes, takes) {
        (Some(classes), _) if classes <= 2 => Task::Binary,
        (Some(_), _) => Task::Multiclass,
        (None, Some(LossTakes::Real) | None) => Task::Regression,
        (None, Some(_)) => Task::Multilabel,
    })
}
