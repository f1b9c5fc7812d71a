//! From TOML text to a recipe, with every problem found in one go.
use super::origin::{Lines, Origin};
use super::suggest;
use super::visit::{Counts, Kind, Limits, Section, Visitor, Word};
use super::{Problem, Recipe, RecipeError, check};
use crate::data::quoted;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;
use toml_edit::{Document, Item, TableLike, Value};

/// Reads and checks a recipe.
pub(crate) fn read(text: &str, file: &str) -> Result<Recipe, RecipeError> {
    let lines = Lines::of(text);
    let document = Document::parse(text).map_err(|error| not_toml(&error, text, file, &lines))?;
    let mut shared = Shared { file, lines, problems: Vec::new(), places: BTreeMap::new(), mended: BTreeSet::new() };
    let name = Path::new(file).file_stem().map_or_else(|| "run".to_owned(), |stem| stem.to_string_lossy().into_owned());
    let mut recipe = Recipe { name, ..Recipe::default() };
    Reader::over(document.as_table(), String::new(), None, &mut shared).read(&mut recipe);

    let Shared { mut problems, places, mended, .. } = shared;
    problems.retain(|problem| !mended.contains(&problem.key));
    recipe.origin = Origin { file: file.to_owned(), folder: None, text: Some(text.to_owned()), places };
    // A value that could not be read is not judged besides, and nothing is held against it.
    let unread: BTreeSet<String> = problems.iter().map(|problem| problem.key.clone()).chain(mended).collect();
    if unread.is_empty() {
        problems.extend(check::inconsistent(&recipe));
    }
    problems.extend(check::out_of_bounds(&recipe).into_iter().filter(|problem| !unread.contains(&problem.key)));
    if problems.is_empty() { Ok(recipe) } else { Err(RecipeError::Invalid(in_order_of_lines(problems, file))) }
}

fn not_toml(error: &toml_edit::TomlError, text: &str, file: &str, lines: &Lines) -> RecipeError {
    let message = error.message().replace('\n', ", ");
    let Some(span) = error.span() else {
        return RecipeError::one(file, "", format!("this is not valid TOML: {message}"));
    };
    let line = lines.line(span.start);
    let shown = text.lines().nth(line - 1).map_or("", str::trim);
    RecipeError::one(
        format!("{file}:{line}"),
        "",
        format!("this is not valid TOML: {message}; the line is {}", quoted(shown)),
    )
}

fn in_order_of_lines(mut problems: Vec<Problem>, file: &str) -> Vec<Problem> {
    let line = |problem: &Problem| {
        problem.place.strip_prefix(file).and_then(|rest| rest.strip_prefix(':')).and_then(|line| line.parse().ok())
    };
    problems.sort_by_key(|problem| line(problem).unwrap_or(usize::MAX));
    problems
}

/// What the readers of all tables have in common.
struct Shared<'a> {
    file: &'a str,
    lines: Lines,
    problems: Vec<Problem>,
    places: BTreeMap<String, String>,
    /// Keys that are there under a misspelled name.
    mended: BTreeSet<String>,
}

impl Shared<'_> {
    fn place(&self, span: Option<Range<usize>>) -> String {
        match span {
            Some(span) => format!("{}:{}", self.file, self.lines.line(span.start)),
            None => self.file.to_owned(),
        }
    }
}

/// The kind of a table, and which keys each kind has.
struct KindKeys {
    kind: &'static str,
    all: Vec<(&'static str, Vec<&'static str>)>,
}

/// A table, and where it stands.
type Placed<'a> = (&'a dyn TableLike, Option<Range<usize>>);

/// Reads one table.
struct Reader<'a, 's> {
    table: &'a dyn TableLike,
    /// The dotted key of the table.
    path: String,
    shared: &'a mut Shared<'s>,
    /// Keys that the table may have.
    known: Vec<&'static str>,
    /// Once the kind of the table is known.
    kind: Option<KindKeys>,
    /// Whether the kind could not be told, so that no key can be called unknown.
    kind_is_lost: bool,
}

