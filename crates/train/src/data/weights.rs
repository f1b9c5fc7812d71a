//! How much the loss of each row counts.
use super::raw::{Places, TargetColumn};
use super::{DataError, DataReport};
use crate::recipe::Recipe;

/// What a weight is, for messages.
const WANTED: &str = "a weight is a finite number of 0 or more";

/// Takes the weights from behind the targets, where the readers put them if a recipe names any: they are read in the same way.
pub(crate) fn take(
    targets: &mut Vec<TargetColumn>,
    names: &mut Vec<String>,
    recipe: &Recipe,
    places: &Places,
    report: &mut DataReport,
) -> Result<Option<Vec<f32>>, DataError> {
    if recipe.data.weight.is_none() {
        return Ok(None);
    }
    let (Some(column), Some(name)) = (targets.pop(), names.pop()) else { return Ok(None) };
    let weights: Vec<f32> = match column {
        TargetColumn::Numbers(values) => values.into_iter().map(|value| value as f32).collect(),
        TargetColumn::Labels(_) => {
            let text = format!("column {name:?} holds texts; {WANTED}, so name another column with data.weight");
            return Err(DataError::content(places.row(0), text));
        }
    };
    if let Some((row, problem)) = first_problem(&weights) {
        return Err(DataError::content(places.row(row), format!("column {name:?}: {problem}")));
    }
    if weights.iter().all(|weight| *weight == 0.0) {
        report.note(places.file(), format!("every weight in column {name:?} is 0, so that nothing is learned"));
    }
    Ok(Some(weights))
}

/// The first row whose weight is none, and what is wrong with it.
pub(crate) fn first_problem(weights: &[f32]) -> Option<(usize, String)> {
    let row = weights.iter().position(|weight| !(*weight >= 0.0 && weight.is_finite()))?;
    let problem = match weights[row] {
        weight if weight.is_nan() => {
            format!("the weight is missing or NaN; {WANTED}, so fill it in or take the row out")
        }
        weight => format!("the weight is {weight}; {WANTED}"),
    };
    Some((row, problem))
}

/// The weights of these rows.
pub(crate) fn pick(weights: Option<&[f32]>, rows: &[usize]) -> Option<Vec<f32>> {
    weights.map(|weights| rows.iter().map(|&row| weights[row]).collect())
}
