//! Data sets: reading them, saying precisely what was odd, splitting and scaling them.
//!
//! | file | inputs | targets |
//! |---|---|---|
//! | `.csv` | columns of numbers; the first line names them | a column of numbers or of text labels, or several columns of numbers |
//! | `.parquet` | flat columns of numbers or flags | the same |
//! | `.npz` | the array `x` `[rows, columns]` (further axes are flattened) | the array `y` |
//!
//! A missing value (an empty cell, `NA`, `NaN`, a null) is kept as NaN and noted with its place: training on it goes wrong, and the
//! report shows where it came from. A text among numbers is an error.

pub(crate) mod columns;
mod csv;
mod error;
mod nearby;
mod npy;
mod npz;
mod parquet;
mod raw;
mod report;
pub(crate) mod scaling;
pub(crate) mod source;
mod split;
pub(crate) mod survey;
mod targets;

pub use error::DataError;
pub use report::DataReport;
pub use scaling::Scaling;
pub use source::RowSource;
pub use split::Split;

pub(crate) use nearby::nearby_files;
pub(crate) use raw::{counted, quoted};

use crate::recipe::{Recipe, Task};
use raw::Raw;
use std::path::Path;

/// Examples and their answers, in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// The inputs, row by row: `[rows, features]`.
    pub inputs: Vec<f32>,
    /// The answers, one for each row.
    pub targets: Targets,
    /// Name of each input column.
    pub feature_names: Vec<String>,
    /// Name of each target column.
    pub target_names: Vec<String>,
    /// What each class number stands for where the file has text labels (sorted); else empty.
    pub class_names: Vec<String>,
    /// Channels, height and width of one row, if it is an image.
    pub image: Option<[usize; 3]>,
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
            feature_names: (0..features).map(|number| format!("x{number}")).collect(),
            target_names: (0..columns).map(|number| format!("y{number}")).collect(),
            class_names: Vec::new(),
            image: None,
        })
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
    /// The data.
    pub dataset: Dataset,
    /// The recipe's task, or else what targets, loss and outputs say.
    pub task: Task,
    /// What was odd.
    pub report: DataReport,
}

/// Reads the data set that a recipe names.
///
/// # Errors
/// When the recipe names none, or the file is missing, broken, empty, or does not have what the recipe asks for.
pub fn load(recipe: &Recipe) -> Result<Loaded, DataError> {
    read(&recipe.data_file()?, recipe)
}

/// Reads a data set from a file, as a recipe's `[data]` says.
///
/// # Errors
/// As [`load`].
pub fn read(path: &Path, recipe: &Recipe) -> Result<Loaded, DataError> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    let raw = match ending.as_deref() {
        Some("csv" | "tsv" | "txt") => csv::read(path, recipe),
        Some("npz") => npz::read(path, recipe),
        Some("parquet") => parquet::read(path, recipe),
        _ => Err(DataError::UnknownFormat { path: path.to_owned() }),
    }?;
    finish(raw, recipe)
}

fn finish(raw: Raw, recipe: &Recipe) -> Result<Loaded, DataError> {
    let Raw { feature_names, target_names, inputs, targets, rows, places, mut report } = raw;
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
    let image = image(recipe, feature_names.len())?;
    let resolved = targets::resolve(targets, &target_names, recipe, &places, &mut report)?;
    report.close(places.file());
    let dataset = Dataset {
        inputs,
        targets: resolved.targets,
        feature_names,
        target_names,
        class_names: resolved.class_names,
        image,
    };
    Ok(Loaded { dataset, task: resolved.task, report })
}

/// The image that a row is, which must have as many values as the row.
fn image(recipe: &Recipe, features: usize) -> Result<Option<[usize; 3]>, DataError> {
    if recipe.data.image.is_some() {
        // No layer is asked for its shape here; only `data.image` is held against the columns.
        Recipe { layers: Vec::new(), ..recipe.clone() }.shapes(features as u64)?;
    }
    Ok(recipe.data.image.map(|image| image.map(|side| side as usize)))
}

#[cfg(test)]
mod tests;
