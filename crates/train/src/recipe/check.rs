//! Whether the values of a recipe make sense, wherever it came from.
mod bounds;
mod data;
mod layers;
mod losses;
mod numbers;

use super::visit::Section;
use super::{CallbackSpec, OptimizerKind, Problem, Recipe, ScheduleKind};
use bounds::Checker;
use data::{check_data, check_examples};
use layers::{check_layers, check_stateful};
use losses::{check_loss, check_outputs};
use numbers::{check_metrics, check_monitors, file_problem};

/// Everything that is wrong with the values of a recipe.
pub(crate) fn problems(recipe: &Recipe) -> Vec<Problem> {
    let mut problems = out_of_bounds(recipe);
    problems.extend(inconsistent(recipe));
    problems
}

/// Values that are out of their own bounds.
pub(crate) fn out_of_bounds(recipe: &Recipe) -> Vec<Problem> {
    let mut checker = Checker::default();
    recipe.clone().visit(&mut checker);
    if recipe.layers.is_empty() {
        let text =
            "the recipe has no layers; add at least one, such as [[layers]] with kind = \"dense\" and units = 10";
        checker.found.push(("layers".to_owned(), text.to_owned()));
    }
    placed(checker.found, recipe)
}

/// Values that do not go with one another.
pub(crate) fn inconsistent(recipe: &Recipe) -> Vec<Problem> {
    let mut found = Found::new();
    check_device(recipe, &mut found);
    check_data(recipe, &mut found);
    check_examples(recipe, &mut found);
    check_stateful(recipe, &mut found);
    if let Err(text) = recipe.model.pairs() {
        found.push(("model.map".to_owned(), format!("model.map: {text}")));
    }
    check_layers(recipe, &mut found);
    check_loss("loss", &recipe.loss, &mut found);
    if recipe.outputs.is_empty() {
        check_metrics("", &recipe.metrics, &recipe.loss, &mut found);
    } else if !recipe.metrics.is_empty() {
        let text =
            "metrics are for a single output; of several, give each its own, as metrics = [...] under [[outputs]]";
        found.push(("metrics".to_owned(), text.to_owned()));
    }
    check_outputs(recipe, &mut found);
    check_optimizer(recipe, &mut found);
    check_schedule(recipe, &mut found);
    check_callbacks(recipe, &mut found);
    placed(found, recipe)
}

fn placed(found: Found, recipe: &Recipe) -> Vec<Problem> {
    found.into_iter().map(|(key, text)| Problem::new(recipe.place(&key), key, text)).collect()
}

/// A key and what is wrong with it.
type Found = Vec<(String, String)>;

fn check_device(recipe: &Recipe, found: &mut Found) {
    if let Err(problem) = recipe.device.parse::<barograph_burn::DeviceName>() {
        found.push(("device".to_owned(), problem));
    }
}

fn check_optimizer(recipe: &Recipe, found: &mut Found) {
    if let OptimizerKind::Sgd { momentum: 0.0, nesterov: true }
    | OptimizerKind::SgdW { momentum: 0.0, nesterov: true, .. } = recipe.optimizer.kind
    {
        let text =
            "optimizer.nesterov needs momentum; set optimizer.momentum, for instance to 0.9, or take nesterov out";
        found.push(("optimizer.nesterov".to_owned(), text.to_owned()));
    }
    if recipe.clip.tensor_norm.is_some() && recipe.clip.global_norm.is_some() {
        let text = "clip.tensor_norm and clip.global_norm do not go together; keep one of them";
        found.push(("clip.global_norm".to_owned(), text.to_owned()));
    }
}

fn check_schedule(recipe: &Recipe, found: &mut Found) {
    let mut report =
        |key: &str, text: String| found.push((format!("schedule.{key}"), format!("schedule.{key} {text}")));
    let ascends = |numbers: &[u64]| numbers.is_sorted_by(|earlier, later| earlier < later);
    match &recipe.schedule.kind {
        ScheduleKind::Multistep { milestones, .. } if !ascends(milestones) => {
            report("milestones", format!("must ascend, and {milestones:?} do not; sort them, each once"));
        }
        ScheduleKind::Piecewise { boundaries, .. } if !ascends(boundaries) => {
            report("boundaries", format!("must ascend, and {boundaries:?} do not; sort them, each once"));
        }
        ScheduleKind::Piecewise { boundaries, factors, .. } if boundaries.len() != factors.len() => {
            let (boundaries, factors) = (boundaries.len(), factors.len());
            let text = format!("needs one number for each of the {boundaries} boundaries, not {factors}");
            report("factors", text);
        }
        ScheduleKind::Cyclical { minimum, maximum, .. } if minimum > maximum => {
            report("minimum", format!("is {minimum}, above the maximum of {maximum}; swap them"));
        }
        ScheduleKind::OneCycle { base_momentum, max_momentum, .. } if base_momentum > max_momentum => {
            report("base_momentum", format!("is {base_momentum}, above max_momentum = {max_momentum}; swap them"));
        }
        _ => {}
    }
}

