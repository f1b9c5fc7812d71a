//! A first recipe for a CSV file.
use super::{Normalize, Task};
use crate::data::DataError;
use crate::data::columns::TARGET_NAMES;
use crate::data::survey::{ColumnSurvey, DISTINCT, Survey, survey};
use std::fmt::Write as _;
use std::path::Path;

/// A target of whole numbers has at most this many values to be read as classes: our choice.
const MOST_CLASSES: usize = 50;
/// Fewer rows are too few to hold some out and still see anything: our choice.
const LEAST_ROWS_TO_HOLD_OUT: usize = 50;
/// Steps that a first run aims at: our choice, enough for a small network to settle.
const STEPS: usize = 3_000;
/// Rows of one step.
const BATCH: usize = 32;
/// Names of columns that number the rows and say nothing.
const ROW_NUMBERS: [&str; 5] = ["id", "index", "row", "unnamed: 0", ""];

/// Looks at a CSV file and writes a commented recipe for it, to be saved beside the file.
///
/// The target is the column named label, target, y, class or outcome, or else the last. Text labels and few whole numbers make a
/// classification, all else a regression.
///
/// # Errors
/// When the file cannot be read as CSV, or has fewer than two usable columns.
pub fn new_recipe_for(csv: &Path) -> Result<String, DataError> {
    let file = csv.file_name().map_or_else(|| csv.display().to_string(), |name| name.to_string_lossy().into_owned());
    new_recipe(csv, &file)
}

/// As [`new_recipe_for`], for a recipe that is saved elsewhere: `file` is the path to the CSV as seen from there.
///
/// # Errors
/// As [`new_recipe_for`].
pub fn new_recipe(csv: &Path, file: &str) -> Result<String, DataError> {
    let survey = survey(csv)?;
    let guess = Guess::of(&survey, csv)?;
    let name = csv.file_stem().map_or_else(|| "run".to_owned(), |stem| stem.to_string_lossy().into_owned());
    Ok(guess.write(&survey, &name, file))
}

/// What is guessed from a look at the data.
struct Guess<'a> {
    target: &'a ColumnSurvey,
    inputs: Vec<&'a ColumnSurvey>,
    /// Columns that are left out, and why.
    left_out: Vec<(&'a str, &'static str)>,
    task: Task,
    outputs: usize,
    normalize: Normalize,
}

impl<'a> Guess<'a> {
    fn of(survey: &'a Survey, csv: &Path) -> Result<Self, DataError> {
        let target = target(survey);
        let mut inputs = Vec::new();
        let mut left_out = Vec::new();
        for column in survey.columns.iter().filter(|column| column.name != target.name) {
            let reason = if column.texts > 0 {
                "text"
            } else if ROW_NUMBERS.contains(&column.name.to_lowercase().as_str()) {
                "numbers the rows"
            } else if column.missing == survey.rows {
                "empty"
            } else {
                inputs.push(column);
                continue;
            };
            left_out.push((column.name.as_str(), reason));
        }
        if inputs.is_empty() {
            let text = format!("apart from the target {:?} there is no column of numbers to learn from", target.name);
            return Err(DataError::content(csv.display().to_string(), text));
        }
        let (task, outputs) = task(target);
        Ok(Self { target, inputs, left_out, task, outputs, normalize: Normalize::Standard })
    }

    /// Width of the hidden layers: the power of two next to the number of inputs, within what a small problem needs.
    fn width(&self) -> usize {
        self.inputs.len().next_power_of_two().clamp(16, 128)
    }

