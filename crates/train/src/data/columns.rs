//! Which columns are inputs, and which are targets.
use super::DataError;
use crate::recipe::{Examples, Recipe, suggest};
use std::collections::BTreeSet;

/// Names under which a target is often found, the likeliest first: our choice.
pub(crate) const TARGET_NAMES: [&str; 6] = ["label", "target", "y", "class", "labels", "outcome"];

/// What stands for `data.target` where rows without answers are read. No recipe can say it: its texts are never empty.
const NO_TARGET: &str = "";

/// The value of `data.target` for rows whose answers, in these columns, need not be there and are not read.
pub(crate) fn without(targets: &[String]) -> Vec<String> {
    std::iter::once(NO_TARGET.to_owned()).chain(targets.iter().cloned()).collect()
}

/// Whether rows are read without their answers.
pub(crate) fn is_without_target(recipe: &Recipe) -> bool {
    recipe.data.target.first().is_some_and(|name| name == NO_TARGET)
}

/// Indices of columns, in the order in which they are used.
#[derive(Debug, PartialEq)]
pub(crate) struct Selection {
    pub(crate) inputs: Vec<usize>,
    /// Behind them the weights of the rows, where a recipe names them: see [`super::weights::take`].
    pub(crate) targets: Vec<usize>,
}

/// Chooses among the columns of a file, as `data.inputs` and `data.target` say.
pub(crate) fn select(columns: &[String], recipe: &Recipe, file: &str) -> Result<Selection, DataError> {
    check_names(columns, file)?;
    let mut targets = targets(columns, recipe, file)?;
    let inputs = inputs(columns, &targets, recipe, file)?;
    if inputs.is_empty() {
        return Err(DataError::content(file, "no column is left for the inputs: every one is a target or taken out"));
    }
    targets.extend(weight(columns, &targets, recipe, file)?);
    Ok(Selection { inputs, targets })
}

/// Refuses two columns of one name.
pub(crate) fn check_names(columns: &[String], file: &str) -> Result<(), DataError> {
    let mut seen = BTreeSet::new();
    match columns.iter().find(|name| !seen.insert(*name)) {
        Some(twice) => Err(DataError::content(file, format!("two columns are named {twice:?}; rename one"))),
        None => Ok(()),
    }
}

fn targets(columns: &[String], recipe: &Recipe, file: &str) -> Result<Vec<usize>, DataError> {
    if is_without_target(recipe) {
        return Ok(Vec::new());
    }
    if recipe.data.target.is_empty() {
        let guess = TARGET_NAMES.into_iter().find(|name| columns.iter().any(|column| column == name));
        let hint = match guess {
            Some(name) => format!("; is it {name:?}?"),
            None => format!("; {file} has {}", listed(columns)),
        };
        let text = format!("which column is to be learned? Name it with target = \"...\" under [data]{hint}");
        return Err(DataError::content(recipe.place("data"), text));
    }
    let mut targets = Vec::new();
    for name in &recipe.data.target {
        for column in matching(name, columns, recipe, &target_key(name, recipe), file)? {
            if !targets.contains(&column) {
                targets.push(column);
            }
        }
    }
    Ok(targets)
}

/// The column that says how much each row counts. Rows without answers need none.
fn weight(columns: &[String], targets: &[usize], recipe: &Recipe, file: &str) -> Result<Option<usize>, DataError> {
    let Some(name) = recipe.data.weight.as_ref().filter(|_| !is_without_target(recipe)) else { return Ok(None) };
    let refuse = |text: String| Err(DataError::content(recipe.place("data.weight"), text));
    match columns.iter().position(|column| column == name) {
        Some(column) if targets.contains(&column) => refuse(format!(
            "column {name:?} is a target, and cannot be the weight of its rows; name another for data.weight"
        )),
        Some(column) => Ok(Some(column)),
        None => {
            let hint = suggest::hint(name, columns.iter().map(String::as_str));
            refuse(format!("no column {name:?} in {file}{hint}"))
        }
    }
}

/// The key that names a target: that of one of several outputs, unless `[data]` does.
fn target_key(name: &String, recipe: &Recipe) -> String {
    let owner = recipe.outputs.iter().position(|output| output.target.contains(name));
    let owner = owner.filter(|_| !recipe.origin.places.contains_key("data.target"));
    owner.map_or_else(|| "data.target".to_owned(), |number| format!("outputs.{number}.target"))
}

