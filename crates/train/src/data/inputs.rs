//! Rows without answers, for predictions.
use super::raw::{Inputs, Raw};
use super::{DataError, DataReport, columns, files, read, read_file};
use crate::recipe::{DataSpec, Examples, Recipe};
use std::path::Path;

/// Rows of inputs, as they are in a file.
#[derive(Clone, Debug)]
pub struct InputRows {
    /// `[rows, columns]`.
    pub values: Vec<f32>,
    /// How many rows there are.
    pub rows: usize,
    /// What was odd.
    pub report: DataReport,
}

/// Reads the input columns of these names from a file or a folder of them, whatever else is in it: targets need not be. Of arrays those that the
/// recipe names are taken, whose columns must be as many. Windows over a time series need all columns that training had.
///
/// # Errors
/// When a file is missing, broken or empty, or lacks a column.
pub fn read_inputs(path: &Path, names: &[String], recipe: &Recipe) -> Result<InputRows, DataError> {
    let found = match &recipe.data.examples {
        Examples::Rows => rows(path, names, recipe)?,
        Examples::Text { spec } | Examples::NextTokens { spec, .. }
            if files::ending(spec.tokenizer.as_ref()).as_deref() != Some("json") =>
        {
            let text = "new texts need the vocabulary of the training, which the run keeps as tokenizer.json; name that file here";
            return Err(DataError::content(recipe.place("data.examples.tokenizer"), text));
        }
        _ => examples(path, recipe)?,
    };
    let features = found.values.len().checked_div(found.rows).unwrap_or(0);
    if features != names.len() {
        return Err(DataError::content(
            path.display().to_string(),
            format!(
                "it has {features} input columns, and the network was trained with {}: {}",
                names.len(),
                columns::listed(names)
            ),
        ));
    }
    Ok(found)
}

fn rows(path: &Path, names: &[String], recipe: &Recipe) -> Result<InputRows, DataError> {
    let mut whole: Option<Raw> = None;
    for file in files::of(path)? {
        let is_table = matches!(files::ending(&file).as_deref(), Some("csv" | "tsv" | "txt" | "parquet"));
        let inputs = if is_table { names.to_vec() } else { recipe.data.inputs.clone() };
        // Messages speak of the file alone: what is read is not what the recipe's own lines name.
        let data = DataSpec { inputs, target: columns::no_target(), stream: false, ..recipe.data.clone() };
        let next = read_file(&file, &Recipe { data, ..Recipe::default() })?;
        match &mut whole {
            Some(whole) => whole.append(next)?,
            None => whole = Some(next),
        }
    }
    let Some(Raw { inputs: Inputs::Memory(values), rows, places, mut report, .. }) = whole else {
        return Err(DataError::UnknownFormat { path: path.to_owned() });
    };
    if rows == 0 {
        return Err(DataError::content(places.file(), "there are no rows, so that there is nothing to predict"));
    }
    report.close(places.file());
    Ok(InputRows { values, rows, report })
}

fn examples(path: &Path, recipe: &Recipe) -> Result<InputRows, DataError> {
    let loaded = read(path, recipe)?;
    let all: Vec<usize> = (0..loaded.dataset.rows()).collect();
    let mut values = Vec::new();
    loaded.dataset.inputs(&all, &mut values)?;
    Ok(InputRows { values, rows: all.len(), report: loaded.report })
}
