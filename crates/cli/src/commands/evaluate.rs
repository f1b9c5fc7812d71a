//! `barograph evaluate`: how good a trained network is.
use super::trained::{Trained, TrainedArgument};
use crate::context::Context;
use crate::exit::ExitCode;
use crate::experiment::say_notes;
use crate::figures::{document, json};
use crate::screen::{self, Ink, Screen};
use crate::table::{Align, Table};
use anyhow::{Context as _, Result};
use barograph_report::{counted, number, visible};
use barograph_train::recipe::Examples;
use barograph_train::{Evaluation, data, evaluate, recipe_loss};
use clap::Args;
use std::path::PathBuf;

/// Measure a trained network on rows with answers that it has not learned from.
///
/// It computes the loss, the accuracy or R2, and the metrics of the recipe, as a training does after each epoch for the rows that are held out.
/// Rows are read as in the training: their columns, the folders of their classes, or the windows of a series.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  barograph evaluate runs/digits-001 test.csv\n  barograph evaluate runs/cats-001 test/ --json\n  \
                        barograph evaluate runs/digits-001 test.csv --set metrics=[\"f1\",\"auc\"]"
)]
pub(super) struct Evaluate {
    #[command(flatten)]
    trained: TrainedArgument,
    /// The rows with their answers: what `file` can be in the recipe.
    #[arg(value_name = "DATA")]
    data: PathBuf,
    /// Write the result as JSON.
    #[arg(long)]
    json: bool,
}

impl Evaluate {
    pub(super) fn run(self, context: &Context) -> Result<ExitCode> {
        let Trained { mut recipe, network, preprocessing } = self.trained.load(&self.data, context)?;
        // All rows are looked at, whichever share the training held out.
        (recipe.data.validation, recipe.data.validation_file) = (0.0, None);
        // Columns are found by name, and others do not matter.
        let ending = self.data.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        let is_table = matches!(ending.as_deref(), Some("csv" | "tsv" | "txt" | "parquet"));
        if is_table && recipe.data.examples == Examples::Rows {
            recipe.data.inputs.clone_from(&preprocessing.inputs);
        }
        let place = self.data.display().to_string();
        let mut loaded = data::read(&self.data, &recipe)?;
        // The numbers that classes have in this file do not count: they get those of the training.
        loaded.report.notes.retain(|note| !note.contains("are numbered in sorted order"));
        say_notes(&loaded, context);
        let loss = recipe_loss(&recipe, &network, &loaded.dataset).with_context(|| place.clone())?;
        let found = evaluate(&network, loss.as_ref(), &recipe, &preprocessing, &loaded.dataset);
        let found = found.with_context(|| place.clone())?;
        screen::print(&if self.json { as_json(&found) } else { as_text(&found, &place, &context.out) })?;
        Ok(ExitCode::SUCCESS)
    }
}

fn as_text(found: &Evaluation, place: &str, screen: &Screen) -> String {
    let mut table = Table::new(&[("measure", Align::Left), ("value", Align::Right)]);
    for (name, value) in numbers(found) {
        table.row([(Ink::Bold, visible(name)), (Ink::Plain, number(value))]);
    }
    format!("{}: {}\n\n{}", visible(place), counted(found.rows as u64, "row"), table.render(screen))
}

fn as_json(found: &Evaluation) -> String {
    let numbers: serde_json::Map<_, _> = numbers(found).map(|(name, value)| (name.to_owned(), json(value))).collect();
    document(&serde_json::json!({ "rows": found.rows, "numbers": numbers }))
}

/// Every number by its name.
fn numbers(found: &Evaluation) -> impl Iterator<Item = (&str, f64)> {
    let score = found.score.map(|(scalar, value)| (scalar.name(), value));
    let named = found.named.iter().map(|(name, value)| (name.as_str(), *value));
    std::iter::once(("loss", found.loss)).chain(score).chain(named)
}