fn inputs(columns: &[String], targets: &[usize], recipe: &Recipe, file: &str) -> Result<Vec<usize>, DataError> {
    let patterns = &recipe.data.inputs;
    // The past of a target is no answer.
    let shows_past = matches!(recipe.data.examples, Examples::Windows { ahead: 1.., .. });
    let unread = if is_without_target(recipe) { &recipe.data.target[1..] } else { &[] };
    let is_unread = |column: usize| unread.iter().any(|name| glob(name, &columns[column]));
    let is_answer = |column: &usize| !shows_past && (targets.contains(column) || is_unread(*column));
    let is_weight = |column: usize| recipe.data.weight.as_ref() == Some(&columns[column]);
    let everything =
        || (0..columns.len()).filter(|column| !is_answer(column) && !is_weight(*column)).collect::<Vec<_>>();
    // A list that begins by taking out starts from every column.
    let mut chosen = match patterns.first() {
        Some(first) if !takes_out(first, columns) => Vec::new(),
        _ => everything(),
    };
    for pattern in patterns {
        if takes_out(pattern, columns) {
            let out = matching(&pattern[1..], columns, recipe, "data.inputs", file)?;
            chosen.retain(|column| !out.contains(column));
            continue;
        }
        for column in matching(pattern, columns, recipe, "data.inputs", file)? {
            if is_answer(&column) {
                if pattern.contains('*') {
                    continue;
                }
                let text = format!(
                    "column {pattern:?} is the target; a network that is shown the answer learns nothing, so take it out of data.inputs"
                );
                return Err(DataError::content(recipe.place("data.inputs"), text));
            }
            // Only its own name makes an input of the weight.
            if !(chosen.contains(&column) || is_weight(column) && pattern.contains('*')) {
                chosen.push(column);
            }
        }
    }
    Ok(chosen)
}

/// `"!id"` takes columns out, unless a column has that very name.
fn takes_out(pattern: &str, columns: &[String]) -> bool {
    pattern.starts_with('!') && !columns.iter().any(|column| column == pattern)
}

/// The columns that a name or a pattern with `*` stands for: at least one.
fn matching(
    pattern: &str,
    columns: &[String],
    recipe: &Recipe,
    key: &str,
    file: &str,
) -> Result<Vec<usize>, DataError> {
    if let Some(column) = columns.iter().position(|column| column == pattern) {
        return Ok(vec![column]);
    }
    let found: Vec<usize> = if pattern.contains('*') {
        columns.iter().enumerate().filter(|(_, column)| glob(pattern, column)).map(|(number, _)| number).collect()
    } else {
        Vec::new()
    };
    if !found.is_empty() {
        return Ok(found);
    }
    let hint = suggest::hint(pattern, columns.iter().map(String::as_str));
    let text = if pattern.contains('*') {
        format!("no column of {file} matches {pattern:?}{hint}")
    } else {
        format!("no column {pattern:?} in {file}{hint}")
    };
    Err(DataError::content(recipe.place(key), text))
}

/// Whether a name matches a pattern in which `*` stands for any characters.
fn glob(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// The names of columns, in words.
pub(crate) fn listed(columns: &[String]) -> String {
    /// More names are not read: our choice.
    const SHOWN: usize = 12;
    let shown = columns.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if columns.len() > SHOWN { format!("{shown} and {} more", columns.len() - SHOWN) } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, name, fits) in [
            ("pixel_*", "pixel_0_7", true),
            ("pixel_*", "pixe", false),
            ("*", "", true),
            ("*_x", "a_x_x", true),
            ("a*b*c", "abbc", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("é*", "ecole", false),
            ("é*", "été", true),
        ] {
            assert_eq!(glob(pattern, name), fits, "{pattern} {name}");
        }
    }

    fn chosen(inputs: &[&str], target: &[&str]) -> Result<Selection, String> {
        let columns = ["id", "x0", "x1", "y"].map(str::to_owned);
        let mut recipe = Recipe::default();
        recipe.data.inputs = inputs.iter().map(|&name| name.to_owned()).collect();
        recipe.data.target = target.iter().map(|&name| name.to_owned()).collect();
        select(&columns, &recipe, "a.csv").map_err(|error| error.to_string())
    }

    #[test]
    fn inputs_are_all_other_columns_or_those_named() {
        let selection = |inputs: &[usize]| Ok(Selection { inputs: inputs.to_vec(), targets: vec![3] });
        assert_eq!(chosen(&[], &["y"]), selection(&[0, 1, 2]));
        assert_eq!(chosen(&["x*"], &["y"]), selection(&[1, 2]));
        assert_eq!(chosen(&["x1", "x*"], &["y"]), selection(&[2, 1]));
        assert_eq!(chosen(&["!id"], &["y"]), selection(&[1, 2]));
        assert_eq!(chosen(&["*", "!x*"], &["y"]), selection(&[0]));
    }

    #[test]
    fn answers_that_are_not_read_are_no_inputs_where_they_are_there() {
        let columns = ["text", "mood"].map(str::to_owned);
        let mut recipe = Recipe::default();
        recipe.data.target = without(&["mood".to_owned()]);
        let chosen = |columns| select(columns, &recipe, "a.csv").map(|chosen| (chosen.inputs, chosen.targets)).ok();
        assert_eq!(chosen(&columns), Some((vec![0], vec![])));
        assert_eq!(chosen(&columns[..1]), Some((vec![0], vec![])));
    }

    #[test]
    fn impossible_choices_are_explained() {
        let messages = [
            chosen(&[], &[]),
            chosen(&[], &["Y"]),
            chosen(&["x2"], &["y"]),
            chosen(&["z*"], &["y"]),
            chosen(&["y"], &["y"]),
            chosen(&["!*"], &["y"]),
        ];
        let messages: Vec<String> = messages.into_iter().map(|outcome| outcome.expect_err("impossible")).collect();
        insta::assert_snapshot!(messages.join("\n"));
    }
}
