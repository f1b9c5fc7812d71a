//! A trained network that a command works with.
use super::recipe_argument::RecipeChanges;
use crate::context::Context;
use crate::loaded;
use crate::run_folder::TOKENIZER_FILE;
use crate::screen;
use anyhow::{Result, ensure};
use barograph_store::Reader;
use barograph_train::data;
use barograph_train::recipe::{Examples, ModelSpec, Recipe};
use barograph_train::{MODEL_FILE, Network, PREPROCESSING_FILE, Preprocessing, RECIPE_FILE, load_from};
use clap::Args;
use std::path::{Path, PathBuf};

/// Which trained network, and where it computes.
#[derive(Debug, Args)]
pub(super) struct TrainedArgument {
    /// The folder of a run; or a recipe, with --model or a model.load in it.
    #[arg(value_name = "RUN|RECIPE.toml")]
    from: PathBuf,
    /// The weights: of Barograph or of PyTorch [default: model.safetensors of the run].
    #[arg(long, value_name = "FILE.safetensors")]
    model: Option<PathBuf>,
    #[command(flatten)]
    changes: RecipeChanges,
}

/// A trained network, and what its data must go through.
pub(super) struct Trained {
    pub(super) recipe: Recipe,
    pub(super) network: Network,
    pub(super) preprocessing: Preprocessing,
}

impl TrainedArgument {
    /// Loads the network, to work on the rows in `data`.
    pub(super) fn load(&self, data: &Path, context: &Context) -> Result<Trained> {
        if !self.from.exists() && self.from.extension().is_none_or(|ending| ending != "toml") {
            // It says which runs there are.
            Reader::open(&self.from)?;
        }
        if self.from.is_dir() { self.of_run(data, context) } else { self.of_recipe(context) }
    }

    /// The folder or the recipe, as the user named it.
    pub(super) fn name(&self) -> String {
        self.from.display().to_string()
    }

    /// Of a run, everything is in its folder.
    fn of_run(&self, data: &Path, context: &Context) -> Result<Trained> {
        let folder = &self.from;
        let file = folder.join(RECIPE_FILE);
        ensure!(
            file.exists(),
            "{}: this is no folder of a run of barograph train, for it holds no {RECIPE_FILE}",
            folder.display()
        );
        let mut recipe = self.recipe(&file)?;
        // The weights of the run are those that it ended with, wherever it began.
        let spec = std::mem::take(&mut recipe.model);
        let model = self.model.clone().unwrap_or_else(|| folder.join(MODEL_FILE));
        ensure!(
            folder.join(PREPROCESSING_FILE).exists(),
            "{}: what was done to the data is not there; name the recipe instead: barograph predict RECIPE.toml {} --model {}",
            folder.join(PREPROCESSING_FILE).display(),
            data.display(),
            model.display()
        );
        let preprocessing = Preprocessing::load(folder)?;
        keep_vocabulary(&mut recipe, folder);
        let network = Network::from_recipe(&recipe, preprocessing.inputs.len(), &recipe.open_device(true)?)?;
        let network = with_weights(&model, network, &spec, context)?;
        Ok(Trained { recipe, network, preprocessing })
    }

    /// Of a recipe, its data say what training does to them.
    fn of_recipe(&self, context: &Context) -> Result<Trained> {
        let mut recipe = self.recipe(&self.from)?;
        let spec = match &self.model {
            Some(_) => std::mem::take(&mut recipe.model),
            None => recipe.model.clone(),
        };
        ensure!(
            self.model.is_some() || spec.load.is_some(),
            "{}: a recipe has no trained weights; name the folder of a run, or a file with --model",
            self.from.display()
        );
        let beside =
            self.model.as_deref().and_then(Path::parent).filter(|folder| folder.join(PREPROCESSING_FILE).exists());
        let preprocessing = match beside {
            Some(folder) => Preprocessing::load(folder)?,
            None => Preprocessing::fit(&recipe, &data::load(&recipe)?.dataset)?,
        };
        if let Some(folder) = self.model.as_deref().and_then(Path::parent) {
            keep_vocabulary(&mut recipe, folder);
        }
        let network = Network::from_recipe(&recipe, preprocessing.inputs.len(), &recipe.open_device(true)?)?;
        let network = match &self.model {
            Some(model) => with_weights(model, network, &spec, context)?,
            None => network,
        };
        Ok(Trained { recipe, network, preprocessing })
    }

    fn recipe(&self, file: &Path) -> Result<Recipe> {
        self.changes.made_in(Recipe::load(file)?)
    }
}

/// New texts get the vocabulary of the training, which its run keeps.
fn keep_vocabulary(recipe: &mut Recipe, folder: &Path) {
    let file = folder.join(TOKENIZER_FILE);
    if let Examples::Text { spec } | Examples::NextTokens { spec, .. } = &mut recipe.data.examples
        && file.exists()
    {
        // A path of a recipe is relative to the recipe.
        let file = std::path::absolute(&file).unwrap_or(file);
        spec.tokenizer = file.display().to_string();
    }
}

/// Loads weights, and shows where they come from if that is not plain.
fn with_weights(file: &Path, network: Network, spec: &ModelSpec, context: &Context) -> Result<Network> {
    let (network, loaded) = load_from(file, network, spec).map_err(|problems| anyhow::anyhow!(problems.join("\n")))?;
    if loaded.layers.iter().any(|layer| layer.how != "name") || !loaded.kept.is_empty() {
        screen::say(loaded::table(&loaded, &context.err).trim_end());
    }
    Ok(network)
}
