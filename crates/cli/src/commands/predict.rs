//! `barograph predict`: what a trained network answers.
use super::recipe_argument::key_and_value;
use crate::answers::Answers;
use crate::context::Context;
use crate::exit::ExitCode;
use crate::loaded;
use crate::observed::write;
use crate::run_folder::TOKENIZER_FILE;
use crate::screen;
use anyhow::{Context as _, Result, bail, ensure};
use barograph_report::{counted, visible};
use barograph_train::data::{self, read_inputs};
use barograph_train::recipe::{Examples, ModelSpec, Normalize, Recipe};
use barograph_train::{MODEL_FILE, Network, PREPROCESSING_FILE, Preprocessing, RECIPE_FILE, load_from, predict};
use clap::Args;
use std::path::{Path, PathBuf};

/// Predict with a trained network: one line for each row of a data file.
///
/// Inputs are filled in and scaled as training did it, and targets scaled back. Inputs alone are needed: the input columns of a file (others are
/// ignored), an image or a folder of them, texts, or as many rows of a series as a window has. Of a classifier the class comes first, then what
/// the last layer puts out (raw scores where the loss takes raw scores); of a regression the targets.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  barograph predict runs/digits-001 new.csv\n  barograph predict runs/digits-001 new.csv --out answers.csv\n  \
                        barograph predict runs/cats-001 photos/ --device cpu\n  \
                        barograph predict digits.toml new.npz --model pretrained.safetensors --out answers.npz"
)]
pub(super) struct Predict {
    /// The folder of a run; or a recipe, with --model or a model.load in it.
    #[arg(value_name = "RUN|RECIPE.toml")]
    from: PathBuf,
    /// The rows: a .csv, .parquet, .npz or .safetensors; a text; an image; or a folder of such files.
    #[arg(value_name = "DATA")]
    data: PathBuf,
    /// The weights: of Barograph or of PyTorch [default: model.safetensors of the run].
    #[arg(long, value_name = "FILE.safetensors")]
    model: Option<PathBuf>,
    /// Where to compute: cpu, cuda, cuda:1 or wgpu [default: the device of the recipe].
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,
    /// Where the answers go, a .csv or .npz [default: standard output, as CSV].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Set one key of the recipe for this once; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_and_value)]
    set: Vec<(String, String)>,
}

/// A trained network, and what its data must go through.
struct Trained {
    recipe: Recipe,
    network: Network,
    preprocessing: Preprocessing,
}

impl Predict {
    pub(super) fn run(self, context: &Context) -> Result<ExitCode> {
        let ending = self.out.as_ref().map(|out| out.extension().map(|ending| ending.to_string_lossy().to_lowercase()));
        let is_npz = match ending.as_ref().map(|ending| ending.as_deref()) {
            None | Some(Some("csv")) => false,
            Some(Some("npz")) => true,
            Some(_) => bail!("--out: answers are written as .csv or .npz; give the file one of these endings"),
        };
        let Trained { recipe, network, preprocessing } = self.trained(context)?;
        let inputs = read_inputs(&self.data, &preprocessing.inputs, &recipe)?;
        for note in &inputs.report.notes {
            context.warn(note);
        }
        ensure!(
            recipe.outputs.is_empty() || recipe.data.normalize_target == Normalize::None,
            "{}: the answers of several outputs are not scaled back; train with normalize_target = \"none\"",
            self.from.display()
        );
        let takes = Some(recipe.loss.kind.takes());
        let found = predict(&network, &preprocessing, takes, &inputs.values)
            .with_context(|| self.data.display().to_string())?;
        let rows = counted(found.rows() as u64, "row");
        let answers = Answers::of(found, &recipe, &network);
        match &self.out {
            None => screen::print(&answers.as_csv(inputs.names.as_ref()))?,
            Some(out) => {
                if is_npz {
                    answers.write_arrays(out)?;
                } else {
                    write(out, &answers.as_csv(inputs.names.as_ref()))?;
                }
                screen::say(&format!("{rows} -> {}", visible(&out.display().to_string())));
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn trained(&self, context: &Context) -> Result<Trained> {
        if self.from.is_dir() { self.of_run(context) } else { self.of_recipe(context) }
    }

    /// Of a run, everything is in its folder.
    fn of_run(&self, context: &Context) -> Result<Trained> {
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
            self.data.display(),
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
        let mut recipe = Recipe::load(file)?;
        for (key, value) in &self.set {
            recipe.set(key, value)?;
        }
        if let Some(device) = &self.device {
            recipe.set("device", device)?;
        }
        Ok(recipe)
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