impl<'a, 's> Reader<'a, 's> {
    fn over(table: &'a dyn TableLike, path: String, span: Option<Range<usize>>, shared: &'a mut Shared<'s>) -> Self {
        let place = shared.place(span);
        shared.places.insert(path.clone(), place);
        Self { table, path, shared, known: Vec::new(), kind: None, kind_is_lost: false }
    }

    fn read<S: Section>(mut self, value: &mut S) {
        value.visit(&mut self);
        self.finish();
    }

    /// Reports the keys that nobody asked for.
    fn finish(self) {
        if self.kind_is_lost {
            return;
        }
        for (key, item) in self.table.iter() {
            if self.known.contains(&key) {
                continue;
            }
            let span = self.table.get_key_value(key).and_then(|(key, _)| key.span()).or_else(|| item.span());
            let text = format!("{}{}", self.unknown(key), self.meant(key));
            // With the name mended nothing is missing any more.
            if let Some(meant) = suggest::nearest(key, self.known.iter().copied())
                && !self.table.contains_key(meant)
            {
                self.shared.mended.insert(dotted(&self.path, meant));
            }
            let mut problem = Problem::new(self.shared.place(span), dotted(&self.path, key), text);
            problem.unknown_key = true;
            self.shared.problems.push(problem);
        }
    }

    fn unknown(&self, key: &str) -> String {
        match (&self.kind, self.path.as_str()) {
            (Some(KindKeys { kind, .. }), path) => format!("unknown key {key:?} in {path} of kind \"{kind}\""),
            (None, "") => format!("unknown key {key:?}"),
            (None, path) => format!("unknown key {key:?} in [{path}]"),
        }
    }

    fn meant(&self, key: &str) -> String {
        let others: Vec<String> = self
            .kind
            .iter()
            .flat_map(|keys| &keys.all)
            .filter(|(_, keys)| keys.contains(&key))
            .map(|(kind, _)| format!("\"{kind}\""))
            .collect();
        if others.is_empty() {
            suggest::hint(key, self.known.iter().copied())
        } else {
            format!("; it belongs to {}", others.join(" and "))
        }
    }

    /// The value of a key, with its place noted.
    fn find(&mut self, key: &'static str) -> Option<&'a Item> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        let (name, item) = self.table.get_key_value(key)?;
        let place = self.shared.place(name.span().or_else(|| item.span()));
        self.shared.places.insert(dotted(&self.path, key), place);
        Some(item)
    }

    fn report(&mut self, key: &str, text: String) {
        let key = dotted(&self.path, key);
        let place = self.place_of(&key);
        self.shared.problems.push(Problem::new(place, key, text));
    }

    /// Where a key stands, or else its table.
    fn place_of(&self, key: &str) -> String {
        let places = &self.shared.places;
        places.get(key).or_else(|| places.get(&self.path)).cloned().unwrap_or_else(|| self.shared.file.to_owned())
    }

    fn wrong_type(&mut self, key: &str, wanted: &str, found: &Item) {
        let text = format!("{} must be {wanted}, not {}", dotted(&self.path, key), describe(found));
        self.report(key, text);
    }

    fn read_number(&mut self, key: &'static str) -> Option<f64> {
        let item = self.find(key)?;
        let number = item.as_float().or_else(|| item.as_integer().map(|whole| whole as f64));
        if number.is_none() {
            self.wrong_type(key, "a number", item);
        }
        number
    }

    fn read_count(&mut self, key: &'static str) -> Option<u64> {
        let item = self.find(key)?;
        let Some(whole) = item.as_integer() else {
            self.wrong_type(key, "a whole number", item);
            return None;
        };
        let count = u64::try_from(whole).ok();
        if count.is_none() {
            self.report(key, format!("{} must be 0 or more, not {whole}", dotted(&self.path, key)));
        }
        count
    }

    fn read_list<T>(
        &mut self,
        key: &'static str,
        wanted: &str,
        read: impl FnMut(&Value) -> Option<T>,
    ) -> Option<Vec<T>> {
        let item = self.find(key)?;
        let list = item.as_array().and_then(|array| array.iter().map(read).collect());
        if list.is_none() {
            self.wrong_type(key, wanted, item);
        }
        list
    }

