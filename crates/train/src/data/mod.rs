//! Data sets: reading them, saying precisely what was odd, splitting and scaling them.
//!
//! | file | inputs | targets |
//! |---|---|---|
//! | `.csv` | columns of numbers; the first line names them | a column of numbers or of text labels, or several columns of numbers |
//! | `.parquet` | flat columns of numbers or flags | the same |
//! | `.npz`, `.safetensors` | the array `x` `[rows, columns]` (further axes are flattened) | the array `y` |
//!
//! A folder of such files, all of one kind, is one data set, whose parts follow one another in the order of their names.
//!
//! Other kinds of examples are windows over such rows, texts in a column of them, one long text, and images in folders; see
//! [`Examples`].
//!
//! A missing value (an empty cell, `NA`, `NaN`, a null) is kept as NaN and noted with its place: training on it goes wrong, and the
//! report shows where it came from. A text among numbers is an error.

mod arrays;
pub(crate) mod columns;
mod csv;
mod disk;
mod error;
pub(crate) mod files;
mod held_out;
mod images;
mod inputs;
mod nearby;
mod npy;
mod npz;
mod number;
mod parquet;
mod raw;
mod renumbering;
mod report;
mod safetensors;
pub(crate) mod scaling;
pub(crate) mod source;
mod split;
mod spool;
mod stored;
pub(crate) mod survey;
mod tail;
mod targets;
mod text;
mod tokenizer;
mod validation_file;
pub(crate) mod weights;
mod windows;
mod write;

pub use error::DataError;
pub use held_out::HeldOut;
pub use inputs::{InputRows, RowNames, read_inputs};
pub use report::DataReport;
pub use scaling::Scaling;
pub use source::RowSource;
pub use split::Split;
pub use write::{NpzArray, write_npz};

pub(crate) use nearby::nearby_files;
pub(crate) use raw::{counted, quoted};
pub(crate) use renumbering::Renumbering;

use crate::recipe::{Examples, Recipe, Task};
use disk::DiskRows;
use raw::{Inputs, Raw};
use std::path::Path;
use std::sync::Arc;
use text::Texts;
use windows::{WindowShape, Windows};

/// Examples and their answers, in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// The inputs, row by row: `[rows, features]`.
    pub inputs: Vec<f32>,
    /// The answers, one for each row.
    pub targets: Targets,
    /// How much the loss of each row counts, where not all count alike; see [`Dataset::with_weights`].
    pub weights: Option<Vec<f32>>,
    /// Name of each input column.
    pub feature_names: Vec<String>,
    /// Name of each target column.
    pub target_names: Vec<String>,
    /// What each class number stands for where the file has text labels (sorted); else empty.
    pub class_names: Vec<String>,
    /// Of several outputs, what the numbers of each target column stand for where the file has texts there (sorted); empty where it has
    /// numbers, and for a single output.
    pub target_classes: Vec<Vec<String>>,
}

/// The answers of a data set.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// One class number a row. Not checked against the network's outputs: numbers below 0 or too large are kept as they are.
    Classes(Vec<i64>),
    /// Numbers, row by row: `[rows, columns]`.
    Real {
        /// The numbers.
        values: Vec<f32>,
        /// How many a row has.
        columns: usize,
    },
}

impl Targets {
    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self {
            Self::Classes(classes) => classes.len(),
            Self::Real { values, columns } => values.len().checked_div(*columns).unwrap_or(0),
        }
    }

    /// The answers of these rows.
    ///
    /// # Panics
    /// When there is no such row.
    #[must_use]
    pub fn pick(&self, rows: &[usize]) -> Self {
        match self {
            Self::Classes(classes) => Self::Classes(rows.iter().map(|&row| classes[row]).collect()),
            Self::Real { values, columns } => {
                let rows = rows.iter().flat_map(|&row| values[row * columns..(row + 1) * columns].iter().copied());
                Self::Real { values: rows.collect(), columns: *columns }
            }
        }
    }

    /// One more than the largest class number, for classes.
    #[must_use]
    pub fn classes(&self) -> Option<usize> {
        match self {
            Self::Classes(classes) => Some(
                classes.iter().max().and_then(|largest| usize::try_from(largest.saturating_add(1)).ok()).unwrap_or(0),
            ),
            Self::Real { .. } => None,
        }
    }
}