    fn write(&self, survey: &Survey, name: &str, file: &str) -> String {
        let rows = survey.rows;
        let holds_out = rows >= LEAST_ROWS_TO_HOLD_OUT;
        let steps_of_an_epoch = rows.div_ceil(BATCH);
        let epochs = STEPS.div_ceil(steps_of_an_epoch).clamp(5, 200);
        let (loss, why) = match self.task {
            Task::Multiclass => ("cross_entropy", "takes raw scores: the last layer has no activation"),
            Task::Binary => ("binary_cross_entropy_logits", "takes raw scores: the last layer has no activation"),
            Task::Multilabel | Task::Regression => ("mse", "mean squared error"),
        };
        let width = self.width();
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "# A first recipe for {comment}: {rows} rows, {inputs} inputs.\n\
             # Train it with `barograph train`, and read what the report says before changing anything.\n\
             name = {name}\n\
             seed = 0                      # another seed: other first weights and another order of the rows\n\
             epochs = {epochs:<22} # passes over the training rows, {steps_of_an_epoch} steps each before any are held out\n\
             batch = {BATCH:<23} # rows of one step\n\
             task = {task:<24} # {task_comment}\n\
             \n\
             [data]\n\
             file = {file}\n\
             {columns}\
             target = {target}\n\
             normalize = \"{normalize}\"        # each input to mean 0 and deviation 1, fitted on the training rows alone\n",
            comment = one_line(file),
            inputs = self.inputs.len(),
            name = quoted(name),
            task = format!("\"{}\"", self.task.name()),
            task_comment = self.task_comment(),
            file = quoted(file),
            columns = self.columns(),
            target = quoted(&self.target.name),
            normalize = self.normalize.name(),
        );
        if self.task == Task::Regression {
            text.push_str(
                "normalize_target = \"standard\" # the loss is then 1 for a constant answer, whatever the unit\n",
            );
        }
        if holds_out {
            text.push_str(
                "validation = 0.2              # share of the rows held out, to see whether it learns or memorizes\n",
            );
        } else {
            let _ = writeln!(text, "validation = 0                # only {rows} rows: all are needed to learn from");
        }
        let _ = write!(
            text,
            "\n[[layers]]\nkind = \"dense\"\nunits = {width}\nactivation = \"relu\"\ninitializer = \"he_normal\"     # the one for relu\n\
             \n[[layers]]\nkind = \"dense\"\nunits = {width}\nactivation = \"relu\"\ninitializer = \"he_normal\"\n\
             \n[[layers]]\nkind = \"dense\"\nunits = {outputs:<23} # {outputs_comment}\n\
             \n[loss]\nkind = \"{loss}\"{pad} # {why}\n\
             \n[optimizer]\nkind = \"adam\"\nlearning_rate = 0.001\n\
             \n[[callbacks]]\nkind = \"terminate_on_nan\"     # stop at the first loss that is not finite\n",
            outputs = self.outputs,
            outputs_comment = self.outputs_comment(),
            pad = " ".repeat(20_usize.saturating_sub(loss.len())),
        );
        if holds_out {
            text.push_str(
                "\n[[callbacks]]\nkind = \"early_stopping\"       # stop when the held-out loss no longer falls\n\
                 monitor = \"validation_loss\"\npatience = 10\n",
            );
        }
        text
    }

    fn task_comment(&self) -> String {
        let name = one_line(&self.target.name);
        let distinct = self.target.distinct.len();
        match self.task {
            Task::Regression if distinct >= DISTINCT => format!("{name} has more than {DISTINCT} different values"),
            Task::Regression => {
                format!("{name} has {distinct} different values from {} to {}", self.target.min, self.target.max)
            }
            _ => format!("{name} has {distinct} different values"),
        }
    }

    fn outputs_comment(&self) -> String {
        match self.task {
            Task::Multiclass if self.target.texts > 0 => "one output for each label".to_owned(),
            Task::Multiclass => format!("one output for each class from 0 to {}", self.outputs - 1),
            Task::Binary => "one output: above 0 means class 1".to_owned(),
            Task::Multilabel | Task::Regression => "one output for the one target".to_owned(),
        }
    }

    /// The line of `inputs`, if not every other column is one.
    fn columns(&self) -> String {
        if self.left_out.is_empty() {
            return String::new();
        }
        let out: Vec<String> = self.left_out.iter().map(|(name, _)| quoted(&format!("!{name}"))).collect();
        let why: Vec<String> = self.left_out.iter().map(|(name, why)| format!("{} ({why})", one_line(name))).collect();
        format!("# Left out: {}.\ninputs = [{}]\n", why.join(", "), out.join(", "))
    }
}

/// The column under one of the usual names, or else the last.
fn target(survey: &Survey) -> &ColumnSurvey {
    let named = |name: &str| survey.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name));
    TARGET_NAMES.iter().find_map(|name| named(name)).unwrap_or_else(|| &survey.columns[survey.columns.len() - 1])
}

/// What is learned, and how many outputs it takes.
fn task(target: &ColumnSurvey) -> (Task, usize) {
    let distinct = target.distinct.len();
    if target.texts > 0 {
        return if distinct == 2 { (Task::Binary, 1) } else { (Task::Multiclass, distinct) };
    }
    let is_class = target.whole && target.missing == 0 && target.min >= 0.0 && target.max < (2 * distinct) as f64;
    if !is_class || distinct > MOST_CLASSES {
        (Task::Regression, 1)
    } else if target.max <= 1.0 {
        (Task::Binary, 1)
    } else {
        (Task::Multiclass, target.max as usize + 1)
    }
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

/// A text that may stand in a comment.
fn one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}
