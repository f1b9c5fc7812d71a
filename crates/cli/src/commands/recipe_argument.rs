//! The recipe that a command works on, with keys set on the command line.
use anyhow::{Result, ensure};
use barograph_train::recipe::Recipe;
use clap::Args;
use std::path::{Path, PathBuf};

/// The recipe that a command works on.
#[derive(Debug, Args)]
pub(super) struct RecipeArgument {
    /// The recipe.
    #[arg(value_name = "RECIPE.toml")]
    recipe: PathBuf,
    /// Set one key of the recipe for this once; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_and_value)]
    set: Vec<(String, String)>,
}

impl RecipeArgument {
    /// Reads and checks the recipe.
    pub(super) fn load(&self) -> Result<Recipe> {
        with_keys(load_recipe(&self.recipe)?, &self.set)
    }

    /// The file, as the user named it.
    pub(super) fn name(&self) -> String {
        self.recipe.display().to_string()
    }
}

/// The recipe in a file.
pub(super) fn load_recipe(path: &Path) -> Result<Recipe> {
    ensure!(!path.is_dir(), "{}: this is a folder; name the recipe in it", path.display());
    Ok(Recipe::load(path)?)
}

/// A recipe with some keys set.
pub(super) fn with_keys(mut recipe: Recipe, set: &[(String, String)]) -> Result<Recipe> {
    recipe.set_all(set)?;
    Ok(recipe)
}

/// One `--set`.
pub(super) fn key_and_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE, such as optimizer.learning_rate=0.01")?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}
