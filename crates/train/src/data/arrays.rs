//! Data sets of named arrays: what `.npz` and `.safetensors` have in common.
use super::columns::is_without_target;
use super::files::ending;
use super::npy::Array;
use super::raw::{Inputs, Places, Raw, TargetColumn, counted, input, row_counts_differ};
use super::stored::{Stored, rows_of};
use super::{DataError, DataReport};
use crate::recipe::{Recipe, suggest};
use std::path::Path;

/// A file of named arrays.
pub(crate) trait ArrayFile {
    /// The names of its arrays.
    fn names(&self) -> Vec<String>;

    /// An array, read.
    fn array(&mut self, name: &str) -> Result<Array, DataError>;

    /// An array that stays on disk.
    fn stored(&mut self, name: &str) -> Result<Stored, DataError>;
}

/// Reads the arrays that a recipe names: `x` and `y` if it names none.
pub(crate) fn read(path: &Path, recipe: &Recipe, file: &mut dyn ArrayFile) -> Result<Raw, DataError> {
    let places = Places::by_row(path);
    let name = places.file().to_owned();
    let input_names = known(file, &recipe.data.inputs, "x", "data.inputs", recipe, &name)?;
    let mut target_names = Vec::new();
    if !is_without_target(recipe) {
        target_names = known(file, &recipe.data.target, "y", "data.target", recipe, &name)?;
        // Behind the targets stand the weights of the rows.
        if let Some(weight) = &recipe.data.weight {
            target_names.extend(known(file, std::slice::from_ref(weight), "", "data.weight", recipe, &name)?);
        }
    }
    let mut report = DataReport::default();
    let mut shapes = Vec::new();
    let inputs = if recipe.data.stream {
        let arrays = input_names.iter().map(|name| file.stored(name)).collect::<Result<Vec<_>, _>>()?;
        shapes.extend(arrays.iter().map(|array| array.shape.clone()));
        Values::Stored(arrays)
    } else {
        let arrays = input_names.iter().map(|name| file.array(name)).collect::<Result<Vec<_>, _>>()?;
        shapes.extend(arrays.iter().map(|array| array.shape.clone()));
        Values::Read(arrays)
    };
    let targets = target_names.iter().map(|name| file.array(name)).collect::<Result<Vec<_>, _>>()?;
    let target_shapes: Vec<Vec<usize>> = targets.iter().map(|array| array.shape.clone()).collect();
    if let (Some(weight), [answers, .., shape]) = (&recipe.data.weight, &target_shapes[..])
        && rows_of(shape) != (rows_of(answers).0, 1)
    {
        let count = counted(rows_of(answers).0, "row");
        let text = format!(
            "array {weight:?} has the shape {shape:?}, and there are {count} to weigh; give it one number for each row"
        );
        return Err(DataError::content(recipe.place("data.weight"), text));
    }
    let rows = same_rows(&input_names, &shapes, &name)?;
    let target_rows = same_rows(&target_names, &target_shapes, &name)?;
    if rows != target_rows && !target_names.is_empty() {
        let first = |names: &[String]| quoted(names.first().map_or("", String::as_str));
        return Err(row_counts_differ(&name, (&first(&input_names), rows), (&first(&target_names), target_rows)));
    }
    if recipe.data.image.is_none()
        && let Some((array, shape)) = input_names.iter().zip(&shapes).find(|(_, shape)| shape.len() > 2)
    {
        let columns = counted(rows_of(shape).1, "column");
        report.note(&name, format!("array {array:?} of shape {shape:?} is read as {columns}"));
    }
    let feature_names = column_names(&input_names, &shapes);
    let inputs = match inputs {
        Values::Read(arrays) => Inputs::Memory(interleave(&arrays, rows, &feature_names, &places, &mut report)),
        Values::Stored(arrays) => {
            look_at(&arrays, &feature_names, &places, &mut report)?;
            Inputs::disk(arrays)
        }
    };
    Ok(Raw {
        feature_names,
        target_names: column_names(&target_names, &target_shapes),
        inputs,
        targets: columns(&targets),
        rows,
        places,
        report,
    })
}

/// The input arrays.
enum Values {
    Read(Vec<Array>),
    Stored(Vec<Stored>),
}

fn quoted(name: &str) -> String {
    format!("array {name:?}")
}

/// The names that a recipe gives, or the default; each is in the file.
fn known(
    file: &dyn ArrayFile,
    names: &[String],
    default: &str,
    key: &str,
    recipe: &Recipe,
    path: &str,
) -> Result<Vec<String>, DataError> {
    let names = if names.is_empty() { vec![default.to_owned()] } else { names.to_vec() };
    let mut known = file.names();
    known.sort_unstable();
    match names.iter().find(|name| !known.contains(name)) {
        Some(name) => {
            let hint = suggest::hint(name, known.iter().map(String::as_str));
            let what = if ending(Path::new(path)).as_deref() == Some("safetensors") { "tensor" } else { "array" };
            Err(DataError::content(recipe.place(key), format!("no {what} {name:?} for {key} in {path}{hint}")))
        }
        None => Ok(names),
    }
}

/// The number of rows of all arrays.
fn same_rows(names: &[String], shapes: &[Vec<usize>], file: &str) -> Result<usize, DataError> {
    let Some((first, shape)) = names.first().zip(shapes.first()) else { return Ok(0) };
    let rows = rows_of(shape).0;
    match names.iter().zip(shapes).find(|(_, shape)| rows_of(shape).0 != rows) {
        Some((name, shape)) => Err(row_counts_differ(file, (&quoted(first), rows), (&quoted(name), rows_of(shape).0))),
        None => Ok(rows),
    }
}

/// `x` for an array of one column, else `x0`, `x1`, ...
fn column_names(names: &[String], shapes: &[Vec<usize>]) -> Vec<String> {
    let of_array = |(name, shape): (&String, &Vec<usize>)| match rows_of(shape).1 {
        1 => vec![name.clone()],
        columns => (0..columns).map(|column| format!("{name}{column}")).collect(),
    };
    names.iter().zip(shapes).flat_map(of_array).collect()
}

/// The inputs of all arrays, row by row.
fn interleave(arrays: &[Array], rows: usize, names: &[String], places: &Places, report: &mut DataReport) -> Vec<f32> {
    let mut inputs = Vec::with_capacity(arrays.iter().map(|array| array.values.len()).sum());
    for row in 0..rows {
        let mut names = names.iter();
        for array in arrays {
            let columns = array.rows().1;
            for (value, name) in array.values[row * columns..(row + 1) * columns].iter().zip(&mut names) {
                inputs.push(input(*value, name, || places.row(row), report));
            }
        }
    }
    inputs
}

/// Notes what is not finite in arrays that stay on disk.
fn look_at(arrays: &[Stored], names: &[String], places: &Places, report: &mut DataReport) -> Result<(), DataError> {
    let mut first = 0;
    for array in arrays {
        if !array.kind.is_integer() {
            array.each(|row, column, value| {
                input(value, &names[first + column], || places.row(row), report);
            })?;
        }
        first += array.rows().1;
    }
    Ok(())
}

/// The target columns of all arrays.
fn columns(arrays: &[Array]) -> Vec<TargetColumn> {
    let of_array = |array: &Array| {
        let columns = array.rows().1;
        (0..columns)
            .map(|column| TargetColumn::Numbers(array.values.iter().skip(column).step_by(columns).copied().collect()))
            .collect::<Vec<_>>()
    };
    arrays.iter().flat_map(of_array).collect()
}