    fn read_text(&mut self, key: &'static str) -> Option<&'a str> {
        let item = self.find(key)?;
        if item.as_str().is_none() {
            self.wrong_type(key, "a text in quotes", item);
        }
        item.as_str()
    }

    fn read_word<W: Word>(&mut self, key: &'static str) -> Option<W> {
        let text = self.read_text(key)?;
        let word = W::all().iter().copied().find(|word| word.word() == text);
        if word.is_none() {
            self.unknown_word(key, W::WHAT, text, W::all().iter().map(|word| word.word()));
        }
        word
    }

    fn unknown_word(
        &mut self,
        key: &str,
        what: &str,
        text: &str,
        known: impl IntoIterator<Item = &'static str> + Clone,
    ) {
        let hint = suggest::hint(text, known);
        self.report(key, format!("unknown {what} {text:?}{hint}"));
    }

    /// The defaults of the kind with this name, or a report.
    fn kind_of<K: Kind>(&mut self, key: &str, name: &str) -> Option<K> {
        let kind = K::of(name);
        if kind.is_none() {
            let names: Vec<&'static str> = K::all().iter().map(Kind::kind).collect();
            self.unknown_word(key, K::WHAT, name, names);
        }
        kind
    }

    fn inner<'b>(&'b mut self, key: &str, table: &'b dyn TableLike, span: Option<Range<usize>>) -> Reader<'b, 's> {
        Reader::over(table, dotted(&self.path, key), span, self.shared)
    }
}

impl Visitor for Reader<'_, '_> {
    fn number(&mut self, key: &'static str, value: &mut f64, _: Limits) {
        if let Some(number) = self.read_number(key) {
            *value = number;
        }
    }

    fn number_or_none(&mut self, key: &'static str, value: &mut Option<f64>, _: Limits) {
        if let Some(number) = self.read_number(key) {
            *value = Some(number);
        }
    }

    fn count(&mut self, key: &'static str, value: &mut u64, _: Counts, required: bool) {
        match self.read_count(key) {
            Some(count) => *value = count,
            None if required && self.table.get(key).is_none() => {
                let of_kind = self.kind.as_ref().map_or_else(String::new, |keys| format!(" ({})", keys.kind));
                self.report(key, format!("{}{of_kind} has no {key}; add {key} = ...", self.path));
            }
            None => {}
        }
    }

    fn count_or_none(&mut self, key: &'static str, value: &mut Option<u64>, _: Counts) {
        if let Some(count) = self.read_count(key) {
            *value = Some(count);
        }
    }

    fn triple_or_none(&mut self, key: &'static str, value: &mut Option<[u64; 3]>, _: Counts) {
        let Some(item) = self.find(key) else { return };
        let numbers = item.as_array().and_then(|array| {
            let numbers: Option<Vec<u64>> = array.iter().map(|value| value.as_integer()?.try_into().ok()).collect();
            <[u64; 3]>::try_from(numbers?).ok()
        });
        match numbers {
            Some(_) => *value = numbers,
            None => self.wrong_type(key, "a list of three whole numbers, [channels, height, width]", item),
        }
    }

    fn counts(&mut self, key: &'static str, value: &mut Vec<u64>, _: Counts) {
        let whole = |value: &Value| value.as_integer()?.try_into().ok();
        if let Some(counts) = self.read_list(key, "a list of whole numbers, such as [10, 20]", whole) {
            *value = counts;
        }
    }

