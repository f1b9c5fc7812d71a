//! `barograph check`: what can be said of a recipe without training.
use super::recipe_argument::RecipeArgument;
use super::summary;
use crate::context::Context;
use crate::exit::{ExitCode, FailOn};
use crate::experiment::say_notes;
use crate::pairing;
use crate::screen::{self, Ink, Screen};
use crate::table::wrap;
use anyhow::Result;
use barograph_burn::cpu;
use barograph_report::{count, counted, number, visible};
use barograph_train::data::{self, DataError, RowSource, Targets};
use barograph_train::recipe::{OptimizerSpec, Recipe};
use barograph_train::{Inspection, Network, PreflightCheck, Subject, inspect, preflight, recipe_loss, summarize};
use barograph_vocab::{Cause, Finding};
use clap::Args;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Constant columns that are named; the others are counted (our choice).
const COLUMNS_NAMED: usize = 4;

/// Say what can be said of a recipe and its data without training.
///
/// Shows the layers with their shapes and parameters, how the rows are split, what the classes are, and what the rules say of the data; whether
/// the first loss is what an untrained network should have, whether rows stay apart, and whether evaluation is apart from training. A hint is
/// only that: an odd setting that trains well is healthy.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  barograph check digits.toml\n  barograph check digits.toml --set batch=256 --fail-on warning"
)]
pub(super) struct Check {
    #[command(flatten)]
    recipe: RecipeArgument,
    /// From which severity on the exit code is 1.
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = FailOn::Error)]
    fail_on: FailOn,
}

impl Check {
    pub(super) fn run(self, context: &Context) -> Result<ExitCode> {
        let recipe = self.recipe.load()?;
        let data = data::load(&recipe)?;
        say_notes(&data, context);
        let inspection = inspect(&recipe, &data.dataset)?;
        let model = Network::from_recipe(&recipe, data.dataset.features(), &cpu(true))?;
        let loss = recipe_loss(&recipe, &model, &data.dataset)?;
        let checks = preflight(&Subject { model: &model, loss: loss.as_ref(), recipe: &recipe, data: &data.dataset })?;
        let out = &context.out;
        let mut text = facts(&self.recipe.name(), &recipe, &data.dataset, &inspection, out)?;
        text.push('\n');
        text.push_str(&summary::table(&recipe, &summarize(&recipe, data.dataset.features())?, out));
        text.push('\n');
        text.push_str(&behaviour(&checks, out));
        text.push('\n');
        text.push_str(&remarks(&recipe, &inspection, out));
        screen::print(&text)?;
        Ok(self.fail_on.code(&inspection.diagnosis))
    }
}

/// Labels and what there is to say, the labels in one column.
fn facts(
    name: &str,
    recipe: &Recipe,
    data: &dyn RowSource,
    inspection: &Inspection,
    screen: &Screen,
) -> Result<String, DataError> {
    let Inspection { rows, validation_rows, steps_per_epoch, .. } = *inspection;
    let file = recipe.data.file.as_ref().map_or_else(|| "code".to_owned(), |file| file.display().to_string());
    let held_out = if validation_rows == 0 { "none".to_owned() } else { count(validation_rows as u64) };
    let steps = steps_per_epoch.saturating_mul(recipe.epochs);
    let mut lines = vec![
        ("recipe", format!("{name}: every key is understood")),
        ("data", format!("{file}: {} to train on, {held_out} held out", counted(rows as u64, "row"))),
        ("inputs", inputs(data)?),
        (
            "targets",
            if recipe.outputs.is_empty() {
                format!("{}; {}", inspection.task.name(), targets(data)?)
            } else {
                targets(data)?
            },
        ),
        (
            "training",
            format!(
                "{} of {} an epoch, {}: {} in all",
                counted(steps_per_epoch, "step"),
                counted(recipe.batch.min(rows as u64), "row"),
                counted(recipe.epochs, "epoch"),
                count(steps)
            ),
        ),
        ("weight decay", weight_decay(&recipe.optimizer)),
    ];
    lines.retain(|(_, text)| !text.is_empty());
    let width = lines.iter().map(|(label, _)| label.len()).max().unwrap_or(0) + 2;
    let mut out = String::new();
    for (label, text) in lines {
        for (number, part) in wrap(&visible(&text), screen.text_width().saturating_sub(width)).iter().enumerate() {
            let label = if number == 0 { label } else { "" };
            let _ = writeln!(out, "{}{part}", screen.paint(Ink::Dim, format!("{label:<width$}")));
        }
    }
    Ok(out)
}

/// How strong it is and what it is for; nothing where there is none.
fn weight_decay(optimizer: &OptimizerSpec) -> String {
    if optimizer.weight_decay == 0.0 {
        return String::new();
    }
    let of = if optimizer.kind.decays_all() {
        "of all weights"
    } else {
        "of weights, not of biases and normalization layers"
    };
    format!("{} times the learning rate, {of}", number(optimizer.weight_decay))
}

/// Rows that are looked at together: bounds the memory (our choice).
const ROWS_AT_ONCE: usize = 1024;

/// Numbers of all rows, some at a time.
fn chunks(data: &dyn RowSource) -> impl Iterator<Item = Vec<usize>> {
    let rows = data.rows();
    (0..rows).step_by(ROWS_AT_ONCE).map(move |first| (first..rows.min(first + ROWS_AT_ONCE)).collect())
}

