//! What the target columns mean: classes, labels or numbers.
use super::raw::{Labels, Places, TargetColumn};
use super::{DataError, DataReport, Targets};
use crate::recipe::{LayerKind, LossWants as Wants, Recipe, Task};

/// How a note begins that says which numbers texts have.
pub(crate) const NUMBERED: &str = "the labels of column";

/// Targets that are understood.
pub(crate) struct Resolved {
    pub(crate) targets: Targets,
    pub(crate) task: Task,
    pub(crate) class_names: Vec<String>,
    /// Of several outputs, what the numbers of each column stand for; empty for a column that holds numbers.
    pub(crate) target_classes: Vec<Vec<String>>,
}

/// The outputs of the network, if its last layer of units says.
fn outputs(recipe: &Recipe) -> Option<u64> {
    recipe.layers.iter().rev().find_map(|layer| match layer.kind {
        LayerKind::Dense { units, .. } => Some(units),
        LayerKind::Rnn { recurrent, .. } | LayerKind::Lstm { recurrent, .. } | LayerKind::Gru { recurrent } => {
            Some(recurrent.outputs())
        }
        _ => None,
    })
}

/// Understands the target columns.
///
/// The recipe's `task` decides. Without one, text labels are classes; a single column of whole numbers is classes when the loss is one
/// for classes, or when there are several outputs for it; a column of 0 and 1 is `binary` for the losses of probabilities; several such
/// columns are `multilabel`, or `multiclass` when each row has a single 1 and the loss is one for classes; all else is `regression`.
pub(crate) fn resolve(
    columns: Vec<TargetColumn>,
    names: &[String],
    recipe: &Recipe,
    places: &Places,
    report: &mut DataReport,
) -> Result<Resolved, DataError> {
    if !recipe.outputs.is_empty() {
        return Ok(of_outputs(&columns, names, places, report));
    }
    let mut numbers = Vec::with_capacity(columns.len());
    let several = columns.len() > 1;
    for (column, name) in columns.into_iter().zip(names) {
        match column {
            TargetColumn::Numbers(values) => numbers.push(values),
            TargetColumn::Labels(labels) if !several => return text_classes(&labels, name, recipe, places, report),
            TargetColumn::Labels(_) => {
                let text =
                    format!("target column {name:?} holds text; of several target columns each must hold numbers");
                return Err(DataError::content(places.file(), text));
            }
        }
    }
    match numbers.as_slice() {
        [] => Err(DataError::content(places.file(), "there is no target column")),
        [values] => single_column(values, &names[0], recipe, places, report),
        _ => several_columns(&numbers, names, recipe, places, report),
    }
}

/// The columns of several outputs: numbers as they are, and texts by their number in sorted order.
fn of_outputs(columns: &[TargetColumn], names: &[String], places: &Places, report: &mut DataReport) -> Resolved {
    let read = |(column, name): (&TargetColumn, &String)| match column {
        TargetColumn::Numbers(values) => (values.clone(), Vec::new()),
        TargetColumn::Labels(labels) => {
            let (number_of, classes) = numbered(labels, name, places, report);
            (labels.codes.iter().map(|&code| number_of[code as usize] as f64).collect(), classes)
        }
    };
    let (numbers, target_classes): (Vec<Vec<f64>>, Vec<Vec<String>>) = columns.iter().zip(names).map(read).unzip();
    let columns: Vec<&[f64]> = numbers.iter().map(Vec::as_slice).collect();
    // What each output learns is for its loss to say; together they are none of the tasks.
    let targets = real(&columns, names, places, report);
    Resolved { targets, task: Task::Regression, class_names: Vec::new(), target_classes }
}

/// The class number of each text by its code, and the texts by class number; the report lists them.
fn numbered(labels: &Labels, name: &str, places: &Places, report: &mut DataReport) -> (Vec<i64>, Vec<String>) {
    /// More classes are not listed in the note: our choice.
    const SHOWN: usize = 20;
    let mut class_names = labels.words.clone();
    class_names.sort_unstable();
    let number_of = labels.words.iter().map(|word| class_number(class_names.binary_search(word).ok())).collect();
    let listed: Vec<String> =
        class_names.iter().take(SHOWN).enumerate().map(|(number, word)| format!("{number} = {word:?}")).collect();
    let more = class_names.len().saturating_sub(SHOWN);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    report
        .note(places.file(), format!("{NUMBERED} {name:?} are numbered in sorted order: {}{more}", listed.join(", ")));
    (number_of, class_names)
}

