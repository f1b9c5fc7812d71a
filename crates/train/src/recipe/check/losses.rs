//! Losses, and the outputs that each has one.
use super::Found;
use super::layers::{check_constraints, check_names};
use super::numbers::check_metrics;
use crate::recipe::{LossKind, LossSpec, LossWants, Normalize, Recipe, suggest};

/// Several outputs have names and columns of their own, and start from layers that are there.
pub(super) fn check_outputs(recipe: &Recipe, found: &mut Found) {
    let names = recipe.layer_names();
    for (number, output) in recipe.outputs.iter().enumerate() {
        let key = format!("outputs.{number}");
        let mut report = |part: &str, text: String| found.push((format!("{key}.{part}"), text));
        if output.name.contains('.') {
            report(
                "name",
                format!("{key}.name is {:?}, and must not hold a dot: its layers are named behind it", output.name),
            );
        }
        let earlier = recipe.outputs[..number].iter().position(|other| other.name == output.name);
        if let Some(earlier) = earlier {
            report("name", format!("two outputs are named {:?}: outputs.{earlier} and {key}; rename one", output.name));
        } else if names.contains(&output.name) {
            report("name", format!("{key}.name is {:?}, which is the name of a layer too; rename one", output.name));
        }
        if let Some(from) = &output.from
            && !names.contains(from)
        {
            let hint = suggest::hint(from, names.iter().map(String::as_str));
            report("from", format!("{key}.from is {from:?}, and there is no such layer{hint}"));
        }
        if output.target.is_empty() {
            report("target", format!("{key} has no target; name the column that it learns, as target = \"price\""));
        }
        check_loss(&format!("{key}.loss"), &output.loss, found);
        check_metrics(&key, &output.metrics, &output.loss, found);
        check_names(&format!("{key}.layers"), &output.layers, found);
        check_constraints(&format!("{key}.layers"), &output.layers, found);
    }
    if recipe.outputs.is_empty() {
        return;
    }
    // Which columns are numbers and which are classes is for the outputs to say.
    if recipe.data.normalize_target != Normalize::None {
        let text = "data.normalize_target is for a single output; of several, give each a weight, or scale their columns in the file";
        found.push(("data.normalize_target".to_owned(), text.to_owned()));
    }
    let last = recipe.layers.len().saturating_sub(1);
    let used = recipe.outputs.iter().map(|output| recipe.start_of(output)).max().unwrap_or(last);
    if used < last {
        let text = format!(
            "no output starts from {} or a layer behind it, so that {} are never learned; take them out",
            names[used + 1],
            last - used
        );
        found.push((format!("layers.{}", used + 1), text));
    }
}

pub(super) fn check_loss(table: &str, loss: &LossSpec, found: &mut Found) {
    let name = loss.kind.name();
    if loss.label_smoothing > 0.0 && !loss.kind.smooths() {
        let text =
            format!("{table}.label_smoothing is for the cross-entropies, and {name} is none of them; take it out");
        found.push((format!("{table}.label_smoothing"), text));
    }
    if !loss.class_weights.is_empty() {
        let key = format!("{table}.class_weights");
        if !loss.kind.weighs() {
            let text = format!(
                "{key} is for losses that compare outputs with classes, and {name} is none of them; take it out"
            );
            found.push((key, text));
        } else if loss.class_weights.iter().all(|weight| *weight == 0.0) {
            let text = format!("{key} are all 0, so that nothing would be learned; give at least one class a weight");
            found.push((key, text));
        } else if loss.kind.wants() == LossWants::Flags && loss.class_weights.len() != 2 {
            let count = loss.class_weights.len();
            let text = format!("{key} must be two numbers for {name}, the weight of 0 and that of 1, not {count}");
            found.push((key, text));
        }
    }
    if let LossKind::Ctc { classes, blank } = loss.kind
        && blank >= classes
    {
        let text = format!(
            "{table}.blank is {blank}, but the {classes} classes are numbered from 0 to {}",
            classes.saturating_sub(1)
        );
        found.push((format!("{table}.blank"), text));
    }
}
