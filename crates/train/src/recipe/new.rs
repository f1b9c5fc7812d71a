//! A first recipe for a CSV file.
use super::{DEFAULT_LEARNING_RATE, Normalize, Task};
use crate::data::DataError;
use crate::data::columns::TARGET_NAMES;
use crate::data::counted;
use crate::data::files;
use crate::data::survey::{ColumnSurvey, DISTINCT, Survey, survey};
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
const ROW_NUMBERS: [&str; 4] = ["id", "index", "row", "unnamed_0"];
/// Share of the rows that is held out.
const HELD_OUT: f64 = 0.2;

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
    if let Some(ending @ ("npz" | "parquet" | "safetensors")) = files::ending(csv).as_deref() {
        let text = format!(
            "a first recipe is guessed for .csv files alone; for a .{ending}, begin with the recipe of a .csv that is like it, or with the example in docs/recipe.md"
        );
        return Err(DataError::content(csv.display().to_string(), text));
    }
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
                "(text)"
            } else if numbers_rows(&column.name) {
                "(numbers the rows)"
            } else if column.missing == survey.rows {
                "(empty)"
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
        let train_rows = if holds_out { rows - (rows as f64 * HELD_OUT).round() as usize } else { rows };
        let steps = train_rows.div_ceil(BATCH);
        let epochs = STEPS.div_ceil(steps).clamp(5, 200);
        let (rows, inputs) = (counted(rows, "row"), counted(self.inputs.len(), "input"));

        let mut page = Page::default();
        page.line(&format!("# A first recipe for {}: {rows}, {inputs}.", one_line(file)));
        page.line("# Train it with `barograph train`, and read what the report says before changing anything.");
        page.set("name", &quoted(name), "");
        page.set("seed", "0", "another seed: other first weights and another order of the rows");
        page.set(
            "epochs",
            &epochs.to_string(),
            &format!("passes over the training rows, {} each", counted(steps, "step")),
        );
        page.set("batch", &BATCH.to_string(), "rows of one step");
        page.set("task", &quoted(self.task.name()), &self.task_comment());

        page.line("\n[data]");
        page.set("file", &quoted(file), "");
        self.write_left_out(&mut page);
        page.set("target", &quoted(&self.target.name), "");
        let fitted = "each input to mean 0 and deviation 1, fitted on the training rows alone";
        page.set("normalize", &quoted(self.normalize.name()), fitted);
        if self.task == Task::Regression {
            page.set("normalize_target", "\"standard\"", "the loss of a constant answer is then 1, whatever the unit");
        }
        if holds_out {
            page.set(
                "validation",
                &HELD_OUT.to_string(),
                "share of the rows held out, to see whether it learns or memorizes",
            );
        } else {
            page.set("validation", "0", &format!("only {rows}: all are needed to learn from"));
        }
        self.write_model(&mut page);

        page.line("\n[optimizer]");
        page.set("kind", "\"adam\"", "");
        page.set(
            "learning_rate",
            &DEFAULT_LEARNING_RATE.to_string(),
            "the first thing to change when a run goes wrong",
        );
        page.line("\n[[callbacks]]");
        page.set("kind", "\"terminate_on_nan\"", "stop at the first loss that is not finite");
        if holds_out {
            page.line("\n[[callbacks]]");
            page.set("kind", "\"early_stopping\"", "stop when the held-out loss no longer falls");
            page.set("monitor", "\"validation_loss\"", "");
            page.set("patience", "10", "epochs without improvement that are borne");
        }
        page.text
    }

    fn write_left_out(&self, page: &mut Page) {
        if self.left_out.is_empty() {
            return;
        }
        let out: Vec<String> = self.left_out.iter().map(|(name, _)| quoted(&format!("!{name}"))).collect();
        let why: Vec<String> = self.left_out.iter().map(|(name, why)| format!("{} {why}", one_line(name))).collect();
        page.line(&format!("# Left out: {}.", why.join(", ")));
        page.line(&format!("inputs = [{}]", out.join(", ")));
    }

    fn write_model(&self, page: &mut Page) {
        let width = self.width().to_string();
        for comment in ["the one that keeps relu layers at one scale", ""] {
            page.line("\n[[layers]]");
            page.set("kind", "\"dense\"", "");
            page.set("units", &width, "");
            page.set("activation", "\"relu\"", "");
            page.set("initializer", "\"he_normal\"", comment);
        }
        page.line("\n[[layers]]");
        page.set("kind", "\"dense\"", "");
        page.set("units", &self.outputs.to_string(), &self.outputs_comment());

        let raw_scores = "takes raw scores, so the last layer has no activation";
        let (loss, comment) = match self.task {
            Task::Multiclass => ("cross_entropy", raw_scores),
            Task::Binary => ("binary_cross_entropy_logits", raw_scores),
            Task::Multilabel | Task::Regression => ("mse", "mean squared error"),
        };
        page.line("\n[loss]");
        page.set("kind", &quoted(loss), comment);
    }

    fn task_comment(&self) -> String {
        let name = one_line(&self.target.name);
        let distinct = self.target.distinct.len();
        let values = if distinct == DISTINCT {
            format!("{DISTINCT} or more different values")
        } else {
            counted(distinct, "different value")
        };
        match self.task {
            Task::Regression => format!("{name} has {values} from {} to {}", self.target.min, self.target.max),
            _ => format!("{name} has {values}"),
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
}

/// The text of a recipe, with its comments in one column.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    /// Where comments begin.
    const COMMENTS: usize = 32;

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn set(&mut self, key: &str, value: &str, comment: &str) {
        let setting = format!("{key} = {value}");
        if comment.is_empty() {
            self.line(&setting);
        } else {
            self.line(&format!("{setting:<width$} # {comment}", width = Self::COMMENTS));
        }
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

/// Whether a column of this name numbers the rows: a nameless first one is what pandas writes its index to.
fn numbers_rows(name: &str) -> bool {
    ROW_NUMBERS.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

/// A text that may stand in a comment.
fn one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}
