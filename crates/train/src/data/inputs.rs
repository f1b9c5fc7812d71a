//! Rows without answers, for predictions.
use super::raw::{Inputs, Raw};
use super::{DataError, DataReport, columns, counted, files, images, read_file, text};
use crate::recipe::{DataSpec, Examples, Recipe};
use std::path::Path;

/// Rows of inputs, as they are in a file.
#[derive(Clone, Debug)]
pub struct InputRows {
    /// `[rows, columns]`.
    pub values: Vec<f32>,
    /// How many rows there are.
    pub rows: usize,
    /// What each row is called, where that says more than its number.
    pub names: Option<RowNames>,
    /// What was odd.
    pub report: DataReport,
}

/// What rows are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowNames {
    /// What the names are: `file` of images, within their folder; `last_row` of windows, the number of the last row of inputs from 0.
    pub head: &'static str,
    /// One for each row.
    pub rows: Vec<String>,
}

/// Reads the inputs that a network was trained with, whatever else is there; answers need not be. `names` are those of its inputs.
///
/// | examples | what is read |
/// |---|---|
/// | rows | the columns of these names from a file or a folder of them; of arrays those that the recipe names, with as many columns |
/// | windows | the same; every window of inputs, also at the end, where the rows of its targets are still to come |
/// | images | one image, or every image in a folder and in those inside of it |
/// | texts | the column of the recipe |
/// | next tokens | a text, or the texts in a folder one after the other |
///
/// Texts need the vocabulary of the training: the recipe must name a `tokenizer.json`.
///
/// # Errors
/// When a file is missing, broken or empty, or lacks a column.
pub fn read_inputs(path: &Path, names: &[String], recipe: &Recipe) -> Result<InputRows, DataError> {
    let found = match &recipe.data.examples {
        Examples::Rows => rows(path, names, recipe)?,
        Examples::Windows { length, stride, .. } => windows(path, names, recipe, [*length, *stride])?,
        Examples::Images { spec } => {
            let mut report = DataReport::default();
            let (values, names) = images::inputs(path, spec, &mut report)?;
            InputRows { values, rows: names.len(), names: Some(RowNames { head: "file", rows: names }), report }
        }
        Examples::Text { spec } | Examples::NextTokens { spec, .. }
            if files::ending(spec.tokenizer.as_ref()).as_deref() != Some("json") =>
        {
            let text = "new texts need the vocabulary of the training, which its run keeps as tokenizer.json; name that file here";
            return Err(DataError::content(recipe.place("data.examples.tokenizer"), text));
        }
        Examples::Text { spec } => {
            let Raw { inputs: Inputs::Texts(texts), rows, places, mut report, .. } =
                raw(path, &recipe.data.inputs, recipe)?
            else {
                return Err(DataError::UnknownFormat { path: path.to_owned() });
            };
            let values = text::inputs(&texts, places.file(), spec, recipe, &mut report)?;
            report.close(places.file());
            InputRows { values, rows, names: None, report }
        }
        Examples::NextTokens { spec, stride } => {
            let tokens = text::stream(path, recipe, spec)?;
            let shape = [spec.length, stride.unwrap_or(spec.length)];
            windows_over(&tokens, 1, shape, "token", path, DataReport::default())?
        }
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

/// The rows of a table, without its targets.
fn raw(path: &Path, inputs: &[String], recipe: &Recipe) -> Result<Raw, DataError> {
    let mut whole: Option<Raw> = None;
    let target = columns::without(&recipe.data.target);
    for file in files::of(path)? {
        // Messages speak of the file alone: what is read is not what the recipe's own lines name.
        let data = DataSpec { inputs: inputs.to_vec(), target: target.clone(), stream: false, ..recipe.data.clone() };
        let next = read_file(&file, &Recipe { data, ..Recipe::default() })?;
        match &mut whole {
            Some(whole) => whole.append(next)?,
            None => whole = Some(next),
        }
    }
    let whole = whole.ok_or_else(|| DataError::UnknownFormat { path: path.to_owned() })?;
    if whole.rows == 0 {
        return Err(DataError::content(whole.places.file(), "there are no rows, so that there is nothing to predict"));
    }
    Ok(whole)
}

fn rows(path: &Path, names: &[String], recipe: &Recipe) -> Result<InputRows, DataError> {
    let is_table = |file: &Path| matches!(files::ending(file).as_deref(), Some("csv" | "tsv" | "txt" | "parquet"));
    let inputs =
        if files::of(path)?.iter().all(|file| is_table(file)) { names.to_vec() } else { recipe.data.inputs.clone() };
    let Raw { inputs: Inputs::Memory(values), rows, places, mut report, .. } = raw(path, &inputs, recipe)? else {
        return Err(DataError::UnknownFormat { path: path.to_owned() });
    };
    report.close(places.file());
    Ok(InputRows { values, rows, names: None, report })
}

/// Windows over the rows of a table, whose columns a window names once for each of its rows: `load[-1]`, `load[0]`.
fn windows(path: &Path, names: &[String], recipe: &Recipe, shape: [u64; 2]) -> Result<InputRows, DataError> {
    let columns = names.len() / shape[0].max(1) as usize;
    let plain = |name: &String| name.rsplit_once('[').map_or(name.as_str(), |(name, _)| name).to_owned();
    let table = rows(path, &names[..columns].iter().map(plain).collect::<Vec<_>>(), recipe)?;
    let features = table.values.len() / table.rows.max(1);
    windows_over(&table.values, features, shape, "row", path, table.report)
}

/// Every window of `[length, stride]` over rows of so many values.
fn windows_over(
    values: &[f32],
    features: usize,
    shape: [u64; 2],
    noun: &str,
    path: &Path,
    report: DataReport,
) -> Result<InputRows, DataError> {
    let [length, stride] = shape.map(|count| count.max(1) as usize);
    let rows = values.len() / features.max(1);
    let Some(last) = rows.checked_sub(length) else {
        let text = format!("the network takes {} at a time, and there are {rows}", counted(length, noun));
        return Err(DataError::content(path.display().to_string(), text));
    };
    let starts = || (0..=last).step_by(stride);
    let values = starts().flat_map(|first| &values[first * features..(first + length) * features]).copied().collect();
    let names: Vec<String> = starts().map(|first| (first + length - 1).to_string()).collect();
    let head = if noun == "row" { "last_row" } else { "last_token" };
    Ok(InputRows { values, rows: names.len(), names: Some(RowNames { head, rows: names }), report })
}
