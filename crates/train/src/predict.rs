//! What a trained network answers.
use crate::error::TrainError;
use crate::metrics::Scoring;
use crate::model::Model;
use crate::preprocessing::Preprocessing;
use crate::recipe::{LossTakes, OutputSpec, Task};
use barograph_burn::{Scope, device_of, from_slice, to_vec};

/// Rows that are run at once: bounds the memory (our choice).
const ROWS_AT_ONCE: usize = 1024;

/// What a network answers for rows of inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Predictions {
    /// What the network learned to answer.
    pub task: Task,
    /// The number of the predicted class of each row, for `binary` and `multiclass`, `[rows, steps]`; else empty.
    pub classes: Vec<usize>,
    /// Classes of a row: 1, or one for each time step where the network answers each.
    pub steps: usize,
    /// What each class number stands for; empty where classes have no names.
    pub class_names: Vec<String>,
    /// A name for each output.
    pub columns: Vec<String>,
    /// What the last layer puts out, `[rows, columns]`: raw scores where the loss takes raw scores; of a regression, in the unit of the targets.
    pub outputs: Vec<f32>,
}

impl Predictions {
    /// The name of a class, or its number.
    #[must_use]
    pub fn class_name(&self, class: usize) -> String {
        self.class_names.get(class).cloned().unwrap_or_else(|| class.to_string())
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.outputs.len().checked_div(self.columns.len()).unwrap_or(0)
    }

    /// What each of several outputs answers, in the order of the recipe; `widths` says how many values each puts out
    /// (see [`crate::Network::output_widths`]).
    #[must_use]
    pub fn of_outputs(&self, outputs: &[OutputSpec], widths: &[usize], preprocessing: &Preprocessing) -> Vec<Self> {
        let mut start = 0;
        let of = |(spec, &width): (&OutputSpec, &usize)| {
            let own = start..start + width;
            start += width;
            let values =
                self.outputs.chunks(self.columns.len().max(1)).flat_map(|row| row[own.clone()].iter().copied());
            let outputs: Vec<f32> = values.collect();
            let scoring = spec.scoring();
            let is_class = match scoring.task {
                Task::Multiclass => scoring.aligned && spec.target.len() == 1,
                Task::Multilabel => width == 1,
                Task::Binary | Task::Regression => false,
            };
            let classes = if is_class { classes_of(scoring, &outputs, width) } else { Vec::new() };
            let column = preprocessing.targets.iter().position(|name| spec.target.first() == Some(name));
            let class_names = column.and_then(|column| preprocessing.target_classes.get(column)).filter(|_| is_class);
            let class_names = class_names.cloned().unwrap_or_default();
            let named = |place: usize| class_names.get(place).cloned().unwrap_or_else(|| place.to_string());
            let columns = match spec.target.as_slice() {
                [one] if width == 1 && !is_class => vec![one.clone()],
                several if several.len() == width && !is_class => several.to_vec(),
                _ => (0..width).map(|place| format!("{}_{}", spec.name, named(place))).collect(),
            };
            Self { task: scoring.task, classes, steps: 1, class_names, columns, outputs }
        };
        outputs.iter().zip(widths).map(of).collect()
    }
}

/// Runs a network on rows of inputs `[rows, columns]` as they are in the data, in evaluation: inputs are filled in and scaled as training did.
/// `takes` is what the loss of the training takes.
///
/// # Errors
/// When the inputs do not make whole rows, or the network cannot take one of them.
pub fn predict<M: Model>(
    model: &M,
    preprocessing: &Preprocessing,
    takes: Option<LossTakes>,
    inputs: &[f32],
) -> Result<Predictions, TrainError> {
    let features = preprocessing.inputs.len();
    if features == 0 || !inputs.len().is_multiple_of(features) {
        return Err(TrainError::Mismatch(format!("{} values make no whole rows of {features} columns", inputs.len())));
    }
    let task = preprocessing.task().map_err(TrainError::Mismatch)?;
    let mut inputs = inputs.to_vec();
    preprocessing.apply(&mut inputs);
    let bad =
        inputs.chunks(features).enumerate().find_map(|(row, values)| Some((row, model.check_inputs(values).err()?)));
    if let Some((row, problem)) = bad {
        return Err(TrainError::Mismatch(format!("row {row}, {problem}")));
    }
    let _scope = Scope::default().enter();
    let (model, device) = (model.valid(), device_of(model, false));
    let (mut outputs, mut width) = (Vec::new(), 0);
    for rows in inputs.chunks(ROWS_AT_ONCE * features) {
        let answers = model.forward(from_slice(rows.to_vec(), [rows.len() / features, features], &device));
        width = answers.dims()[1];
        outputs.extend(to_vec(&answers));
    }
    let is_class = matches!(task, Task::Binary | Task::Multiclass);
    let scoring = Scoring::new(task, takes);
    let steps = steps_of(preprocessing, task, width);
    let classes = if is_class && scoring.aligned { classes_of(scoring, &outputs, width / steps) } else { Vec::new() };
    if task == Task::Regression {
        preprocessing.undo(&mut outputs);
    }
    let columns = (0..width).map(|column| column_name(preprocessing, is_class, width, column)).collect();
    Ok(Predictions { task, classes, steps, class_names: preprocessing.classes.clone(), columns, outputs })
}

/// Time steps that are answered each by itself: then there is a target column for each, and several outputs for each of them.
fn steps_of(preprocessing: &Preprocessing, task: Task, width: usize) -> usize {
    let targets = preprocessing.targets.len();
    let is_each = task == Task::Multiclass && targets > 1 && width > targets && width.is_multiple_of(targets);
    if is_each { targets } else { 1 }
}

/// The class of each so many outputs.
fn classes_of(scoring: Scoring, outputs: &[f32], width: usize) -> Vec<usize> {
    outputs.chunks(width.max(1)).map(|row| class_of(scoring, row)).collect()
}

/// The class that the outputs of a row speak for: the largest one's, or by the sign or the half for a single output.
fn class_of(scoring: Scoring, row: &[f32]) -> usize {
    match row {
        [single] => usize::from(*single > if scoring.logits { 0.0 } else { 0.5 }),
        _ => (1..row.len()).fold(0, |best, place| if row[place] > row[best] { place } else { best }),
    }
}

/// The class or the target that an output stands for.
fn column_name(preprocessing: &Preprocessing, is_class: bool, width: usize, column: usize) -> String {
    let names = if is_class && width > 1 { &preprocessing.classes } else { &preprocessing.targets };
    match names.get(column) {
        Some(name) if names.len() == width => name.clone(),
        _ => format!("output{column}"),
    }
}
