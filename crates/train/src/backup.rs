//! All that a training needs to go on, to the bit, as if it had not been interrupted: in one safetensors file of the run's folder.
//!
//! Tensors are the weights and buffers of the model (`model.`), of the best model so far (`best.`), what the optimizer keeps of each weight
//! (`optimizer.`), averages of weights (`average.`), what stateful layers carry (`carried.`) and the losses so far. The header says the rest, as TOML: the place in the training, the
//! learning rate, what callbacks and gradient hooks remember, and the recipe's hash. Random numbers need no place of their own: they
//! are drawn anew from the seed and the step.
use crate::averages::Averages;
use crate::checkpoint::{Entry, RECIPE_FILE, entries_of, floats, load_model, write_durably, write_tensors_with};
use crate::engine::State;
use crate::error::TrainError;
use crate::layers::CarriedState;
use crate::metrics::Score;
use crate::model::Model;
use crate::recipe::Recipe;
use barograph_burn::{KeptTensor, OptimizerState, Parameters, cpu, from_slice, to_vec};
use barograph_vocab::{EpochRecord, Record, Scalar};
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

/// The file of a run from which its training can be resumed.
pub const BACKUP_FILE: &str = "backup.safetensors";

/// The key of the header under which the text is.
const KEY: &str = "barograph_backup";

/// The form of the file; another one is refused.
const FORMAT: u32 = 1;

/// Where a training is, and what is small.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Place {
    format: u32,
    /// The hash of the recipe.
    recipe: String,
    /// Its name, which the copy beside the backup does not say where it came of a file's name.
    recipe_name: String,
    /// The folder that relative paths of the recipe start from.
    recipe_folder: Option<PathBuf>,
    /// Rows to train on.
    pub(crate) rows: u64,
    /// Steps done.
    pub(crate) step: u64,
    pub(crate) base_rate: f64,
    pub(crate) scheduled: bool,
    pub(crate) epoch: EpochPlace,
    /// What each callback remembers, in their order.
    pub(crate) callbacks: Vec<String>,
    /// What each gradient hook remembers, in their order.
    hooks: Vec<String>,
    history: Vec<Epoch>,
    /// Counters of the optimizer.
    optimizer: BTreeMap<String, u64>,
    averages: Vec<String>,
    /// What stateful layers carry: site, epoch and rows.
    carried: Vec<(String, u64, usize)>,
    has_best: bool,
}

/// Where in an epoch a training is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct EpochPlace {
    pub(crate) number: u64,
    /// Steps of it that were done.
    pub(crate) done: u64,
    pub(crate) score: Score,
    /// Sum over its rows.
    pub(crate) loss: f64,
    pub(crate) rows: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Epoch {
    epoch: u32,
    steps: u64,
    scalars: Vec<(String, f64)>,
    named: Vec<(String, f64)>,
}

/// What goes into a backup, as the run has it.
pub(crate) struct Now<'a, M> {
    pub(crate) recipe: &'a Recipe,
    pub(crate) parameters: &'a Parameters,
    pub(crate) rows: usize,
    pub(crate) step: u64,
    pub(crate) rate: (f64, bool),
    pub(crate) epoch: EpochPlace,
    pub(crate) callbacks: Vec<String>,
    pub(crate) history: &'a [EpochRecord],
    pub(crate) losses: &'a [f32],
    pub(crate) state: &'a State<M>,
    pub(crate) best: Option<&'a M>,
}

/// Writes the backup of a run, whole or not at all.
pub(crate) fn save<M: Model>(folder: &Path, now: &Now<'_, M>) -> Result<(), TrainError> {
    let path = folder.join(BACKUP_FILE);
    let State { model, optimizer, hooks, averages } = now.state;
    let optimizer = optimizer.state(now.parameters).map_err(|problem| broken(&path, problem))?;
    let carried = model.carried();
    let place = Place {
        format: FORMAT,
        recipe: format!("{:016x}", now.recipe.hash()),
        recipe_name: now.recipe.name.clone(),
        recipe_folder: now
            .recipe
            .origin
            .folder
            .as_deref()
            .map(|folder| fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())),
        rows: now.rows as u64,
        step: now.step,
        base_rate: now.rate.0,
        scheduled: now.rate.1,
        epoch: now.epoch.clone(),
        callbacks: now.callbacks.clone(),
        hooks: hooks.iter().map(|hook| hook.state()).collect(),
        history: now.history.iter().map(Epoch::of).collect(),
        optimizer: optimizer.numbers,
        averages: averages.0.keys().cloned().collect(),
        carried: carried.iter().map(|carried| (carried.site.clone(), carried.epoch, carried.rows)).collect(),
        has_best: now.best.is_some(),
    };
    let mut entries = entries_of("model.", model);
    for CarriedState { site, rows, units, state, memory, .. } in carried {
        let shape = vec![rows, units];
        entries.push(Entry { name: format!("carried.{site}.state"), shape: shape.clone(), values: state });
        entries.push(Entry { name: format!("carried.{site}.memory"), shape, values: memory });
    }
    entries.extend(now.best.map(|best| entries_of("best.", best)).unwrap_or_default());
    let kept = optimizer.tensors.into_iter();
    entries.extend(kept.map(|(name, KeptTensor { shape, values })| Entry {
        name: format!("optimizer.{name}"),
        shape,
        values,
    }));
    for (name, weights) in &averages.0 {
        entries.extend(weights.iter().enumerate().map(|(number, weight)| {
            let values = to_vec(weight);
            Entry { name: format!("average.{name}.{number}"), shape: vec![values.len()], values }
        }));
    }
    entries.push(Entry { name: "losses".to_owned(), shape: vec![now.losses.len()], values: now.losses.to_vec() });
    let text = toml::to_string(&place).map_err(|error| broken(&path, error.to_string()))?;
    write_tensors_with(&path, &entries, HashMap::from([(KEY.to_owned(), text)]), write_durably)
}

