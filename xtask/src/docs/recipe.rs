//! The page on recipes, from the doc comments of the structs that a recipe fills.
//!
//! Each key of a recipe is a field whose doc comment begins with the key: `` `units`: outputs. Required. `` So the comment is the line
//! of the page. A test in `crates/train/tests/recipe_page.rs` has its examples read.
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Expr, Fields, Ident, Item, Lit, LitStr, Meta, Token};

use crate::workspace;

/// Where the structs of a recipe are.
const SOURCES: &str = "crates/train/src/recipe";

/// The tables of a recipe in the order of the page: the type that documents the table, and the types of its values.
const TABLES: [(&str, &[&str]); 13] = [
    ("Recipe", &["Task", "Precision", "MetricKind"]),
    ("DataSpec", &["Normalize", "Examples", "ImageSpec", "Channels", "Resize", "BrokenImages", "TokenSpec"]),
    ("ModelSpec", &[]),
    (
        "LayerSpec",
        &[
            "LayerKind",
            "WeightSpec",
            "RecurrentSpec",
            "TransformerSpec",
            "NormPlace",
            "Merge",
            "Activation",
            "Initializer",
            "RegularizerKind",
            "OrthogonalMode",
            "ConstraintKind",
            "Padding",
        ],
    ),
    ("LossSpec", &["LossKind", "Reduction"]),
    ("OutputSpec", &[]),
    ("OptimizerSpec", &["OptimizerKind"]),
    ("PenaltySpec", &[]),
    ("ClipSpec", &[]),
    ("LossScaleSpec", &[]),
    ("ScheduleSpec", &["ScheduleKind", "Swing", "Unit"]),
    ("CallbackSpec", &["Watch", "Monitor", "Mode", "ThresholdMode", "ClipMethod"]),
    ("ObserveSpec", &[]),
];

const HEAD: &str = "\
<!-- Made by `cargo xtask docs` from the doc comments in crates/train/src/recipe. Change those, not this page. -->
# The recipe

A recipe is a training run as a TOML file. `barograph new --data my.csv` writes a first one for a table of numbers; `barograph train recipe.toml`
runs it. A key that does not exist, or a value out of its bounds, is an error with its line and, where one can be guessed, what was meant.
";

/// The whole page.
pub(super) fn page() -> anyhow::Result<String> {
    let sources = Sources::read()?;
    let mut page = HEAD.to_owned();
    let _ = writeln!(page, "\n{}", sources.example.trim_end());
    for (table, values) in TABLES {
        sources.table(&mut page, table, values)?;
    }
    Ok(page)
}

/// What the sources say of recipes.
#[derive(Default)]
struct Sources {
    /// The example in the module's own comment.
    example: String,
    types: BTreeMap<String, Type>,
}

/// A type that is a table of a recipe, or a value in one.
struct Type {
    docs: String,
    entries: Vec<Entry>,
}

/// A key, a kind of table with its keys, or a word.
struct Entry {
    docs: String,
    keys: Vec<String>,
}

