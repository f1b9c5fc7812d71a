//! Changing a recipe's text, with its comments kept.
use super::custom::take_code;
use super::layer_names;
use super::suggest;
use super::write::number_value;
use super::{Problem, Recipe, RecipeError};
use barograph_vocab::{Edit, EditValue};
use toml_edit::{ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, Value};

impl Recipe {
    /// Sets one key, as `--set optimizer.learning_rate=0.1` does: checked as if it stood in the file.
    ///
    /// The value is TOML; text may go without its quotes. A layer is meant by number from 0 or by site path:
    /// `layers.0.units`, `layers.fc1.activation`. Setting a `kind` takes out the keys that the new kind does not have.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), RecipeError> {
        let place = format!("--set {key}={value}");
        // What is no TOML, or of the wrong type for the key, may still be meant as text: `name=2024`, `loss.kind=mse`.
        let text = self.with(&[(key, Value::from(value))], &place);
        let outcome = match value.parse::<Value>() {
            Ok(parsed) => self.with(&[(key, parsed)], &place).or_else(|error| text.or(Err(error))),
            Err(_) => text,
        };
        self.become_edited(outcome?, &[key], &place);
        Ok(())
    }

    /// Sets several keys, in any order: one may need another, as a metric that is watched must be measured, and two may only go together. All
    /// are set, or none is.
    pub fn set_all(&mut self, settings: &[(String, String)]) -> Result<(), RecipeError> {
        let mut changed = self.clone();
        changed.set_each(settings)?;
        *self = changed;
        Ok(())
    }

    fn set_each(&mut self, settings: &[(String, String)]) -> Result<(), RecipeError> {
        let mut left: Vec<_> = settings.iter().collect();
        loop {
            let (before, mut refused) = (left.len(), None);
            left.retain(|(key, value)| {
                let outcome = self.set(key, value);
                let is_refused = outcome.is_err();
                refused = refused.take().or(outcome.err());
                is_refused
            });
            match refused {
                None => return Ok(()),
                // None of them can be set by itself; what is wrong with the first is said if they cannot be together.
                Some(error) if left.len() == before => return self.set_together(&left).map_err(|_| error),
                Some(_) => {}
            }
        }
    }

    fn set_together(&mut self, settings: &[&(String, String)]) -> Result<(), RecipeError> {
        let value = |value: &str| value.parse().unwrap_or_else(|_| Value::from(value));
        let edits: Vec<_> = settings.iter().map(|(key, text)| (key.as_str(), value(text))).collect();
        let said: Vec<_> = settings.iter().map(|(key, value)| format!("--set {key}={value}")).collect();
        let (keys, place) = (edits.iter().map(|(key, _)| *key).collect::<Vec<_>>(), said.join(" "));
        self.become_edited(self.with(&edits, &place)?, &keys, &place);
        Ok(())
    }

    /// Places of keys that were there before stay those of the file that the user has.
    fn become_edited(&mut self, mut changed: Self, keys: &[&str], place: &str) {
        let read_from = std::mem::take(&mut changed.origin.places);
        changed.origin.places = self.origin.places.clone();
        for known in read_from.into_keys() {
            changed.origin.places.entry(known).or_insert_with(|| place.to_owned());
        }
        for key in keys {
            changed.origin.places.insert((*key).to_owned(), place.to_owned());
        }
        *self = changed;
    }

    /// The recipe's text with the edits of a remedy in it; comments and layout stay.
    ///
    /// Keys are as for [`Recipe::set`]. The result is the text of a recipe that has passed every check.
    pub fn apply(&self, edits: &[Edit]) -> Result<String, RecipeError> {
        Ok(self.repaired(edits)?.text())
    }

    /// The recipe with the edits of a remedy in it; its text keeps comments and layout.
    pub fn repaired(&self, edits: &[Edit]) -> Result<Self, RecipeError> {
        let mut recipe = self.clone();
        for edit in edits {
            let place = format!("edit {} = {}", edit.key, edit.value);
            recipe = recipe.with(&[(&edit.key, toml_value(&edit.value))], &place)?;
        }
        Ok(recipe)
    }

    /// The recipe with some keys set, read again from its new text.
    fn with(&self, edits: &[(&str, Value)], place: &str) -> Result<Self, RecipeError> {
        let key = edits.first().map_or("", |(key, _)| *key);
        let mut document: DocumentMut = self
            .text()
            .parse()
            .map_err(|error| RecipeError::one(place, key, format!("the recipe is no longer TOML: {error}")))?;
        let mut paths = Vec::new();
        for (key, value) in edits {
            let path = self.segments(key).map_err(|text| RecipeError::one(place, *key, text))?;
            put(&mut document, &path, value.clone()).map_err(|text| RecipeError::one(place, *key, text))?;
            paths.push(path);
        }
        let mut outcome = Self::parse(&document.to_string(), &self.origin.file);
        for path in paths.iter().filter(|path| path.last().is_some_and(|last| last == "kind")) {
            if let Err(RecipeError::Invalid(problems)) = &outcome {
                let table = path[..path.len() - 1].join(".");
                drop_unknown(&mut document, &table, problems);
                outcome = Self::parse(&document.to_string(), &self.origin.file);
            }
        }
        let mut recipe = outcome.map_err(|error| moved(error, place))?;
        if edits.iter().all(|(key, _)| *key != "name") {
            recipe.name.clone_from(&self.name);
        }
        recipe.origin.folder.clone_from(&self.origin.folder);
        // A file holds the names of custom layers and not what is behind them.
        take_code(&mut recipe.layers, &self.layers);
        Ok(recipe)
    }

    /// A dotted key by its parts, with a layer's site path turned into its number.
    fn segments(&self, key: &str) -> Result<Vec<String>, String> {
        let parts = || key.split('.').map(str::to_owned).collect();
        if key.split('.').any(|part| part.trim().is_empty()) {
            return Err(format!("{key:?} is no key; write it as optimizer.learning_rate"));
        }
        let Some(rest) = key.strip_prefix("layers.") else { return Ok(parts()) };
        if rest.split('.').next().is_some_and(|first| first.bytes().all(|byte| byte.is_ascii_digit())) {
            return Ok(parts());
        }
        let names = layer_names(&self.layers);
        let named = names.iter().enumerate().filter_map(|(number, name)| {
            let key = rest.strip_prefix(name.as_str())?.strip_prefix('.')?;
            Some((name.len(), number, key))
        });
        // Of `blocks` and `blocks.1` the longer name is meant.
        let Some((_, number, key)) = named.max_by_key(|(length, ..)| *length) else {
            let name = rest.split('.').next().unwrap_or(rest);
            let hint = suggest::hint(name, names.iter().map(String::as_str));
            return Err(format!("there is no layer {name:?}{hint}"));
        };
        Ok(["layers".to_owned(), number.to_string()].into_iter().chain(key.split('.').map(str::to_owned)).collect())
    }
}

