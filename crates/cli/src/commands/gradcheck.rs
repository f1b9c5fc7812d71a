//! `barograph gradcheck`: derivatives held against differences.
use super::recipe_argument::RecipeArgument;
use super::subject::Loading;
use crate::context::Context;
use crate::exit::{ExitCode, FOUND};
use crate::figures::{document, json};
use crate::progress;
use crate::screen::{self, Ink, Screen};
use crate::table::{Align, Table};
use anyhow::Result;
use barograph_report::{count, counted, number, visible};
use barograph_train::{GradCheckOptions, GradientCheck, TensorCheck, gradcheck_with};
use clap::Args;

/// Check the derivatives of a recipe's loss by each weight against differences of the loss, in double precision.
///
/// For each weight it shows the largest relative error and where it is. An element at a kink, such as that of ReLU at 0, is counted apart. What
/// training computes in float32 is held against float64, too. The exit code is 1 if a derivative is wrong.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  barograph gradcheck digits.toml\n  barograph gradcheck digits.toml --samples 100 --rows 32"
)]
pub(super) struct GradCheck {
    #[command(flatten)]
    recipe: RecipeArgument,
    /// Elements that are checked of each weight: half of them those with the largest derivative, the others drawn at random.
    #[arg(long, value_name = "COUNT", default_value_t = GradCheckOptions::default().samples)]
    samples: usize,
    /// Rows of the first batch that are used.
    #[arg(long, value_name = "COUNT", default_value_t = GradCheckOptions::default().rows)]
    rows: usize,
    /// The distance at which the loss is computed [default: 6.1e-6 times the weight, or times 1 for a smaller one].
    #[arg(long, value_name = "DISTANCE", allow_negative_numbers = true)]
    step: Option<f64>,
    /// Largest relative error that passes.
    #[arg(long, value_name = "ERROR", default_value = "1e-5", allow_negative_numbers = true)]
    tolerance: f64,
    /// Write the result as JSON.
    #[arg(long)]
    json: bool,
}

impl GradCheck {
    pub(super) fn run(self, context: &Context) -> Result<ExitCode> {
        let Self { recipe, samples, rows, step, tolerance, json } = self;
        let loading = Loading::new(&recipe, context)?;
        let options = GradCheckOptions { samples, rows, step, tolerance };
        let found = loading.run(|subject| gradcheck_with(subject, &options, &mut progress::of_check(context.err)))?;
        screen::print(&if json { as_json(&found) } else { as_text(&recipe.name(), &found, &context.out) })?;
        Ok(if found.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
    }
}

fn as_text(name: &str, found: &GradientCheck, screen: &Screen) -> String {
    let wrong = found.tensors.iter().filter(|tensor| !tensor.is_ok()).count() as u64;
    let all = found.tensors.len() as u64;
    let said = if wrong > 0 {
        screen.paint(Ink::Error, format!("{} of {} wrong", count(wrong), counted(all, "tensor")))
    } else {
        screen.paint(Ink::Good, format!("{} right", counted(all, "tensor")))
    };
    let mut table = Table::new(&[
        ("tensor", Align::Left),
        ("shape", Align::Left),
        ("checked", Align::Right),
        ("error", Align::Right),
        ("worst at", Align::Left),
        ("autodiff", Align::Right),
        ("difference", Align::Right),
        ("", Align::Left),
    ]);
    for tensor in &found.tensors {
        table.row(row(tensor));
    }
    let name = visible(name);
    format!("derivatives of {name}: {said} (float64, tolerance {:e})\n\n{}", found.tolerance, table.render(screen))
}

fn row(tensor: &TensorCheck) -> [(Ink, String); 8] {
    let none = || (Ink::Dim, "-".to_owned());
    let [error, place, autodiff, difference] = match &tensor.worst {
        None => [none(), none(), none(), none()],
        Some(worst) => [
            (Ink::Plain, format!("{:.1e}", worst.error)),
            (Ink::Plain, format!("{:?}", worst.index)),
            (Ink::Plain, six_digits(worst.autodiff)),
            (Ink::Plain, six_digits(worst.difference)),
        ],
    };
    let elements = tensor.shape.iter().product::<usize>() as u64;
    [
        (Ink::Bold, visible(&tensor.name)),
        (Ink::Plain, format!("{:?}", tensor.shape)),
        (Ink::Plain, format!("{} of {}", tensor.checked, count(elements))),
        error,
        place,
        autodiff,
        difference,
        (if tensor.is_ok() { Ink::Good } else { Ink::Error }, tensor.remark()),
    ]
}

/// Six significant digits: enough to see where two numbers part.
fn six_digits(value: f64) -> String {
    if value.is_finite() && value != 0.0 { format!("{value:.5e}") } else { number(value) }
}

fn as_json(found: &GradientCheck) -> String {
    let tensors: Vec<_> = found
        .tensors
        .iter()
        .map(|tensor| {
            let worst = tensor.worst.as_ref().map(|worst| {
                serde_json::json!({
                    "index": worst.index,
                    "autodiff": json(worst.autodiff),
                    "difference": json(worst.difference),
                })
            });
            serde_json::json!({
                "name": tensor.name,
                "shape": tensor.shape,
                "checked": tensor.checked,
                "error": json(tensor.error()),
                "worst": worst,
                "kinks": tensor.kinks,
                "not_finite": tensor.not_finite,
                "float32": json(tensor.single),
                "ok": tensor.is_ok(),
            })
        })
        .collect();
    document(&serde_json::json!({ "ok": found.is_ok(), "tolerance": found.tolerance, "tensors": tensors }))
}