/// What callbacks need of each other and of the rest of the recipe.
fn check_callbacks(recipe: &Recipe, found: &mut Found) {
    let has = |kind: &str| recipe.callbacks.iter().any(|callback| callback.name() == kind);
    for (number, callback) in recipe.callbacks.iter().enumerate() {
        let mut report = |key: &str, text: String| {
            let name = callback.name();
            found.push((format!("callbacks.{number}.{key}"), format!("callbacks.{number} ({name}): {text}")));
        };
        match callback {
            CallbackSpec::LearningRateScheduler { epochs, .. } if !epochs.is_sorted_by(|a, b| a < b) => {
                report("epochs", format!("epochs must ascend, and {epochs:?} do not; sort them, each once"));
            }
            CallbackSpec::LearningRateScheduler { epochs, rates } if epochs.len() != rates.len() => {
                let (epochs, rates) = (epochs.len(), rates.len());
                report("rates", format!("rates needs one number for each of the {epochs} epochs, not {rates}"));
            }
            CallbackSpec::LearningRateScheduler { .. } if recipe.schedule != super::ScheduleSpec::default() => {
                report("kind", "it does not go together with [schedule]; keep one of them".to_owned());
            }
            CallbackSpec::ModelCheckpoint { watch, unit: super::Unit::Step, best_only: true, .. }
                if !matches!(watch.monitor, super::Monitor::Loss | super::Monitor::Accuracy) =>
            {
                let monitor = watch.monitor.name();
                report("monitor", format!("a step has no \"{monitor}\"; take monitor = \"loss\", or unit = \"epoch\""));
            }
            CallbackSpec::ModelCheckpoint { unit, file: Some(file), .. } => {
                if let Some(problem) = file_problem(file, *unit, recipe) {
                    report("file", problem);
                }
            }
            CallbackSpec::SkipNonFinite { .. } if has("terminate_on_nan") => {
                report(
                    "kind",
                    "terminate_on_nan ends the run at the first step that this would skip; keep one of them".to_owned(),
                );
            }
            CallbackSpec::RollbackOnSpike { .. } if recipe.observe.snapshot_every == Some(0) => {
                report("kind", "it needs snapshots to roll back to; take out observe.snapshot_every = 0".to_owned());
            }
            CallbackSpec::CsvLogger { separator, .. } if separator.len() != 1 || separator == "\"" => {
                report("separator", format!("separator is one character such as \",\" or \";\", not {separator:?}"));
            }
            CallbackSpec::RemoteMonitor { root, headers, .. } => {
                if let Some(problem) = crate::callbacks::check_root(root) {
                    report("root", problem);
                }
                for text in headers.iter().filter(|text| crate::callbacks::header(text).is_none()) {
                    report("headers", format!("{text:?} is no header; write it as \"Name: value\""));
                }
            }
            CallbackSpec::PredictionSamples { rows, .. } if rows.len() as u64 > crate::callbacks::MOST_ROWS => {
                let (given, most) = (rows.len(), crate::callbacks::MOST_ROWS);
                report("rows", format!("rows has {given} numbers, and at most {most} rows are shown; take some out"));
            }
            CallbackSpec::Timer { stop_after, stop_at, .. } => {
                let after = stop_after.as_deref().map(crate::callbacks::duration);
                if let Some(Err(problem)) = after {
                    report("stop_after", problem);
                }
                if let Some(Err(problem)) = stop_at.as_deref().map(crate::callbacks::check_moment) {
                    report("stop_at", problem);
                }
            }
            CallbackSpec::Swa { learning_rate: None, lowest_rate: Some(_), .. } => {
                report("lowest_rate", "lowest_rate needs a learning_rate to fall from; give both".to_owned());
            }
            _ => {}
        }
    }
    check_monitors(recipe, found);
}
