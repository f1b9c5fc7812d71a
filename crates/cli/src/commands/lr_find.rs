//! `barograph lr-find`: which learning rates a recipe can be trained with.
use super::recipe_argument::RecipeArgument;
use super::subject::Loading;
use crate::context::Context;
use crate::exit::{ExitCode, FOUND};
use crate::figures::{document, json, json_list};
use crate::observed::write;
use crate::progress;
use crate::screen::{self, Ink, Screen};
use anyhow::{Result, bail, ensure};
use barograph_report::{RateCurve, counted, number, rates_svg, rates_text};
use barograph_train::recipe::Recipe;
use barograph_train::{LearningRates, LrFindOptions, lr_find_with};
use clap::Args;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Find a learning rate: train while the rate rises, and see what the loss does.
///
/// The rate rises by the same factor from step to step; the test ends when the loss diverges or is not finite. Weights of the run are not
/// touched. Four rules of fastai are read off the smoothed loss: begin with the rate at the valley. The exit code is 1 if the loss did not fall.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  barograph lr-find digits.toml\n  barograph lr-find digits.toml --from 1e-5 --to 1 --svg rates.svg\n  \
                        barograph lr-find digits.toml --write tuned.toml      the recipe with the rate at the valley"
)]
pub(super) struct LrFind {
    #[command(flatten)]
    recipe: RecipeArgument,
    /// The learning rate of the first step.
    #[arg(long, value_name = "RATE", default_value = "1e-7", allow_negative_numbers = true)]
    from: f64,
    /// The learning rate of the last step.
    #[arg(long, value_name = "RATE", default_value_t = LrFindOptions::default().highest, allow_negative_numbers = true)]
    to: f64,
    /// Steps of the test.
    #[arg(long, value_name = "COUNT", default_value_t = LrFindOptions::default().steps)]
    steps: usize,
    /// Draw the losses over the rates into this file.
    #[arg(long, value_name = "FILE.svg")]
    svg: Option<PathBuf>,
    /// Write the recipe with the rate at the valley to this file.
    #[arg(long, value_name = "FILE.toml")]
    write: Option<PathBuf>,
    /// Write the result as JSON.
    #[arg(long)]
    json: bool,
}

impl LrFind {
    pub(super) fn run(self, context: &Context) -> Result<ExitCode> {
        let Self { recipe, from, to, steps, svg, write: copy, json } = self;
        if let Some(copy) = &copy {
            ensure!(!copy.exists(), "{}: exists already, and is not overwritten; choose another name", copy.display());
        }
        let loading = Loading::new(&recipe, context)?;
        let options = LrFindOptions { lowest: from, highest: to, steps, ..LrFindOptions::default() };
        let found = loading.run(|subject| lr_find_with(subject, &options, &mut progress::of_check(context.err)))?;
        let marks: Vec<_> = found.suggestions.each().map(|(name, rate, _)| (name, rate)).collect();
        let LearningRates { rates, losses, smoothed, .. } = &found;
        let curve = RateCurve { rates, losses, smoothed, marks: &marks };
        if let Some(svg) = svg {
            write(&svg, &rates_svg(&curve))?;
        }
        screen::print(&if json { as_json(&found) } else { as_text(&found, &curve, &context.out) })?;
        if let Some(copy) = copy {
            write_recipe(&loading.recipe, &found, &copy)?;
        }
        Ok(if found.suggestion().is_some() { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
    }
}

fn as_text(found: &LearningRates, curve: &RateCurve<'_>, screen: &Screen) -> String {
    let mut out = String::new();
    match found.suggestion() {
        Some(rate) => {
            let _ = writeln!(out, "suggested learning rate: {}\n", screen.paint(Ink::Bold, number(rate)));
            for (name, rate, meaning) in found.suggestions.each() {
                let _ = writeln!(out, "  {name:8} {:<9} {}", number(rate), screen.paint(Ink::Dim, meaning));
            }
        }
        None => out.push_str("no learning rate is suggested: the loss did not fall while the rate rose\n"),
    }
    let _ = writeln!(out, "\n{}", rates_text(curve, screen.text_width(), screen.ascii));
    let last = found.rates.last().copied().unwrap_or(f64::NAN);
    let steps = counted(found.rates.len() as u64, "step");
    let _ = writeln!(out, "{steps}, ended at the rate {}: {}", number(last), found.stopped.text());
    out
}

fn as_json(found: &LearningRates) -> String {
    let LearningRates { rates, losses, smoothed, suggestions, stopped } = found;
    let suggestions: serde_json::Map<_, _> =
        suggestions.each().map(|(name, rate, _)| (name.to_owned(), json(rate))).collect();
    document(&serde_json::json!({
        "suggestion": found.suggestion(),
        "suggestions": suggestions,
        "stopped": stopped.name(),
        "rates": json_list(rates),
        "losses": json_list(losses),
        "smoothed": json_list(smoothed),
    }))
}

/// Writes the recipe with the rate at the valley, to three digits.
fn write_recipe(recipe: &Recipe, found: &LearningRates, path: &Path) -> Result<()> {
    let Some(rate) = found.suggestion() else {
        bail!("{}: not written, for no learning rate is suggested", path.display());
    };
    let mut recipe = recipe.clone();
    recipe.set("optimizer.learning_rate", &number(rate))?;
    write(path, &recipe.text())
}
