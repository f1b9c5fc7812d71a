//! `barograph overfit`: whether a network can learn one batch by heart.
use super::recipe_argument::RecipeArgument;
use super::subject::Loading;
use crate::context::Context;
use crate::exit::{ExitCode, FOUND};
use crate::figures::{document, json, json_list};
use crate::progress;
use crate::screen::{self, Ink, Screen};
use crate::table::wrap;
use anyhow::Result;
use barograph_report::{counted, number, visible};
use barograph_train::{Overfit, OverfitOptions, overfit_with, without_regularization};
use clap::Args;
use std::fmt::Write as _;

/// Train on the first batch alone, until the network has learned it by heart.
///
/// A sound network brings the loss of a handful of rows close to 0. One that cannot will not learn the whole data set: the likeliest reasons are
/// named. Dropout, penalties and weight decay are left out, and the learning rate stays as it is. The exit code is 1 if it was not learned.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  barograph overfit digits.toml\n  barograph overfit digits.toml --steps 5000 --set batch=8"
)]
pub(super) struct OverfitCommand {
    #[command(flatten)]
    recipe: RecipeArgument,
    /// Most steps.
    #[arg(long, value_name = "COUNT", default_value_t = OverfitOptions::default().steps)]
    steps: u64,
    /// The share of the first loss that must be reached.
    #[arg(long, value_name = "SHARE", default_value_t = OverfitOptions::default().share, allow_negative_numbers = true)]
    share: f64,
    /// Write the result as JSON.
    #[arg(long)]
    json: bool,
}

impl OverfitCommand {
    pub(super) fn run(self, context: &Context) -> Result<ExitCode> {
        let (recipe, left_out) = without_regularization(&self.recipe.load()?);
        let loading = Loading::of(recipe, context)?;
        let options = OverfitOptions { steps: self.steps, share: self.share };
        let result = loading.run(|subject| overfit_with(subject, &options, &mut progress::of_check(context.err)))?;
        screen::print(&if self.json {
            as_json(&result, &left_out)
        } else {
            as_text(&result, &left_out, &context.out)
        })?;
        Ok(if result.passed { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
    }
}

fn as_text(result: &Overfit, left_out: &[String], screen: &Screen) -> String {
    let rows = counted(result.rows as u64, "row");
    let (first, steps) = (result.losses.first().copied().unwrap_or(f64::NAN), result.losses.len() as u64);
    let loss = format!("loss {} -> {}", number(first), number(result.lowest()));
    let goal = number(result.goal);
    let mut out = if result.passed {
        let learned = screen.paint(Ink::Good, "learned by heart");
        format!("{learned}: one batch of {rows} in {}: {loss}\n", counted(steps, "step"))
    } else {
        let missed = screen.paint(Ink::Error, "not learned");
        format!("{missed}: one batch of {rows} in {}: {loss}, where {goal} was to be reached\n", counted(steps, "step"))
    };
    if !left_out.is_empty() {
        let _ = writeln!(out, "{}", screen.paint(Ink::Dim, format!("left out: {}", left_out.join(", "))));
    }
    for advice in &result.advice {
        for (number, line) in wrap(&visible(advice), screen.text_width().saturating_sub(2)).iter().enumerate() {
            let _ = writeln!(out, "{}{line}", if number == 0 { "- " } else { "  " });
        }
    }
    out
}

fn as_json(result: &Overfit, left_out: &[String]) -> String {
    document(&serde_json::json!({
        "passed": result.passed,
        "rows": result.rows,
        "steps": result.losses.len(),
        "goal": json(result.goal),
        "lowest": json(result.lowest()),
        "losses": json_list(&result.losses),
        "left_out": left_out,
        "advice": result.advice,
    }))
}
