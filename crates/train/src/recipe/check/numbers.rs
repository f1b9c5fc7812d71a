//! The numbers of an epoch: those that are measured, watched, or part of a name.
use super::Found;
use crate::recipe::monitor::HELD_OUT;
use crate::recipe::{CallbackSpec, LossSpec, LossWants, MetricKind, Recipe, Unit, Watch, suggest};

/// What is wrong with the name of checkpoints. Of a recipe without a file, code may bring numbers of its own.
pub(super) fn file_problem(file: &str, unit: Unit, recipe: &Recipe) -> Option<String> {
    let name = match crate::callbacks::FileName::parse(file) {
        Ok(name) => name,
        Err(problem) => return Some(problem),
    };
    let known = match unit {
        Unit::Step => ["loss", "accuracy"].map(str::to_owned).to_vec(),
        Unit::Epoch if recipe.data.file.is_some() => recipe.epoch_numbers(),
        Unit::Epoch => return None,
    };
    name.problem(&known)
}

/// A callback watches a number that there is. Code may bring rows and metrics of its own, so only recipes with a file are judged.
pub(super) fn check_monitors(recipe: &Recipe, found: &mut Found) {
    if recipe.data.file.is_none() {
        return;
    }
    let known = recipe.epoch_numbers();
    for (number, callback) in recipe.callbacks.iter().enumerate() {
        let Some(Watch { monitor, .. }) = callback.watch() else { continue };
        if matches!(callback, CallbackSpec::ModelCheckpoint { best_only: false, .. }) && monitor.scalar().is_some() {
            continue;
        }
        let monitor = monitor.name();
        if !known.iter().any(|known| known == monitor) {
            let text = missing_number(monitor, &known, callback.name());
            found.push((format!("callbacks.{number}.monitor"), text));
        }
    }
}

/// Why a number cannot be watched, and which is meant.
fn missing_number(name: &str, known: &[String], callback: &str) -> String {
    let plain = name.trim_start_matches(HELD_OUT);
    if plain != name && known.iter().any(|known| known == plain) {
        return format!(
            "{callback} watches \"{name}\", but no rows are held out; set data.validation, for instance to 0.2, or monitor = \"{plain}\""
        );
    }
    format!("unknown monitor {name:?}{}", suggest::hint(name, known.iter().map(String::as_str)))
}

/// Measures of classes are for losses that compare with classes, and those of numbers for others.
pub(super) fn check_metrics(table: &str, metrics: &[MetricKind], loss: &LossSpec, found: &mut Found) {
    let key = if table.is_empty() { "metrics".to_owned() } else { format!("{table}.metrics") };
    for (number, metric) in metrics.iter().enumerate() {
        let (name, kind) = (metric.name(), loss.kind.name());
        let text = match loss.kind.wants() {
            _ if metrics[..number].contains(metric) => format!("{key} names {name:?} twice; once is enough"),
            // Classes may be learned as numbers, and are still right or wrong.
            LossWants::Numbers if !metric.is_of_numbers() && *metric != MetricKind::Accuracy => {
                format!(
                    "{key}: {name} is of classes, and the loss {kind} learns numbers; take a measure of numbers, such as mae"
                )
            }
            LossWants::Classes | LossWants::Flags if metric.is_of_numbers() => {
                format!(
                    "{key}: {name} is of numbers, and the loss {kind} learns classes; take a measure of classes, such as f1"
                )
            }
            LossWants::Labels => {
                format!(
                    "{key}: {name} needs an answer for each target, and with the loss {kind} there is none; take it out"
                )
            }
            _ => continue,
        };
        found.push((key.clone(), text));
    }
}
