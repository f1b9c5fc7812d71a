//! What was done to the data before the network saw them, kept beside the weights.
use crate::data::{RowSource, Scaling, Targets};
use crate::error::TrainError;
use crate::losses::Loss;
use crate::prepare::{Prepared, Ready, prepare};
use crate::recipe::{Recipe, Task};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;

/// The file of a run that holds its [`Preprocessing`].
pub const PREPROCESSING_FILE: &str = "preprocessing.toml";

/// What was done to the data before the network saw them, so that predictions see data as training did; kept as `preprocessing.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// What the network learned to answer: `binary`, `multiclass`, `multilabel` or `regression`.
    pub task: String,
    /// Names of the input columns, in order.
    pub inputs: Vec<String>,
    /// Names of the target columns.
    pub targets: Vec<String>,
    /// What each class number stands for; empty where classes have no names.
    pub classes: Vec<String>,
    /// Of several outputs, what the numbers of each target column stand for; empty for a column of numbers.
    #[serde(default)]
    pub target_classes: Vec<Vec<String>>,
    /// What stands in for an input that is not finite, one for each column; empty where nothing does.
    pub fill: Vec<f32>,
    /// Inputs are multiplied by these...
    pub input_scale: Vec<f32>,
    /// ... and these are added.
    pub input_shift: Vec<f32>,
    /// Targets were multiplied by these; empty for classes...
    pub target_scale: Vec<f32>,
    /// ... and these were added.
    pub target_shift: Vec<f32>,
}

impl Preprocessing {
    /// What training with a recipe does to its data.
    ///
    /// # Errors
    /// As a training: when there is no row to train on.
    pub fn fit(recipe: &Recipe, data: &dyn RowSource) -> Result<Self, TrainError> {
        let Prepared { rows, task, .. } = prepare(data, recipe, recipe.loss.describe().takes)?;
        Self::of(&rows, task)
    }

    /// What is done to rows.
    pub(crate) fn of(rows: &Ready<'_>, task: Task) -> Result<Self, TrainError> {
        let targets = match rows.targets(&[])? {
            Targets::Classes(_) => 1,
            Targets::Real { columns, .. } => columns,
        };
        Ok(Self {
            task: task.name().to_owned(),
            inputs: (0..rows.features()).map(|column| rows.feature_name(column)).collect(),
            targets: (0..targets).map(|column| rows.target_name(column)).collect(),
            classes: rows.class_names().to_vec(),
            target_classes: (0..targets).map(|column| rows.target_classes(column).to_vec()).collect(),
            fill: rows.fill.clone().unwrap_or_default(),
            input_scale: rows.inputs.scale.clone(),
            input_shift: rows.inputs.shift.clone(),
            target_scale: rows.targets.scale.clone(),
            target_shift: rows.targets.shift.clone(),
        })
    }

    /// Reads it from the folder of a run.
    ///
    /// # Errors
    /// When the file is not there, or is not whole.
    pub fn load(folder: &Path) -> Result<Self, TrainError> {
        let path = folder.join(PREPROCESSING_FILE);
        let text = fs::read_to_string(&path).map_err(|source| TrainError::File {
            action: "read what was done to the data",
            path: path.clone(),
            source,
        })?;
        let broken = |problem: String| TrainError::Weights { path: path.clone(), problem };
        let read: Self = toml::from_str(&text).map_err(|error| broken(error.to_string().trim_end().to_owned()))?;
        read.check().map_err(broken)?;
        Ok(read)
    }

    /// Writes it into the folder of a run.
    pub(crate) fn save(&self, folder: &Path) -> Result<(), TrainError> {
        let path = folder.join(PREPROCESSING_FILE);
        let file = |source| TrainError::File { action: "write", path: path.clone(), source };
        let text = toml::to_string(self).map_err(|error| file(std::io::Error::other(error)))?;
        fs::write(&path, text).map_err(file)
    }

    /// Lists that must be as long as each other, and factors that must not be 0.
    fn check(&self) -> Result<(), String> {
        let columns = self.inputs.len();
        let pairs = [
            ("input_scale", self.input_scale.len(), columns),
            ("input_shift", self.input_shift.len(), columns),
            ("fill", self.fill.len(), if self.fill.is_empty() { 0 } else { columns }),
            ("target_shift", self.target_shift.len(), self.target_scale.len()),
        ];
        if columns == 0 {
            return Err("it names no input column; it is not whole".to_owned());
        }
        if let Some((name, is, wanted)) = pairs.into_iter().find(|(_, is, wanted)| is != wanted) {
            return Err(format!("{name} has {is} numbers, and {wanted} are wanted; it is not whole"));
        }
        let is_zero = |factor: &f32| *factor == 0.0;
        if self.input_scale.iter().chain(&self.target_scale).any(is_zero) {
            return Err("a factor is 0; it is not whole".to_owned());
        }
        self.task().map(|_| ())
    }

    /// What the network learned to answer.
    pub(crate) fn task(&self) -> Result<Task, String> {
        let found = Task::ALL.iter().find(|task| task.name() == self.task);
        found.copied().ok_or_else(|| {
            format!(
                "task {:?} is none of {:?}",
                self.task,
                Task::ALL.iter().map(|task| task.name()).collect::<Vec<_>>()
            )
        })
    }

    /// Brings rows of inputs `[rows, columns]` to where the network wants them, in place.
    pub fn apply(&self, inputs: &mut [f32]) {
        if !self.fill.is_empty() {
            for row in inputs.chunks_mut(self.fill.len()) {
                for (value, fill) in row.iter_mut().zip(&self.fill).filter(|(value, _)| !value.is_finite()) {
                    *value = *fill;
                }
            }
        }
        Scaling { scale: self.input_scale.clone(), shift: self.input_shift.clone() }.apply(inputs);
    }

    /// What was done to the targets.
    pub(crate) fn of_targets(&self) -> Scaling {
        Scaling { scale: self.target_scale.clone(), shift: self.target_shift.clone() }
    }

    /// Brings outputs back to the unit of the targets, in place.
    pub fn undo(&self, outputs: &mut [f32]) {
        self.of_targets().undo(outputs);
    }
}