impl Dataset {
    /// A data set made in code: `inputs` `[rows, features]` and an answer for each row. Columns are named `x0`, `x1`, ... and `y0`, ...
    ///
    /// # Errors
    /// When the number of inputs is not rows times features.
    pub fn new(inputs: Vec<f32>, features: usize, targets: Targets) -> Result<Self, DataError> {
        let rows = targets.rows();
        if inputs.len() != rows * features {
            let text = format!(
                "{} inputs do not make {rows} rows of {features} features, as many as there are targets",
                inputs.len()
            );
            return Err(DataError::content("the data set made in code", text));
        }
        let columns = if let Targets::Real { columns, .. } = &targets { *columns } else { 1 };
        Ok(Self {
            inputs,
            targets,
            weights: None,
            feature_names: (0..features).map(|number| format!("x{number}")).collect(),
            target_names: (0..columns).map(|number| format!("y{number}")).collect(),
            class_names: Vec::new(),
            target_classes: Vec::new(),
        })
    }

    /// The same rows, the loss of each counting by its weight: the `sample_weight` of Keras. A mean is divided by the number of rows.
    ///
    /// ```
    /// # use barograph_train::data::{Dataset, Targets};
    /// let data = Dataset::new(vec![0.0, 1.0, 2.0], 1, Targets::Classes(vec![0, 1, 1]))?.with_weights(vec![1.0, 0.5, 0.0])?;
    /// assert!(data.clone().with_weights(vec![1.0, -0.5, 0.0]).is_err());
    /// # Ok::<(), barograph_train::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// When there is not one for each row, or one is negative or not finite.
    pub fn with_weights(mut self, weights: Vec<f32>) -> Result<Self, DataError> {
        let place = "the data set made in code";
        if weights.len() != self.rows() {
            let (weights, rows) = (counted(weights.len(), "weight"), counted(self.rows(), "row"));
            return Err(DataError::content(place, format!("it has {rows} and {weights}; give each row one")));
        }
        if let Some((row, problem)) = weights::first_problem(&weights) {
            return Err(DataError::content(format!("{place}: row {row}"), problem));
        }
        self.weights = Some(weights);
        Ok(self)
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.targets.rows()
    }

    /// How many input columns there are.
    #[must_use]
    pub fn features(&self) -> usize {
        self.feature_names.len()
    }

    /// The inputs of one row.
    ///
    /// # Panics
    /// When there is no such row.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f32] {
        &self.inputs[row * self.features()..(row + 1) * self.features()]
    }
}

/// A data set, with what was found out while reading it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The examples, in memory or on disk.
    pub dataset: Arc<dyn RowSource>,
    /// The recipe's task, or else what targets, loss and outputs say.
    pub task: Task,
    /// What was odd.
    pub report: DataReport,
    /// Of text: the tokenizer, as a `tokenizer.json`.
    pub tokenizer: Option<String>,
}

/// What a recipe's file holds, row by row, before examples are made of it.
#[derive(Debug)]
struct Table {
    rows: TableRows,
    task: Task,
    report: DataReport,
}

/// The rows of a table.
#[derive(Debug)]
enum TableRows {
    Memory(Dataset),
    Disk(DiskRows),
    Texts(Texts),
}

/// Reads the data set that a recipe names, with the rows of its `validation_file` behind it, see [`HeldOut`].
///
/// # Errors
/// When the recipe names none, or a file is missing, broken, empty, or does not have what the recipe asks for.
pub fn load(recipe: &Recipe) -> Result<Loaded, DataError> {
    let loaded = read(&recipe.data_file()?, recipe)?;
    match &recipe.data.validation_file {
        Some(file) => validation_file::with(loaded, &recipe.origin.resolve(file), recipe),
        None => Ok(loaded),
    }
}

/// Reads a data set from a file, or from a folder of them, as a recipe's `[data]` says.
///
/// # Errors
/// As [`load`].
pub fn read(path: &Path, recipe: &Recipe) -> Result<Loaded, DataError> {
    match &recipe.data.examples {
        Examples::Images { spec } => return images::read(path, recipe, *spec),
        Examples::NextTokens { spec, stride } => {
            return text::next_tokens(path, recipe, spec, stride.unwrap_or(spec.length));
        }
        Examples::Rows | Examples::Windows { .. } | Examples::Text { .. } => {}
    }
    let recipe = &with_targets(recipe);
    let Table { rows, task, report } = table(path, recipe)?;
    let table: Arc<dyn RowSource> = match (rows, &recipe.data.examples) {
        (TableRows::Texts(texts), Examples::Text { spec }) => {
            return text::rows(texts, task, report, &path.display().to_string(), spec, recipe);
        }
        (TableRows::Memory(rows), _) => Arc::new(rows),
        (TableRows::Disk(rows), _) => Arc::new(rows),
        // Texts are only read for examples of text.
        (TableRows::Texts(_), _) => return Err(DataError::UnknownFormat { path: path.to_owned() }),
    };
    let dataset: Arc<dyn RowSource> = match recipe.data.examples {
        Examples::Windows { length, ahead, horizon, stride } => {
            let [length, ahead, horizon, stride] = [length, ahead, horizon, stride].map(|count| count as usize);
            let shape = WindowShape { length, target: length - 1 + ahead, horizon, stride };
            Arc::new(Windows::over(table, shape, "row", path, recipe)?)
        }
        _ => table,
    };
    Ok(Loaded { dataset, task, report, tokenizer: None })
}