/// Deletes the backup of a run; one that is gone already is fine.
pub(crate) fn delete(folder: &Path) {
    let _ = fs::remove_file(folder.join(BACKUP_FILE));
}

/// A backup as it was read.
pub(crate) struct Backup {
    path: PathBuf,
    bytes: Vec<u8>,
    pub(crate) place: Place,
}

impl Backup {
    /// Reads the backup of a run.
    pub(crate) fn load(folder: &Path) -> Result<Self, TrainError> {
        let path = folder.join(BACKUP_FILE);
        let bytes = fs::read(&path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => TrainError::NoBackup { folder: folder.to_owned() },
            _ => TrainError::File { action: "read the backup", path: path.clone(), source },
        })?;
        let (_, header) = SafeTensors::read_metadata(&bytes)
            .map_err(|error| broken(&path, format!("not a whole safetensors file: {error}")))?;
        let text = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
        let text = text.ok_or_else(|| broken(&path, "it holds weights, and no backup of a training".to_owned()))?;
        let place: Place = toml::from_str(text)
            .map_err(|error| broken(&path, format!("its header cannot be understood: {}", error.message())))?;
        if place.format != FORMAT {
            let problem = format!("the backup has format {}, and this Barograph reads format {FORMAT}", place.format);
            return Err(broken(&path, problem));
        }
        Ok(Self { path, bytes, place })
    }

    /// Whether the training of this recipe, on so many rows and with so many callbacks, can go on from here.
    pub(crate) fn check(&self, recipe: &Recipe, rows: usize, callbacks: usize) -> Result<(), TrainError> {
        if self.place.recipe != format!("{:016x}", recipe.hash()) {
            let before = self.recipe().map(|recipe| recipe.to_toml()).unwrap_or_default();
            let problem = format!("it is of another recipe{}; {ADVICE}", differences(&before, &recipe.to_toml()));
            return Err(broken(&self.path, problem));
        }
        if self.place.rows != rows as u64 {
            let problem =
                format!("it is of a training on {} rows, and there are {rows} now; {ADVICE}", self.place.rows);
            return Err(broken(&self.path, problem));
        }
        if self.place.callbacks.len() != callbacks {
            let before = self.place.callbacks.len();
            let problem =
                format!("it is of a training with {before} callbacks, and there are {callbacks} now; {ADVICE}");
            return Err(broken(&self.path, problem));
        }
        Ok(())
    }

    /// The state and the best model, given those of a training that begins.
    pub(crate) fn state<M: Model>(
        &self,
        begin: State<M>,
        parameters: &Parameters,
    ) -> Result<(State<M>, Option<M>), TrainError> {
        let broken = |problem: String| broken(&self.path, problem);
        let tensors = SafeTensors::deserialize(&self.bytes).map_err(|error| broken(error.to_string()))?;
        let State { model, optimizer, mut hooks, .. } = begin;
        let best = match self.place.has_best {
            true => Some(load_model(&self.path, &tensors, "best.", model.clone())?),
            false => None,
        };
        let model = load_model(&self.path, &tensors, "model.", model)?;
        let carried = |(site, epoch, rows): &(String, u64, usize)| {
            let values = |part: &str| Some(floats(&tensors.tensor(&format!("carried.{site}.{part}")).ok()?));
            let (state, memory) = (values("state")?, values("memory")?);
            let units = state.len() / rows.max(&1);
            let whole = units * rows == state.len() && memory.len() == state.len();
            whole.then(|| CarriedState { site: site.clone(), epoch: *epoch, rows: *rows, units, state, memory })
        };
        model.set_carried(&self.place.carried.iter().filter_map(carried).collect::<Vec<_>>());
        let mut kept = OptimizerState { numbers: self.place.optimizer.clone(), ..OptimizerState::default() };
        for (name, tensor) in tensors.tensors() {
            if let Some(name) = name.strip_prefix("optimizer.") {
                let values = floats(&tensor);
                kept.tensors.insert(name.to_owned(), KeptTensor { shape: tensor.shape().to_vec(), values });
            }
        }
        let optimizer = optimizer.with_state(parameters, &kept).map_err(broken)?;
        if hooks.len() != self.place.hooks.len() {
            return Err(broken(format!(
                "it is of a training with {} gradient hooks; {ADVICE}",
                self.place.hooks.len()
            )));
        }
        for (hook, state) in hooks.iter_mut().zip(&self.place.hooks) {
            hook.restore(state).map_err(|problem| broken(format!("a gradient hook: {problem}")))?;
        }
        let mut averages = Averages::default();
        let trained = parameters.list().iter().filter(|parameter| parameter.trainable).count();
        for name in &self.place.averages {
            let weight = |number: usize| {
                let values = floats(&tensors.tensor(&format!("average.{name}.{number}")).ok()?);
                let length = values.len();
                Some(from_slice(values, [length], &cpu(false)))
            };
            let weights: Vec<_> = (0..trained).map_while(weight).collect();
            if weights.len() != trained {
                return Err(broken(format!("the average \"{name}\" is not whole")));
            }
            averages.0.insert(name.clone(), weights);
        }
        Ok((State { model, optimizer, hooks, averages }, best))
    }

    /// The recipe beside the backup.
    fn recipe(&self) -> Result<Recipe, TrainError> {
        let mut recipe = Recipe::load(&self.path.with_file_name(RECIPE_FILE))?;
        recipe.name.clone_from(&self.place.recipe_name);
        recipe.origin.folder.clone_from(&self.place.recipe_folder);
        Ok(recipe)
    }

    /// The loss of every step so far.
    pub(crate) fn losses(&self) -> Vec<f32> {
        let tensors = SafeTensors::deserialize(&self.bytes).ok();
        let tensor = tensors.as_ref().and_then(|tensors| tensors.tensor("losses").ok());
        tensor.map(|tensor| floats(&tensor)).unwrap_or_default()
    }

    /// The numbers of the epochs so far.
    pub(crate) fn history(&self) -> Vec<EpochRecord> {
        self.place.history.iter().map(Epoch::record).collect()
    }

    pub(crate) fn broken(&self, problem: String) -> TrainError {
        broken(&self.path, problem)
    }
}

