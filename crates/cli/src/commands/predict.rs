//! `barograph predict`: what a trained network answers.
use super::recipe_argument::key_and_value;
use crate::context::Context;
use crate::exit::ExitCode;
use crate::loaded;
use crate::observed::write;
use crate::screen;
use anyhow::{Context as _, Result, bail, ensure};
use barograph_burn::cpu;
use barograph_report::{counted, visible};
use barograph_train::data::{self, NpzArray, read_inputs, write_npz};
use barograph_train::recipe::{ModelSpec, Normalize, Recipe};
use barograph_train::{
    MODEL_FILE, Network, PREPROCESSING_FILE, Predictions, Preprocessing, RECIPE_FILE, load_from, predict,
};
use clap::Args;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Predict with a trained network: one line for each row of a data file.
///
/// Inputs are filled in and scaled as training did it, and targets scaled back. The file needs the input columns alone; others are ignored. Of a
/// classifier the class comes first, then what the last layer puts out (raw scores where the loss takes raw scores); of a regression the targets.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  barograph predict runs/digits-001 new.csv\n  barograph predict runs/digits-001 new.csv --out answers.csv\n  \
                        barograph predict digits.toml new.npz --model pretrained.safetensors --out answers.npz"
)]
pub(super) struct Predict {
    /// The folder of a run; or a recipe, with --model or a model.load in it.
    #[arg(value_name = "RUN|RECIPE.toml")]
    from: PathBuf,
    /// The rows: a .csv, .parquet or .npz.
    #[arg(value_name = "DATA")]
    data: PathBuf,
    /// The weights: of Barograph or of PyTorch [default: model.safetensors of the run].
    #[arg(long, value_name = "FILE.safetensors")]
    model: Option<PathBuf>,
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
        match &self.out {
            None => screen::print(&as_csv(&found))?,
            Some(out) => {
                if is_npz {
                    write_arrays(out, &found)?;
                } else {
                    write(out, &as_csv(&found))?;
                }
                screen::say(&format!(
                    "{} -> {}",
                    counted(found.rows() as u64, "row"),
                    visible(&out.display().to_string())
                ));
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
        let network = Network::from_recipe(&recipe, preprocessing.inputs.len(), &cpu(true))?;
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
        let network = Network::from_recipe(&recipe, preprocessing.inputs.len(), &cpu(true))?;
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
        Ok(recipe)
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

fn as_csv(found: &Predictions) -> String {
    let columns = found.columns.iter().map(|name| cell(name));
    let is_class = !found.classes.is_empty();
    let head: Vec<String> = is_class.then(|| "prediction".to_owned()).into_iter().chain(columns).collect();
    let mut out = head.join(",");
    out.push('\n');
    for (row, outputs) in found.outputs.chunks(found.columns.len().max(1)).enumerate() {
        let class = found.classes.get(row).map(|&class| cell(&found.class_name(class)));
        // As many digits as it takes to get the very number back.
        let cells: Vec<String> = class.into_iter().chain(outputs.iter().map(ToString::to_string)).collect();
        let _ = writeln!(out, "{}", cells.join(","));
    }
    out
}

/// A cell in quotes, where it needs them (RFC 4180).
fn cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

fn write_arrays(path: &Path, found: &Predictions) -> Result<()> {
    let rows = found.rows();
    let classes: Vec<i64> = found.classes.iter().map(|&class| class as i64).collect();
    let (shape, rows) = ([rows, found.columns.len()], [rows]);
    let mut arrays = vec![("outputs", NpzArray::Floats(&found.outputs, &shape))];
    if !classes.is_empty() {
        arrays.push(("prediction", NpzArray::Integers(&classes, &rows)));
    }
    write_npz(path, &arrays).with_context(|| format!("{}: cannot write the file", path.display()))
}