fn text_classes(
    labels: &Labels,
    name: &str,
    recipe: &Recipe,
    places: &Places,
    report: &mut DataReport,
) -> Result<Resolved, DataError> {
    let task = match recipe.task {
        Some(Task::Regression | Task::Multilabel) => {
            let task = recipe.task.map_or("", Task::name);
            let text = format!(
                "target column {name:?} holds text, which task = \"{task}\" cannot learn; use task = \"multiclass\""
            );
            return Err(DataError::content(recipe.place("task"), text));
        }
        Some(task) => task,
        None if labels.words.len() == 2 && outputs(recipe) == Some(1) => Task::Binary,
        None => Task::Multiclass,
    };
    let (number_of, class_names) = numbered(labels, name, places, report);
    let classes = labels.codes.iter().map(|&code| number_of[code as usize]).collect();
    Ok(Resolved { targets: Targets::Classes(classes), task, class_names, target_classes: Vec::new() })
}

fn single_column(
    values: &[f64],
    name: &str,
    recipe: &Recipe,
    places: &Places,
    report: &mut DataReport,
) -> Result<Resolved, DataError> {
    let task = recipe.task.unwrap_or_else(|| task_of_column(values, recipe));
    let plain = |targets| Ok(Resolved { targets, task, class_names: Vec::new(), target_classes: Vec::new() });
    match task {
        task if wants_rows(recipe, task) => {
            plain(real(&[values], std::slice::from_ref(&name.to_owned()), places, report))
        }
        Task::Binary if is_signs(values) => {
            report.note(places.file(), format!("column {name:?} holds -1 and 1, read as class 0 and class 1"));
            let targets = Targets::Classes(values.iter().map(|&value| i64::from(value > 0.0)).collect());
            Ok(Resolved {
                targets,
                task,
                class_names: vec!["-1".to_owned(), "1".to_owned()],
                target_classes: Vec::new(),
            })
        }
        _ => plain(Targets::Classes(class_numbers(values, name, recipe, task, places)?)),
    }
}

/// Whether targets stay numbers: they are, or they are labels that may not fill a row.
fn wants_rows(recipe: &Recipe, task: Task) -> bool {
    matches!(task, Task::Regression | Task::Multilabel) || recipe.loss.kind.wants() == Wants::Labels
}

fn task_of_column(values: &[f64], recipe: &Recipe) -> Task {
    let whole = values.iter().all(|value| value.fract() == 0.0);
    let flags = values.iter().all(|&value| value == 0.0 || value == 1.0) || is_signs(values);
    let several_outputs = outputs(recipe).is_some_and(|outputs| outputs > 1);
    match recipe.loss.kind.wants() {
        Wants::Classes | Wants::Flags if flags && !several_outputs => Task::Binary,
        Wants::Classes | Wants::Labels => Task::Multiclass,
        Wants::Flags if whole => Task::Multiclass,
        Wants::Numbers if whole && several_outputs => Task::Multiclass,
        Wants::Flags | Wants::Numbers => Task::Regression,
    }
}

/// Whether a column holds both -1 and 1, and nothing else.
fn is_signs(values: &[f64]) -> bool {
    values.contains(&-1.0) && values.contains(&1.0) && values.iter().all(|value| value.abs() == 1.0)
}

fn class_numbers(
    values: &[f64],
    name: &str,
    recipe: &Recipe,
    task: Task,
    places: &Places,
) -> Result<Vec<i64>, DataError> {
    /// Whole numbers below this are exact in f64.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if let Some(row) = values.iter().position(|value| value.fract() != 0.0 || value.abs() >= EXACT) {
        let (value, task) = (values[row], task.name());
        let text = if value.is_nan() {
            format!("target column {name:?} has no class number here; take the row out")
        } else {
            let why = if recipe.task.is_some() {
                format!("task = \"{task}\"")
            } else {
                format!("the loss \"{}\"", recipe.loss.kind.name())
            };
            format!(
                "target column {name:?} holds {value}, but {why} learns classes, which are whole numbers; for real targets set task = \"regression\" and a loss such as \"mse\""
            )
        };
        return Err(DataError::content(places.row(row), text));
    }
    Ok(values.iter().map(|&value| value as i64).collect())
}