/// What to do about a backup that does not fit.
const ADVICE: &str = "give the same recipe, data and callbacks, or begin a new run";

impl Place {
    /// Whether a record of the log tells of something before this place. What comes after the first that does not is done again.
    pub(crate) fn is_after(&self, record: &Record) -> bool {
        match record {
            Record::Step(step) => step.step < self.step,
            Record::Ranks(ranks) => ranks.step < self.step,
            Record::Incident(incident) => incident.step < self.step,
            Record::Epoch(epoch) => u64::from(epoch.epoch) < self.epoch.number,
            Record::Data(_) => self.epoch.number > 0,
            Record::End { .. } | Record::Trial { .. } => false,
            _ => true,
        }
    }
}

impl Epoch {
    fn of(record: &EpochRecord) -> Self {
        let scalars = record.scalars.iter().map(|(scalar, value)| (scalar.name().to_owned(), *value)).collect();
        Self { epoch: record.epoch, steps: record.steps, scalars, named: record.named.clone() }
    }

    fn record(&self) -> EpochRecord {
        let scalars = self.scalars.iter().filter_map(|(name, value)| Some((Scalar::from_name(name)?, *value)));
        let (scalars, named) = (scalars.collect(), self.named.clone());
        EpochRecord { epoch: self.epoch, steps: self.steps, scalars, named }
    }
}

/// The recipe of the run in a folder, with the folder that its paths started from: for a training that is to be resumed.
///
/// # Errors
/// When there is no backup, or the recipe beside it cannot be read.
pub fn recipe_to_resume(folder: &Path) -> Result<Recipe, TrainError> {
    Backup::load(folder)?.recipe()
}

/// `: "epochs = 5" is "epochs = 6" now`, for the first lines that differ.
fn differences(before: &str, now: &str) -> String {
    /// Lines that a message names (our choice).
    const MOST: usize = 3;
    let lines = crate::recipe::diff(before, now);
    let named = lines.iter().filter_map(|line| match line {
        crate::recipe::DiffLine::Removed(line) => Some(format!("it had `{}`", line.trim())),
        crate::recipe::DiffLine::Added(line) => Some(format!("now there is `{}`", line.trim())),
        crate::recipe::DiffLine::Same(_) => None,
    });
    let named: Vec<String> = named.take(MOST).collect();
    if named.is_empty() { String::new() } else { format!(" ({})", named.join(", ")) }
}

fn broken(path: &Path, problem: String) -> TrainError {
    TrainError::Weights { path: path.to_owned(), problem }
}