/// Every problem of an edited recipe is the edit's.
fn moved(error: RecipeError, place: &str) -> RecipeError {
    match error {
        RecipeError::Invalid(problems) => RecipeError::Invalid(
            problems.into_iter().map(|problem| Problem { place: place.to_owned(), ..problem }).collect(),
        ),
        other @ RecipeError::Unreadable { .. } => other,
    }
}

fn toml_value(value: &EditValue) -> Value {
    /// Whole numbers below this are exact in f64.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        EditValue::Number(number) if number.fract() == 0.0 && number.abs() < EXACT => Value::from(*number as i64),
        EditValue::Number(number) => number_value(*number),
        EditValue::Text(text) => Value::from(text.as_str()),
        EditValue::Flag(flag) => Value::from(*flag),
    }
}

/// Sets the value at a path, making tables on the way.
fn put(document: &mut DocumentMut, path: &[String], value: Value) -> Result<(), String> {
    let [tables @ .., key] = path else { return Err("a key is needed".to_owned()) };
    let mut here: &mut dyn TableLike = document.as_table_mut();
    let mut walked = String::new();
    let mut rest = tables.iter();
    while let Some(part) = rest.next() {
        walked = if walked.is_empty() { part.clone() } else { format!("{walked}.{part}") };
        // Layers may have layers of their own, at any depth.
        let is_list = part == "layers" || (matches!(part.as_str(), "callbacks" | "outputs") && walked == *part);
        if !here.contains_key(part) {
            here.insert(
                part,
                if is_list { Item::ArrayOfTables(ArrayOfTables::new()) } else { Item::Table(Table::new()) },
            );
        }
        let item = here.get_mut(part).ok_or_else(|| format!("{walked} cannot be written"))?;
        here = if is_list {
            let number = rest
                .next()
                .ok_or_else(|| format!("{walked}.{key} is a table; set one of its keys, as {walked}.{key}.kind"))?;
            walked = format!("{walked}.{number}");
            entry(item, part, number)?
        } else {
            word_to_table(item);
            item.as_table_like_mut().ok_or_else(|| format!("{walked} is no table, so it has no {key:?}"))?
        };
    }
    match here.get_mut(key) {
        Some(Item::Value(old)) => {
            let decor = old.decor().clone();
            *old = value;
            *old.decor_mut() = decor;
        }
        Some(Item::Table(_)) => {
            return Err(format!("{0} is a table; set one of its keys, as {0}.kind", path.join(".")));
        }
        Some(Item::ArrayOfTables(_)) => {
            return Err(format!("{0} is a list of tables; set one of their keys, as {0}.0.kind", path.join(".")));
        }
        Some(Item::None) | None => {
            here.insert(key, Item::Value(value));
        }
    }
    Ok(())
}