    fn numbers(&mut self, key: &'static str, value: &mut Vec<f64>, _: Limits) {
        let number = |value: &Value| value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64));
        if let Some(numbers) = self.read_list(key, "a list of numbers, such as [0.1, 0.01]", number) {
            *value = numbers;
        }
    }

    fn sizes(&mut self, key: &'static str, value: &mut Vec<u64>, _: Counts, lengths: [usize; 2]) {
        let [from, to] = lengths;
        let Some(item) = self.find(key) else {
            return self.report(key, format!("{} has no {key}; add {key} = [...]", self.path));
        };
        let numbers = item.as_array().and_then(|array| {
            array.iter().map(|value| value.as_integer()?.try_into().ok()).collect::<Option<Vec<u64>>>()
        });
        match numbers {
            Some(numbers) if (from..=to).contains(&numbers.len()) => *value = numbers,
            _ => self.wrong_type(key, &format!("a list of {from} to {to} whole numbers"), item),
        }
    }

    fn flag(&mut self, key: &'static str, value: &mut bool) {
        let Some(item) = self.find(key) else { return };
        match item.as_bool() {
            Some(flag) => *value = flag,
            None => self.wrong_type(key, "true or false", item),
        }
    }

    fn text(&mut self, key: &'static str, value: &mut String) {
        if let Some(text) = self.read_text(key) {
            text.clone_into(value);
        }
    }

    fn text_or_none(&mut self, key: &'static str, value: &mut Option<String>) {
        if let Some(text) = self.read_text(key) {
            *value = Some(text.to_owned());
        }
    }

    fn texts(&mut self, key: &'static str, value: &mut Vec<String>) {
        let Some(item) = self.find(key) else { return };
        let texts: Option<Vec<String>> = match (item.as_str(), item.as_array()) {
            (Some(text), _) => Some(vec![text.to_owned()]),
            (None, Some(array)) => array.iter().map(|value| value.as_str().map(str::to_owned)).collect(),
            (None, None) => None,
        };
        match texts {
            Some(texts) => *value = texts,
            None => self.wrong_type(key, "a text, or a list of texts", item),
        }
    }

    fn word<W: Word>(&mut self, key: &'static str, value: &mut W) {
        if let Some(word) = self.read_word(key) {
            *value = word;
        }
    }

    fn word_or_none<W: Word>(&mut self, key: &'static str, value: &mut Option<W>) {
        if let Some(word) = self.read_word(key) {
            *value = Some(word);
        }
    }

    fn words<W: Word>(&mut self, key: &'static str, value: &mut Vec<W>) {
        let mut texts = Vec::new();
        self.texts(key, &mut texts);
        for text in texts {
            match W::all().iter().find(|word| word.word() == text) {
                Some(word) => value.push(*word),
                None => self.unknown_word(key, W::WHAT, &text, W::all().iter().map(|word| word.word())),
            }
        }
    }

    fn kind<K: Kind>(&mut self, value: &mut K, required: bool) {
        let present = self.table.contains_key("kind");
        let name = self.read_text("kind").or_else(|| K::UNSAID.filter(|_| !present));
        let kind = match name {
            Some(name) => self.kind_of("kind", name),
            None if !present && !required => Some(value.clone()),
            None => {
                if !present {
                    let names: Vec<&str> = K::all().iter().map(Kind::kind).collect();
                    let text = format!("{} has no kind; add kind = ..., one of {}", self.path, names.join(", "));
                    self.report("kind", text);
                }
                None
            }
        };
        let Some(kind) = kind else {
            self.kind_is_lost = true;
            return;
        };
        *value = kind;
        let all = K::all().into_iter().map(|mut kind| (kind.kind(), Keys::of(&mut kind))).collect();
        self.kind = Some(KindKeys { kind: value.kind(), all });
        value.visit(self);
    }

    fn choice<K: Kind>(&mut self, key: &'static str, value: &mut K) {
        let Some(item) = self.find(key) else { return };
        if let Some(name) = item.as_str() {
            if let Some(kind) = self.kind_of(key, name) {
                *value = kind;
            }
        } else if let Some(table) = item.as_table_like() {
            let mut reader = self.inner(key, table, item.span());
            reader.kind(value, true);
            reader.finish();
        } else {
            self.wrong_type(key, "a text, or a table such as { kind = \"...\" }", item);
        }
    }

    fn section<S: Section>(&mut self, key: &'static str, value: &mut S, required: bool) {
        let Some(item) = self.find(key) else {
            if required {
                let text = format!("there is no [{key}]; add [{key}] with kind = ...");
                self.report(&format!("{key}.kind"), text);
            }
            return;
        };
        match item.as_table_like() {
            Some(table) => self.inner(key, table, item.span()).read(value),
            None => self.wrong_type(key, &format!("a table, written as [{key}]"), item),
        }
    }

    fn sections<S: Section>(&mut self, key: &'static str, values: &mut Vec<S>) {
        let Some(item) = self.find(key) else { return };
        let Some(tables) = tables(item) else {
            let wanted = format!("a list of tables, each written as [[{key}]]");
            return self.wrong_type(key, &wanted, item);
        };
        for (number, (table, span)) in tables.into_iter().enumerate() {
            let mut value = S::default();
            self.inner(&format!("{key}.{number}"), table, span).read(&mut value);
            values.push(value);
        }
    }
}