/// Least and greatest of some numbers.
#[derive(Clone, Copy)]
struct Range {
    low: f64,
    high: f64,
}

impl Range {
    const EMPTY: Self = Self { low: f64::INFINITY, high: f64::NEG_INFINITY };

    fn see(&mut self, values: &[f32]) {
        for value in values.iter().copied().filter(|value| value.is_finite()).map(f64::from) {
            self.low = self.low.min(value);
            self.high = self.high.max(value);
        }
    }

    fn text(self) -> String {
        format!("from {} to {}", number(self.low), number(self.high))
    }
}

/// The input columns as they are in the file, before they are scaled.
fn inputs(data: &dyn RowSource) -> Result<String, DataError> {
    let features = data.features();
    let (mut range, mut bad) = (Range::EMPTY, 0);
    let (mut first, mut varies) = (Vec::new(), vec![false; features]);
    let mut values = Vec::new();
    for rows in chunks(data) {
        values.clear();
        data.inputs(&rows, &mut values)?;
        bad += values.iter().filter(|value| !value.is_finite()).count();
        range.see(&values);
        if first.is_empty() {
            first = values.iter().take(features).copied().collect();
        }
        for row in values.chunks(features.max(1)) {
            for ((varies, value), first) in varies.iter_mut().zip(row).zip(&first) {
                *varies |= value != first;
            }
        }
    }
    let mut text = format!("{}, {}", counted(features as u64, "column"), range.text());
    if bad > 0 {
        let _ = write!(text, "; {} not finite", counted(bad as u64, "value"));
    }
    let constant: Vec<usize> = (0..features).filter(|column| !varies[*column]).collect();
    if !constant.is_empty() {
        let named = constant.iter().take(COLUMNS_NAMED).map(|&column| data.feature_name(column));
        let named = named.collect::<Vec<_>>().join(", ");
        let more = if constant.len() > COLUMNS_NAMED { ", ..." } else { "" };
        let _ = write!(text, "; {} constant: {named}{more}", count(constant.len() as u64));
    }
    Ok(text)
}

fn targets(data: &dyn RowSource) -> Result<String, DataError> {
    let mut counts = BTreeMap::<i64, u64>::new();
    let (mut range, mut real) = (Range::EMPTY, None);
    for rows in chunks(data) {
        match data.targets(&rows)? {
            Targets::Classes(classes) => classes.into_iter().for_each(|class| *counts.entry(class).or_default() += 1),
            Targets::Real { values, columns } => {
                range.see(&values);
                real = Some(columns);
            }
        }
    }
    if let Some(columns) = real {
        return Ok(format!("{} {}", counted(columns as u64, "column"), range.text()));
    }
    let name = |class: i64| {
        let name = usize::try_from(class).ok().and_then(|class| data.class_names().get(class));
        name.map_or_else(|| class.to_string(), Clone::clone)
    };
    let rarest = counts.iter().min_by_key(|(_, rows)| **rows);
    let commonest = counts.iter().rev().max_by_key(|(_, rows)| **rows);
    let (Some((rare, few)), Some((common, many))) = (rarest, commonest) else { return Ok("no classes".to_owned()) };
    let classes = if counts.len() == 1 { "1 class".to_owned() } else { format!("{} classes", counts.len()) };
    if few == many {
        return Ok(format!("{classes} of {} each", counted(*few, "row")));
    }
    Ok(format!(
        "{classes} of {} (class {}) to {} (class {}) rows",
        count(*few),
        name(*rare),
        count(*many),
        name(*common)
    ))
}

/// How the network behaves before its first step.
fn behaviour(checks: &[PreflightCheck], screen: &Screen) -> String {
    let line = |check: &PreflightCheck| {
        let (ink, word) = match check.passed {
            Some(true) => (Ink::Good, "ok"),
            Some(false) => (Ink::Warning, "look"),
            None => (Ink::Dim, "-"),
        };
        remark(ink, word, &format!("{}: {}", check.name, check.text), screen)
    };
    checks.iter().map(line).collect()
}

/// Findings, then hints.
fn remarks(recipe: &Recipe, inspection: &Inspection, screen: &Screen) -> String {
    let Inspection { diagnosis, .. } = inspection;
    let findings = diagnosis.findings.iter().map(|Finding { severity, code, message, .. }| {
        remark(Ink::of(*severity), &format!("{}[{}]", severity.name(), visible(code)), message, screen)
    });
    let causes = diagnosis.causes.iter().map(|Cause { slug, remedy, .. }| format!("{slug}: {}", remedy.text));
    let hints = causes.chain(pairing::hint(recipe)).map(|text| remark(Ink::Note, "hint", &text, screen));
    let out: String = findings.chain(hints).collect();
    if out.is_empty() { remark(Ink::Good, "fine", "nothing here is known to go wrong", screen) } else { out }
}

/// A label and a text, wrapped.
fn remark(ink: Ink, label: &str, text: &str, screen: &Screen) -> String {
    let text = format!("{label}: {}", visible(text));
    let lines = wrap(&text, screen.text_width()).into_iter().enumerate();
    let lines = lines.map(|(number, line)| match line.strip_prefix(label) {
        Some(rest) if number == 0 => format!("{}{rest}\n", screen.paint(ink, label)),
        _ => format!("  {line}\n"),
    });
    lines.collect()
}