/// `"normal"` becomes `{ kind = "normal" }`, so that a key can be set beside it.
fn word_to_table(item: &mut Item) {
    if let Some(value) = item.as_value_mut()
        && let Some(word) = value.as_str()
    {
        let mut table = InlineTable::new();
        table.insert("kind", Value::from(word));
        let decor = value.decor().clone();
        *value = Value::InlineTable(table);
        *value.decor_mut() = decor;
    }
}

/// One table of a list; the number after the last makes a new one.
fn entry<'a>(item: &'a mut Item, list: &str, number: &str) -> Result<&'a mut dyn TableLike, String> {
    let wanted: usize = number
        .parse()
        .map_err(|_| format!("{list}.{number}: {number:?} is no number; entries of {list} count from 0"))?;
    let absent = |count: usize| {
        if count == 0 {
            format!("there is no {list}.{wanted}; the recipe has no {list}")
        } else {
            format!("there is no {list}.{wanted}; the last is {list}.{}", count - 1)
        }
    };
    match item {
        Item::ArrayOfTables(tables) => {
            let count = tables.len();
            if wanted == count {
                tables.push(Table::new());
            }
            tables.get_mut(wanted).map(|table| table as &mut dyn TableLike).ok_or_else(|| absent(count))
        }
        Item::Value(Value::Array(array)) => {
            let count = array.len();
            if wanted == count {
                array.push(InlineTable::new());
            }
            let table = array.get_mut(wanted).ok_or_else(|| absent(count))?;
            table
                .as_inline_table_mut()
                .map(|table| table as &mut dyn TableLike)
                .ok_or_else(|| format!("{list}.{wanted} is no table"))
        }
        _ => Err(format!("{list} is no list of tables")),
    }
}

/// Takes out of one table the keys that its new kind does not have.
fn drop_unknown(document: &mut DocumentMut, table: &str, problems: &[Problem]) {
    for problem in problems.iter().filter(|problem| problem.unknown_key) {
        let Some((parent, key)) = problem.key.rsplit_once('.') else { continue };
        if parent != table {
            continue;
        }
        let mut here: Option<&mut dyn TableLike> = Some(document.as_table_mut());
        let mut parts = parent.split('.');
        while let (Some(table), Some(part)) = (here, parts.next()) {
            here = match table.get_mut(part) {
                Some(item) if matches!(part, "layers" | "callbacks" | "outputs") => {
                    parts.next().and_then(|number| entry(item, part, number).ok())
                }
                Some(item) => item.as_table_like_mut(),
                None => None,
            };
            if parts.clone().next().is_none() {
                if let Some(table) = here {
                    table.remove(key);
                }
                break;
            }
        }
    }
}
