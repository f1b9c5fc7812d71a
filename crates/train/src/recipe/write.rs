//! From a recipe to TOML text.
use super::Recipe;
use super::visit::{Counts, Kind, Limits, Section, Visitor, Word};
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value};

/// Writes a recipe; keys that hold their default are left out.
pub(crate) fn to_toml(recipe: &Recipe) -> String {
    let mut document = DocumentMut::new();
    *document.as_table_mut() = without_defaults(&mut recipe.clone());
    // The name that a file gives by default depends on the file, so it is always written.
    document.as_table_mut().insert("name", Item::Value(recipe.name.as_str().into()));
    document.as_table_mut().sort_values_by(|a, _, b, _| place_of(a).cmp(&place_of(b)));
    document.to_string()
}

/// The order in which a recipe is read by people; `name` would otherwise come last.
fn place_of(key: &str) -> usize {
    const ORDER: [&str; 16] = [
        "name",
        "seed",
        "epochs",
        "batch",
        "task",
        "metrics",
        "data",
        "layers",
        "outputs",
        "loss",
        "optimizer",
        "penalty",
        "clip",
        "schedule",
        "callbacks",
        "observe",
    ];
    ORDER.iter().position(|known| *known == key).unwrap_or(ORDER.len())
}

/// The keys of a table, less those that its defaults have too.
fn without_defaults<S: Section>(value: &mut S) -> Table {
    let mut table = every_key(|writer| value.visit(writer));
    let defaults = every_key(|writer| S::default().visit(writer));
    drop_equal(&mut table, &defaults);
    table
}

fn every_key(walk: impl FnOnce(&mut Writer)) -> Table {
    let mut writer = Writer::default();
    walk(&mut writer);
    writer.table
}

fn drop_equal(table: &mut Table, defaults: &Table) {
    table.retain(|key, item| {
        key == "kind"
            || !item.is_value()
            || defaults.get(key).is_none_or(|default| default.to_string() != item.to_string())
    });
}

/// A number as Rust prints it, which keeps every digit and writes small ones as `1e-8`.
pub(crate) fn number_value(number: f64) -> Value {
    format!("{number:?}").parse().unwrap_or_else(|_| Value::from(number))
}

/// A whole number; the few that TOML cannot hold become its largest, and the checker reports them.
fn count_value(count: u64) -> Value {
    Value::from(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Fills one table.
#[derive(Default)]
struct Writer {
    table: Table,
}

impl Writer {
    fn put(&mut self, key: &str, value: impl Into<Value>) {
        self.table.insert(key, Item::Value(value.into()));
    }
}

impl Visitor for Writer {
    fn number(&mut self, key: &'static str, value: &mut f64, _: Limits) {
        self.put(key, number_value(*value));
    }

    fn number_or_none(&mut self, key: &'static str, value: &mut Option<f64>, limits: Limits) {
        if let Some(value) = value {
            self.number(key, value, limits);
        }
    }

    fn count(&mut self, key: &'static str, value: &mut u64, _: Counts, _: bool) {
        self.put(key, count_value(*value));
    }

    fn count_or_none(&mut self, key: &'static str, value: &mut Option<u64>, _: Counts) {
        if let Some(value) = value {
            self.put(key, count_value(*value));
        }
    }

    fn triple_or_none(&mut self, key: &'static str, value: &mut Option<[u64; 3]>, _: Counts) {
        if let Some(value) = value {
            self.put(key, value.iter().copied().map(count_value).collect::<Array>());
        }
    }

    fn counts(&mut self, key: &'static str, value: &mut Vec<u64>, _: Counts) {
        self.put(key, value.iter().copied().map(count_value).collect::<Array>());
    }

    fn counts_or_none(&mut self, key: &'static str, value: &mut Vec<u64>, limits: Counts) {
        if !value.is_empty() {
            self.counts(key, value, limits);
        }
    }

    fn numbers(&mut self, key: &'static str, value: &mut Vec<f64>, _: Limits) {
        self.put(key, value.iter().copied().map(number_value).collect::<Array>());
    }

    fn numbers_or_none(&mut self, key: &'static str, value: &mut Vec<f64>, limits: Limits) {
        if !value.is_empty() {
            self.numbers(key, value, limits);
        }
    }

    fn sizes(&mut self, key: &'static str, value: &mut Vec<u64>, _: Counts, _: [usize; 2]) {
        self.put(key, value.iter().copied().map(count_value).collect::<Array>());
    }

    fn flag(&mut self, key: &'static str, value: &mut bool) {
        self.put(key, *value);
    }

    fn text(&mut self, key: &'static str, value: &mut String) {
        self.put(key, value.as_str());
    }

    fn text_or_none(&mut self, key: &'static str, value: &mut Option<String>) {
        if let Some(value) = value {
            self.put(key, value.as_str());
        }
    }

    fn texts(&mut self, key: &'static str, value: &mut Vec<String>) {
        match value.as_slice() {
            [] => {}
            [one] => self.put(key, one.as_str()),
            several => self.put(key, several.iter().map(String::as_str).collect::<Array>()),
        }
    }

    fn word<W: Word>(&mut self, key: &'static str, value: &mut W) {
        self.put(key, value.word());
    }

    fn word_or_none<W: Word>(&mut self, key: &'static str, value: &mut Option<W>) {
        if let Some(value) = value {
            self.put(key, value.word());
        }
    }

    fn words<W: Word>(&mut self, key: &'static str, value: &mut Vec<W>) {
        if !value.is_empty() {
            self.put(key, value.iter().map(|word| word.word()).collect::<Array>());
        }
    }

    fn kind<K: Kind>(&mut self, value: &mut K, _: bool) {
        self.put("kind", value.kind());
        let mut keys = every_key(|writer| value.visit(writer));
        if let Some(mut defaults) = K::of(value.kind()) {
            drop_equal(&mut keys, &every_key(|writer| defaults.visit(writer)));
        }
        self.table.extend(keys);
    }

    fn choice<K: Kind>(&mut self, key: &'static str, value: &mut K) {
        let mut table = every_key(|writer| writer.kind(value, true));
        if table.len() == 1 {
            return self.put(key, value.kind());
        }
        if K::UNSAID == Some(value.kind()) {
            table.remove("kind");
        }
        self.put(
            key,
            table.into_iter().filter_map(|(key, item)| Some((key, item.into_value().ok()?))).collect::<InlineTable>(),
        );
    }

    fn section<S: Section>(&mut self, key: &'static str, value: &mut S, required: bool) {
        let table = without_defaults(value);
        let is_default = table.to_string() == without_defaults(&mut S::default()).to_string();
        if required || !is_default {
            self.table.insert(key, Item::Table(table));
        }
    }

    fn sections<S: Section>(&mut self, key: &'static str, values: &mut Vec<S>) {
        if !values.is_empty() {
            let tables = values.iter_mut().map(without_defaults).collect::<ArrayOfTables>();
            self.table.insert(key, Item::ArrayOfTables(tables));
        }
    }
}