/// The tables of `[[key]]`, or of a list of inline tables.
fn tables(item: &Item) -> Option<Vec<Placed<'_>>> {
    match item {
        Item::ArrayOfTables(tables) => {
            Some(tables.iter().map(|table| (table as &dyn TableLike, table.span())).collect())
        }
        Item::Value(Value::Array(array)) => array
            .iter()
            .map(|value| value.as_inline_table().map(|table| (table as &dyn TableLike, value.span())))
            .collect(),
        _ => None,
    }
}

fn dotted(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn describe(item: &Item) -> String {
    if let Some(text) = item.as_str() {
        return format!("the text {text:?}");
    }
    match item {
        Item::Value(value @ (Value::Integer(_) | Value::Float(_))) => {
            format!("the number {}", value.to_string().trim())
        }
        Item::Value(value @ Value::Boolean(_)) => value.to_string().trim().to_owned(),
        Item::Value(Value::Datetime(_)) => "a date".to_owned(),
        Item::Value(Value::Array(array)) if array.len() <= 8 => format!("the list {}", array.to_string().trim()),
        Item::Value(Value::Array(_)) => "a long list".to_owned(),
        Item::ArrayOfTables(_) => "a list of tables".to_owned(),
        _ => "a table".to_owned(),
    }
}

/// Collects the names of keys.
#[derive(Default)]
struct Keys(Vec<&'static str>);

impl Keys {
    fn of<K: Kind>(kind: &mut K) -> Vec<&'static str> {
        let mut keys = Self::default();
        kind.visit(&mut keys);
        keys.0
    }
}

impl Visitor for Keys {
    fn number(&mut self, key: &'static str, _: &mut f64, _: Limits) {
        self.0.push(key);
    }

    fn number_or_none(&mut self, key: &'static str, _: &mut Option<f64>, _: Limits) {
        self.0.push(key);
    }

    fn count(&mut self, key: &'static str, _: &mut u64, _: Counts, _: bool) {
        self.0.push(key);
    }

    fn count_or_none(&mut self, key: &'static str, _: &mut Option<u64>, _: Counts) {
        self.0.push(key);
    }

    fn triple_or_none(&mut self, key: &'static str, _: &mut Option<[u64; 3]>, _: Counts) {
        self.0.push(key);
    }

    fn counts(&mut self, key: &'static str, _: &mut Vec<u64>, _: Counts) {
        self.0.push(key);
    }

    fn numbers(&mut self, key: &'static str, _: &mut Vec<f64>, _: Limits) {
        self.0.push(key);
    }

    fn sizes(&mut self, key: &'static str, _: &mut Vec<u64>, _: Counts, _: [usize; 2]) {
        self.0.push(key);
    }

    fn flag(&mut self, key: &'static str, _: &mut bool) {
        self.0.push(key);
    }

    fn text(&mut self, key: &'static str, _: &mut String) {
        self.0.push(key);
    }

    fn text_or_none(&mut self, key: &'static str, _: &mut Option<String>) {
        self.0.push(key);
    }

    fn texts(&mut self, key: &'static str, _: &mut Vec<String>) {
        self.0.push(key);
    }

    fn word<W: Word>(&mut self, key: &'static str, _: &mut W) {
        self.0.push(key);
    }

    fn word_or_none<W: Word>(&mut self, key: &'static str, _: &mut Option<W>) {
        self.0.push(key);
    }

    fn words<W: Word>(&mut self, key: &'static str, _: &mut Vec<W>) {
        self.0.push(key);
    }

    fn kind<K: Kind>(&mut self, value: &mut K, _: bool) {
        value.visit(self);
    }

    fn choice<K: Kind>(&mut self, key: &'static str, _: &mut K) {
        self.0.push(key);
    }

    fn section<S: Section>(&mut self, key: &'static str, _: &mut S, _: bool) {
        self.0.push(key);
    }

    fn sections<S: Section>(&mut self, key: &'static str, _: &mut Vec<S>) {
        self.0.push(key);
    }
}
