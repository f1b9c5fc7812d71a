//! `barograph summary`: the layers of a network, and what they cost.
use super::recipe_argument::RecipeArgument;
use crate::context::Context;
use crate::exit::ExitCode;
use crate::experiment::say_notes;
use crate::figures::document;
use crate::screen::{self, Ink, Screen};
use crate::table::{Align, Table, wrap};
use anyhow::Result;
use barograph_report::{count, counted, visible};
use barograph_train::recipe::{Recipe, Shape};
use barograph_train::{Cost, Summary, data, summarize};
use clap::Args;
use std::fmt::Write as _;

/// What the columns count, in short.
const CONVENTION: &str =
    "FLOPs: one example forward, 2 for each multiply-add; training takes about three times as many";

/// Show the layers of a recipe's network: shapes, parameters, operations and memory.
///
/// FLOPs are floating point operations for one example on its way forward: 2 for each multiply-add, 1 for each other operation on a value.
/// Memory is what training keeps in single precision: weights, gradients, state of the optimizer, and outputs of layers for a whole batch.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  barograph summary digits.toml\n  barograph summary digits.toml --set batch=256")]
pub(super) struct SummaryCommand {
    #[command(flatten)]
    recipe: RecipeArgument,
    /// Write the table as JSON.
    #[arg(long)]
    json: bool,
}

impl SummaryCommand {
    pub(super) fn run(self, context: &Context) -> Result<ExitCode> {
        let recipe = self.recipe.load()?;
        let data = data::load(&recipe)?;
        say_notes(&data, context);
        let summary = summarize(&recipe, data.dataset.features())?;
        screen::print(&if self.json { as_json(&summary) } else { as_text(&recipe, &summary, &context.out) })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The table, and what a batch takes in memory.
pub(super) fn as_text(recipe: &Recipe, summary: &Summary, screen: &Screen) -> String {
    let mut out = table(recipe, summary, screen);
    let memory = &summary.memory;
    let parts = format!(
        "memory: {} for {}: weights {}, gradients {}, optimizer {}, activations {}",
        bytes(memory.total()),
        counted(summary.batch, "row"),
        bytes(memory.parameters),
        bytes(memory.gradients),
        bytes(memory.optimizer),
        bytes(memory.activations)
    );
    out.push('\n');
    for line in [parts.as_str(), CONVENTION].into_iter().flat_map(|text| wrap(text, screen.text_width())) {
        let _ = writeln!(out, "{}", screen.paint(Ink::Dim, line));
    }
    out
}

/// The layers, aligned, with their totals in the last line.
pub(super) fn table(recipe: &Recipe, summary: &Summary, screen: &Screen) -> String {
    let mut table = Table::new(&[
        ("layer", Align::Left),
        ("kind", Align::Left),
        ("output", Align::Right),
        ("parameters", Align::Right),
        ("FLOPs", Align::Right),
    ]);
    for layer in &summary.layers {
        let name = if layer.depth == 0 { &layer.site } else { last_part(&layer.site) };
        let ink = if layer.depth == 0 { Ink::Bold } else { Ink::Plain };
        table.row([
            (ink, format!("{}{}", "  ".repeat(layer.depth), visible(name))),
            (Ink::Plain, layer.kind.clone()),
            (Ink::Plain, shape(layer.output)),
            (Ink::Plain, parameters(layer.cost)),
            (Ink::Plain, count(layer.cost.flops)),
        ]);
    }
    table.row([
        (Ink::Plain, String::new()),
        (Ink::Plain, format!("loss: {}", losses(recipe))),
        (Ink::Plain, String::new()),
        (Ink::Bold, parameters(summary.total)),
        (Ink::Bold, count(summary.total.flops)),
    ]);
    table.render(screen)
}

/// The name of the loss, or of the losses of several outputs.
fn losses(recipe: &Recipe) -> String {
    if recipe.outputs.is_empty() {
        return recipe.loss.kind.name().to_owned();
    }
    recipe.outputs.iter().map(|output| output.loss.kind.name()).collect::<Vec<_>>().join(" + ")
}

/// `dense1` of `residual1.dense1`.
fn last_part(site: &str) -> &str {
    site.rsplit_once('.').map_or(site, |(_, last)| last)
}

/// The count, and how many of them are frozen.
fn parameters(cost: Cost) -> String {
    let frozen = cost.parameters - cost.trainable;
    if frozen == 0 { count(cost.parameters) } else { format!("{} ({} frozen)", count(cost.parameters), count(frozen)) }
}

fn shape(shape: Shape) -> String {
    match shape {
        Shape::Row(values) => count(values),
        Shape::Sequence([time, features]) => format!("{time} x {features}"),
        Shape::Image([channels, height, width]) => format!("{channels} x {height} x {width}"),
    }
}

/// `1.5 MB`, in powers of 1,000.
fn bytes(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 1000.0 {
            return if unit == "B" || value >= 100.0 {
                format!("{value:.0} {unit}")
            } else {
                format!("{value:.1} {unit}")
            };
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}

fn as_json(summary: &Summary) -> String {
    let cost = |cost: &Cost| serde_json::json!({ "parameters": cost.parameters, "trainable": cost.trainable, "flops": cost.flops });
    let layers: Vec<_> = summary
        .layers
        .iter()
        .map(|layer| {
            let output: Vec<u64> = match layer.output {
                Shape::Row(values) => vec![values],
                Shape::Sequence(shape) => shape.to_vec(),
                Shape::Image(shape) => shape.to_vec(),
            };
            serde_json::json!({
                "site": layer.site,
                "depth": layer.depth,
                "kind": layer.kind,
                "output": output,
                "cost": cost(&layer.cost),
            })
        })
        .collect();
    let memory = &summary.memory;
    document(&serde_json::json!({
        "layers": layers,
        "total": cost(&summary.total),
        "batch": summary.batch,
        "memory": {
            "parameters": memory.parameters,
            "gradients": memory.gradients,
            "optimizer": memory.optimizer,
            "activations": memory.activations,
            "total": memory.total(),
        },
    }))
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn bytes_have_three_digits() {
        let shown = [0, 999, 1_000, 1_550, 123_456, 2_000_000_000_000].map(bytes);
        assert_eq!(shown, ["0 B", "999 B", "1.0 kB", "1.6 kB", "123 kB", "2.0 TB"]);
    }
}