fn several_columns(
    columns: &[Vec<f64>],
    names: &[String],
    recipe: &Recipe,
    places: &Places,
    report: &mut DataReport,
) -> Result<Resolved, DataError> {
    let flags = columns.iter().flatten().all(|&value| value == 0.0 || value == 1.0);
    let one_hot =
        flags && (0..columns[0].len()).all(|row| columns.iter().map(|column| column[row]).sum::<f64>() == 1.0);
    let wants = recipe.loss.kind.wants();
    // Shares of the classes, or a class number for each time step: as many numbers as the loss wants to see.
    let per_output =
        wants == Wants::Classes && (is_shares(columns) || is_steps(columns, recipe)) || wants == Wants::Labels;
    let task = recipe.task.unwrap_or(match wants {
        _ if one_hot && wants == Wants::Classes || per_output => Task::Multiclass,
        Wants::Flags if flags => Task::Multilabel,
        _ => Task::Regression,
    });
    match task {
        Task::Regression | Task::Multilabel => {
            let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
            let targets = real(&columns, names, places, report);
            Ok(Resolved { targets, task, class_names: Vec::new(), target_classes: Vec::new() })
        }
        Task::Binary | Task::Multiclass if one_hot => {
            report
                .note(places.file(), "the target columns hold a single 1 in each row, read as the number of the class");
            let class = |row: usize| class_number(columns.iter().position(|column| column[row] == 1.0));
            let targets = Targets::Classes((0..columns[0].len()).map(class).collect());
            Ok(Resolved { targets, task, class_names: names.to_vec(), target_classes: Vec::new() })
        }
        Task::Multiclass if per_output => {
            let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
            let targets = real(&columns, names, places, report);
            Ok(Resolved { targets, task, class_names: Vec::new(), target_classes: Vec::new() })
        }
        Task::Binary | Task::Multiclass => {
            let text = format!(
                "task = \"{}\" has one class a row, but there are {} target columns without a single 1 in each row; name one column, or set task = \"multilabel\"",
                task.name(),
                columns.len()
            );
            Err(DataError::content(recipe.place("data.target"), text))
        }
    }
}

/// Whether each row holds shares that sum to 1.
fn is_shares(columns: &[Vec<f64>]) -> bool {
    /// Rounding of shares that were written with a few digits.
    const ERROR: f64 = 1e-3;
    let rows = columns.first().map_or(0, Vec::len);
    let shares = columns.iter().flatten().all(|share| (0.0..=1.0).contains(share));
    shares && (0..rows).all(|row| (columns.iter().map(|column| column[row]).sum::<f64>() - 1.0).abs() < ERROR)
}

/// Whether each row holds class numbers for as many time steps; a number below 0 marks one of which nothing is learned.
fn is_steps(columns: &[Vec<f64>], recipe: &Recipe) -> bool {
    let outputs = outputs(recipe);
    let known = |value: &f64| value.fract() == 0.0 && outputs.is_none_or(|outputs| *value < outputs as f64);
    outputs.is_some_and(|outputs| outputs != columns.len() as u64) && columns.iter().flatten().all(known)
}

/// A position among the classes as a class number; a position that cannot be is none of them.
fn class_number(position: Option<usize>) -> i64 {
    position.and_then(|position| i64::try_from(position).ok()).unwrap_or(-1)
}

/// Columns of numbers, brought together row by row; what is not finite is noted.
fn real(columns: &[&[f64]], names: &[String], places: &Places, report: &mut DataReport) -> Targets {
    let rows = columns.first().map_or(0, |column| column.len());
    let mut values = Vec::with_capacity(rows * columns.len());
    for row in 0..rows {
        for (column, name) in columns.iter().zip(names) {
            values.push(super::raw::input(column[row], name, || places.row(row), report));
        }
    }
    Targets::Real { values, columns: columns.len() }
}
