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
    #[command(flatten)]
    changes: RecipeChanges,
}

/// What is changed in a recipe for this once.
#[derive(Debug, Args)]
pub(super) struct RecipeChanges {
    /// Where to compute: cpu, cuda, cuda:1 or wgpu [default: the device of the recipe].
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,
    /// Set one key of the recipe for this once; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_and_value)]
    set: Vec<(String, String)>,
}

impl RecipeChanges {
    /// The recipe with them.
    pub(super) fn made_in(&self, mut recipe: Recipe) -> Result<Recipe> {
        recipe.set_all(&self.set)?;
        if let Some(device) = &self.device {
            recipe.set("device", device)?;
        }
        Ok(recipe)
    }
}

impl RecipeArgument {
    /// Reads and checks the recipe.
    pub(super) fn load(&self) -> Result<Recipe> {
        self.changes.made_in(load_recipe(&self.recipe)?)
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

/// One `--set`.
fn key_and_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE, such as optimizer.learning_rate=0.01")?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}
