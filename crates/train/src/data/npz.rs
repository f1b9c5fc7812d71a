//! Reading `NumPy`'s `.npz`: a zip archive of arrays.
use super::error::open;
use super::npy::{self, Array};
use super::raw::{Places, Raw, TargetColumn, input, row_counts_differ};
use super::{DataError, DataReport};
use crate::recipe::{Recipe, suggest};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use zip::ZipArchive;

/// Reads the arrays that a recipe names: `x` and `y` if it names none.
pub(crate) fn read(path: &Path, recipe: &Recipe) -> Result<Raw, DataError> {
    let places = Places::by_row(path);
    let file = places.file();
    let mut archive = ZipArchive::new(BufReader::new(open(path)?)).map_err(|error| {
        DataError::broken(file, format!("this is no .npz archive, or it is cut short ({error}); save it again"))
    })?;
    let inputs = arrays(&mut archive, &recipe.data.inputs, "x", "data.inputs", recipe, file)?;
    let targets = arrays(&mut archive, &recipe.data.target, "y", "data.target", recipe, file)?;
    let (input_name, rows) = same_rows(&inputs, file)?;
    let (target_name, target_rows) = same_rows(&targets, file)?;
    if rows != target_rows {
        return Err(row_counts_differ(file, (&quoted(input_name), rows), (&quoted(target_name), target_rows)));
    }
    let mut report = DataReport::default();
    if recipe.data.image.is_none()
        && let Some((name, array)) = inputs.iter().find(|(_, array)| array.shape.len() > 2)
    {
        report.note(file, format!("array {name:?} of shape {:?} is read as {} columns", array.shape, array.rows().1));
    }
    let feature_names = column_names(&inputs);
    let inputs = interleave(&inputs, rows, &feature_names, &places, &mut report);
    Ok(Raw {
        feature_names,
        target_names: column_names(&targets),
        inputs,
        targets: columns(&targets),
        rows,
        places,
        report,
    })
}

fn quoted(name: &str) -> String {
    format!("array {name:?}")
}

/// The arrays of these names, or the one of the default name.
fn arrays(
    archive: &mut ZipArchive<BufReader<File>>,
    names: &[String],
    default: &str,
    key: &str,
    recipe: &Recipe,
    file: &str,
) -> Result<Vec<(String, Array)>, DataError> {
    let names = if names.is_empty() { vec![default.to_owned()] } else { names.to_vec() };
    names
        .into_iter()
        .map(|name| {
            let entry = format!("{name}.npy");
            if archive.index_for_name(&entry).is_none() {
                let mut known: Vec<String> = archive
                    .file_names()
                    .filter_map(|known| Some(known.ok()?.strip_suffix(".npy")?.to_owned()))
                    .collect();
                known.sort_unstable();
                let hint = suggest::hint(&name, known.iter().map(String::as_str));
                return Err(DataError::content(
                    recipe.place(key),
                    format!("no array {name:?} for {key} in {file}{hint}"),
                ));
            }
            let broken = |text: String| DataError::broken(file, format!("array {name:?} {text}"));
            let source = archive.by_name(&entry).map_err(|error| broken(format!("cannot be unpacked: {error}")))?;
            let array = npy::read(source).map_err(broken)?;
            Ok((name, array))
        })
        .collect()
}

/// The first array's name and the number of rows of all of them.
fn same_rows<'a>(arrays: &'a [(String, Array)], file: &str) -> Result<(&'a str, usize), DataError> {
    let Some((first, array)) = arrays.first() else { return Ok(("", 0)) };
    let rows = array.rows().0;
    match arrays.iter().find(|(_, other)| other.rows().0 != rows) {
        Some((name, other)) => Err(row_counts_differ(file, (&quoted(first), rows), (&quoted(name), other.rows().0))),
        None => Ok((first, rows)),
    }
}

/// `x` for an array of one column, else `x0`, `x1`, ...
fn column_names(arrays: &[(String, Array)]) -> Vec<String> {
    let names = |(name, array): &(String, Array)| match array.rows().1 {
        1 => vec![name.clone()],
        columns => (0..columns).map(|column| format!("{name}{column}")).collect(),
    };
    arrays.iter().flat_map(names).collect()
}

/// The inputs of all arrays, row by row.
fn interleave(
    arrays: &[(String, Array)],
    rows: usize,
    names: &[String],
    places: &Places,
    report: &mut DataReport,
) -> Vec<f32> {
    let mut inputs = Vec::with_capacity(arrays.iter().map(|(_, array)| array.values.len()).sum());
    for row in 0..rows {
        let mut names = names.iter();
        for (_, array) in arrays {
            let columns = array.rows().1;
            for (value, name) in array.values[row * columns..(row + 1) * columns].iter().zip(&mut names) {
                inputs.push(input(*value, name, || places.row(row), report));
            }
        }
    }
    inputs
}

/// The target columns of all arrays.
fn columns(arrays: &[(String, Array)]) -> Vec<TargetColumn> {
    let of_array = |(_, array): &(String, Array)| {
        let columns = array.rows().1;
        (0..columns)
            .map(|column| TargetColumn::Numbers(array.values.iter().skip(column).step_by(columns).copied().collect()))
            .collect::<Vec<_>>()
    };
    arrays.iter().flat_map(of_array).collect()
}