impl Sources {
    fn read() -> anyhow::Result<Self> {
        let folder = workspace::root().join(SOURCES);
        let listed = std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        let mut paths: Vec<PathBuf> = listed.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
        paths.sort();
        let mut sources = Self::default();
        for path in paths {
            let text = workspace::read(&path)?;
            let file = syn::parse_file(&text).with_context(|| format!("{} is not Rust", path.display()))?;
            if path.ends_with("mod.rs") {
                sources.example = docs(&file.attrs);
            }
            for item in &file.items {
                sources.item(item);
            }
        }
        Ok(sources)
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Struct(item) => {
                let entries = keys(&item.fields).into_iter().map(|docs| Entry { docs, keys: Vec::new() });
                self.add(&item.ident, &item.attrs, entries.collect());
            }
            Item::Enum(item) => {
                let entries =
                    item.variants.iter().map(|kind| Entry { docs: docs(&kind.attrs), keys: keys(&kind.fields) });
                self.add(&item.ident, &item.attrs, entries.collect());
            }
            Item::Macro(item) => {
                if let Ok(words) = item.mac.parse_body::<Words>() {
                    self.add(&words.name, &words.attrs, words.entries);
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, name: &Ident, attrs: &[Attribute], entries: Vec<Entry>) {
        self.types.insert(name.to_string(), Type { docs: docs(attrs), entries });
    }

    fn table(&self, page: &mut String, name: &str, values: &[&str]) -> anyhow::Result<()> {
        let table = self.get(name)?;
        // "`[data]`: the file, ..." is the heading and the first sentence.
        match table.docs.split_once("`: ") {
            Some((heading, text)) if heading.starts_with('`') => {
                let _ = write!(page, "\n## {heading}`\n\n{}\n", capitalized(text));
            }
            _ => *page += "\n## At the top\n",
        }
        entries(page, &table.entries);
        for name in values {
            let value = self.get(name)?;
            let _ = write!(page, "\n### {}\n\n{}\n", heading(name), value.docs);
            entries(page, &value.entries);
        }
        Ok(())
    }

    fn get(&self, name: &str) -> anyhow::Result<&Type> {
        let found =
            self.types.get(name).with_context(|| format!("{SOURCES} has no `{name}`; is it called otherwise now?"))?;
        ensure!(!found.entries.is_empty(), "`{name}` documents no key");
        Ok(found)
    }
}

fn entries(page: &mut String, entries: &[Entry]) {
    page.push('\n');
    for entry in entries {
        let _ = writeln!(page, "- {}", one_line(&entry.docs));
        for key in &entry.keys {
            let _ = writeln!(page, "  - {}", one_line(key));
        }
    }
}

/// What the comments of the fields say that are keys of a recipe: those that begin with the key, and fields of kinds.
fn keys(fields: &Fields) -> Vec<String> {
    let is_kind = fields.iter().all(|field| matches!(field.vis, syn::Visibility::Inherited));
    let key = |field: &syn::Field| {
        let docs = docs(&field.attrs);
        if docs.starts_with('`') {
            return Some(docs);
        }
        field.ident.as_ref().filter(|_| is_kind).map(|name| format!("`{name}`: {docs}"))
    };
    fields.iter().filter_map(key).collect()
}

/// The body of `words! { ... }`.
struct Words {
    attrs: Vec<Attribute>,
    name: Ident,
    entries: Vec<Entry>,
}

impl Parse for Words {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let name = input.parse()?;
        input.parse::<Token![,]>()?;
        input.parse::<LitStr>()?;
        input.parse::<Token![,]>()?;
        let body;
        syn::braced!(body in input);
        let mut entries = Vec::new();
        while !body.is_empty() {
            let attrs = body.call(Attribute::parse_outer)?;
            body.parse::<Ident>()?;
            body.parse::<Token![=]>()?;
            let word = body.parse::<LitStr>()?.value();
            body.parse::<Token![,]>()?;
            entries.push(Entry { docs: format!("`{word}`: {}", docs(&attrs)), keys: Vec::new() });
        }
        Ok(Self { attrs, name, entries })
    }
}

/// The doc comment in some attributes, without the first space of each line.
fn docs(attrs: &[Attribute]) -> String {
    let lines = attrs.iter().filter(|attribute| attribute.path().is_ident("doc")).filter_map(|attribute| {
        let Meta::NameValue(pair) = &attribute.meta else { return None };
        let Expr::Lit(literal) = &pair.value else { return None };
        let Lit::Str(text) = &literal.lit else { return None };
        let text = text.value();
        Some(text.strip_prefix(' ').unwrap_or(&text).to_owned())
    });
    lines.collect::<Vec<_>>().join("\n").replace("[`", "`").replace("`]", "`")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// `LayerKind` as "Kinds of layer", `Activation` as "Activation".
fn heading(name: &str) -> String {
    match name.strip_suffix("Kind") {
        Some(kind) => format!("Kinds of {}", kind.to_lowercase()),
        None => name.strip_suffix("Spec").map_or_else(|| name.to_owned(), |what| format!("{what}s")),
    }
}
