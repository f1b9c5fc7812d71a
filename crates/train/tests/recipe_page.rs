//! The examples on the page about recipes are recipes.
use barograph_train::recipe::Recipe;

const PAGE: &str = include_str!("../../../docs/recipe.md");

/// What an example leaves out because it speaks of one table alone.
const DATA: &str = "[data]\nfile = \"rows.csv\"\ntarget = \"y\"\n";
const LAYERS: &str = "[[layers]]\nkind = \"dense\"\nunits = 3\n";
const LOSS: &str = "[loss]\nkind = \"cross_entropy\"\n";

fn examples() -> impl Iterator<Item = &'static str> {
    PAGE.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next())
}

fn completed(example: &str) -> String {
    let mut recipe = example.to_owned();
    let says = |table: &str| example.contains(table);
    for (table, text) in [("[data]", DATA), ("[[layers]]", LAYERS)] {
        if !says(table) {
            recipe.push_str(text);
        }
    }
    if !says("[loss]") && !says("[[outputs]]") {
        recipe.push_str(LOSS);
    }
    recipe
}

#[test]
fn every_example_is_a_recipe() {
    assert!(examples().count() >= 3, "the page has lost its examples");
    for example in examples() {
        let read = Recipe::parse(&completed(example), "docs/recipe.md");
        assert!(read.is_ok(), "{}\n{example}", read.err().map(|error| error.to_string()).unwrap_or_default());
    }
}