fn table(path: &Path, recipe: &Recipe) -> Result<Table, DataError> {
    let mut whole: Option<Raw> = None;
    for file in files::of(path)? {
        let next = read_file(&file, recipe)?;
        match &mut whole {
            Some(whole) => whole.append(next)?,
            None => whole = Some(next),
        }
    }
    match whole {
        Some(raw) => finish(raw, recipe),
        None => Err(DataError::UnknownFormat { path: path.to_owned() }),
    }
}

fn read_file(path: &Path, recipe: &Recipe) -> Result<Raw, DataError> {
    let is_text = matches!(recipe.data.examples, Examples::Text { .. });
    if is_text && matches!(files::ending(path).as_deref(), Some("npz" | "safetensors")) {
        return Err(DataError::content(
            path.display().to_string(),
            "texts are read from .csv and .parquet; write them there",
        ));
    }
    match files::ending(path).as_deref() {
        Some("csv" | "tsv" | "txt") => csv::read(path, recipe),
        Some("npz") => npz::read(path, recipe),
        Some("parquet") => parquet::read(path, recipe),
        Some("safetensors") => safetensors::read(path, recipe),
        _ => Err(DataError::UnknownFormat { path: path.to_owned() }),
    }
}

/// The recipe with the columns of several outputs as its targets, where it names no others.
fn with_targets(recipe: &Recipe) -> Recipe {
    let mut recipe = recipe.clone();
    if recipe.data.target.is_empty() {
        for column in recipe.outputs.iter().flat_map(|output| &output.target) {
            if !recipe.data.target.contains(column) {
                recipe.data.target.push(column.clone());
            }
        }
    }
    recipe
}

fn finish(raw: Raw, recipe: &Recipe) -> Result<Table, DataError> {
    let Raw { feature_names, mut target_names, inputs, mut targets, rows, places, mut report } = raw;
    if rows == 0 {
        return Err(DataError::content(places.file(), "there are no rows; a data set needs at least one"));
    }
    if u32::try_from(rows).is_err() {
        return Err(DataError::content(
            places.file(),
            format!("there are {rows} rows; at most {} are supported", u32::MAX),
        ));
    }
    if feature_names.is_empty() {
        return Err(DataError::content(places.file(), "there are no input columns; a data set needs at least one"));
    }
    check_image(recipe, feature_names.len())?;
    let weights = weights::take(&mut targets, &mut target_names, recipe, &places, &mut report)?;
    let resolved = targets::resolve(targets, &target_names, recipe, &places, &mut report)?;
    report.close(places.file());
    let targets::Resolved { targets, task, class_names, target_classes } = resolved;
    let rows = match inputs {
        Inputs::Memory(inputs) => TableRows::Memory(Dataset {
            inputs,
            targets,
            weights,
            feature_names,
            target_names,
            class_names,
            target_classes,
        }),
        // A spool has become a file by now.
        Inputs::Spool(_) => return Err(DataError::content(places.file(), "its rows were not written to the end")),
        Inputs::Texts(texts) => {
            if feature_names.len() != 1 {
                let text =
                    format!("a text is one column, and there are {}; name it with data.inputs", feature_names.len());
                return Err(DataError::content(recipe.place("data.inputs"), text));
            }
            TableRows::Texts(Texts { texts, targets, weights, target_names, class_names, target_classes })
        }
        Inputs::Disk(parts) => TableRows::Disk(DiskRows {
            parts,
            targets,
            weights,
            target_names,
            feature_names,
            class_names,
            target_classes,
        }),
    };
    Ok(Table { rows, task, report })
}

/// Refuses an image that has not as many values as a row.
fn check_image(recipe: &Recipe, features: usize) -> Result<(), DataError> {
    if recipe.data.image.is_some() {
        // No layer is asked for its shape here; only `data.image` is held against the columns.
        Recipe { layers: Vec::new(), ..recipe.clone() }.shapes(features as u64)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
