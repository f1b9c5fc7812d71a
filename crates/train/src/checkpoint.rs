//! Models on disk, as safetensors.
use crate::batches::Batch;
use crate::error::TrainError;
use crate::model::Model;
use crate::recipe::Recipe;
use barograph_burn::{ModulePath, from_slice, settle, to_vec};
use burn::module::{ModuleMapper, ModuleVisitor, Param};
use burn::prelude::*;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The folder of a run that holds its checkpoints.
const CHECKPOINTS: &str = "checkpoints";

/// The file of a run that holds its model as it ended.
pub const MODEL_FILE: &str = "model.safetensors";

/// The recipe of a run, as it was trained.
pub const RECIPE_FILE: &str = "recipe.toml";

/// A tensor on its way to disk.
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
}

/// Makes the folder ready: keeps the recipe beside the log.
pub(crate) fn prepare(folder: &Path, recipe: &Recipe) -> Result<(), TrainError> {
    write(&folder.join(RECIPE_FILE), recipe.text().as_bytes())
}

/// Writes the weights and buffers of a model into the run's folder of checkpoints.
pub(crate) fn save<M: Model>(folder: &Path, file: &str, model: &M, step: u64, recipe: u64) -> Result<(), TrainError> {
    let folder = folder.join(CHECKPOINTS);
    fs::create_dir_all(&folder).map_err(|source| TrainError::File {
        action: "make the folder",
        path: folder.clone(),
        source,
    })?;
    save_weights(&folder.join(file), model, step, recipe)
}

/// Writes the model as the run ended.
pub(crate) fn save_model<M: Model>(folder: &Path, model: &M, step: u64, recipe: u64) -> Result<(), TrainError> {
    save_weights(&folder.join(MODEL_FILE), model, step, recipe)
}

/// Whether there is a checkpoint of this name.
pub(crate) fn exists(folder: &Path, file: &str) -> bool {
    folder.join(CHECKPOINTS).join(file).exists()
}

/// Deletes checkpoints that no callback wants any more; one that is gone already is fine.
pub(crate) fn remove(folder: &Path, files: &[String]) {
    for file in files {
        let _ = fs::remove_file(folder.join(CHECKPOINTS).join(file));
    }
}

/// Writes the batch of an incident, and the weights of the snapshot it was replayed from, into the run's folder `incident`.
pub(crate) fn save_incident<M: Model>(folder: &Path, model: &M, batch: &Batch) -> Result<(), TrainError> {
    let folder = barograph_store::incident_folder(folder);
    fs::create_dir_all(&folder).map_err(|source| TrainError::File {
        action: "make the folder",
        path: folder.clone(),
        source,
    })?;
    let inputs =
        Entry { name: "inputs".to_owned(), shape: vec![batch.len(), batch.features], values: batch.inputs.clone() };
    let rows = batch.numbers.iter().map(|&row| row as f32).collect();
    let rows = Entry { name: "rows".to_owned(), shape: vec![batch.len()], values: rows };
    write_tensors(&folder.join("batch.safetensors"), &[inputs, rows], HashMap::new())?;
    save_weights(&folder.join("snapshot.safetensors"), model, 0, 0)
}

/// Writes weights and buffers of a model to a file, with the step and the recipe's hash in its header. The file is whole or not
/// there: it is written under another name and then renamed.
///
/// # Errors
/// When the file cannot be written.
pub fn save_weights<M: Model>(path: &Path, model: &M, step: u64, recipe: u64) -> Result<(), TrainError> {
    let entries = entries_of("", model);
    // One entry: several would be written in the random order of a hash map, and equal models should be equal files.
    let header = HashMap::from([("barograph".to_owned(), format!("step {step}, recipe {recipe:016x}"))]);
    write_tensors(path, &entries, header)
}

/// The weights and buffers of a model, their names behind `prefix`.
pub(crate) fn entries_of<M: Model>(prefix: &str, model: &M) -> Vec<Entry> {
    settle(model);
    let mut collector = Collector { model, path: ModulePath::default(), entries: Vec::new() };
    model.visit(&mut collector);
    let mut entries = collector.entries;
    entries.extend(model.buffers().into_iter().map(|(name, values)| Entry { name, shape: vec![values.len()], values }));
    for entry in &mut entries {
        entry.name.insert_str(0, prefix);
    }
    entries
}

/// Reads weights and buffers into a model of the same shape.
///
/// # Errors
/// When the file cannot be read, is no safetensors file, or lacks a weight, or has one of another shape.
pub fn load_weights<M: Model>(path: &Path, model: M) -> Result<M, TrainError> {
    let bytes = fs::read(path).map_err(|source| TrainError::File {
        action: "read the weights",
        path: path.to_owned(),
        source,
    })?;
    let broken = |problem: String| TrainError::Weights { path: path.to_owned(), problem };
    let tensors =
        SafeTensors::deserialize(&bytes).map_err(|error| broken(format!("not a whole safetensors file: {error}")))?;
    load_model(path, &tensors, "", model)
}

/// The same from tensors whose names begin with `prefix`.
pub(crate) fn load_model<M: Model>(
    path: &Path,
    tensors: &SafeTensors<'_>,
    prefix: &str,
    model: M,
) -> Result<M, TrainError> {
    let broken = |problem: String| TrainError::Weights { path: path.to_owned(), problem };
    for (name, values) in model.buffers() {
        let tensor = tensors
            .tensor(&format!("{prefix}{name}"))
            .map_err(|_| broken(format!("it has no \"{name}\"; was it saved from another network?")))?;
        if !model.set_buffer(&name, floats(&tensor)) {
            return Err(broken(format!(
                "\"{name}\" has shape {:?}, and the network wants [{}]",
                tensor.shape(),
                values.len()
            )));
        }
    }
    let names = model.clone();
    let mut loader = Loader { names: &names, tensors, prefix, path: ModulePath::default(), problem: None };
    let model = model.map(&mut loader);
    match loader.problem {
        Some(problem) => Err(broken(problem)),
        None => Ok(model),
    }
}

pub(crate) fn floats(tensor: &TensorView<'_>) -> Vec<f32> {
    tensor.data().chunks_exact(4).map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).collect()
}

fn write_tensors(path: &Path, entries: &[Entry], header: HashMap<String, String>) -> Result<(), TrainError> {
    write_tensors_with(path, entries, header, write)
}

/// Writes tensors by one of the ways to write a file.
pub(crate) fn write_tensors_with(
    path: &Path,
    entries: &[Entry],
    header: HashMap<String, String>,
    write: impl FnOnce(&Path, &[u8]) -> Result<(), TrainError>,
) -> Result<(), TrainError> {
    let bytes: Vec<Vec<u8>> =
        entries.iter().map(|entry| entry.values.iter().flat_map(|value| value.to_le_bytes()).collect()).collect();
    let broken =
        |error: safetensors::SafeTensorError| TrainError::Weights { path: path.to_owned(), problem: error.to_string() };
    let views = entries
        .iter()
        .zip(&bytes)
        .map(|(entry, bytes)| Ok((entry.name.clone(), TensorView::new(Dtype::F32, entry.shape.clone(), bytes)?)));
    let views = views.collect::<Result<Vec<_>, _>>().map_err(broken)?;
    write(path, &safetensors::serialize(views, Some(header)).map_err(broken)?)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let part: PathBuf = path.with_extension("part");
    fs::write(&part, bytes).and_then(|()| fs::rename(&part, path)).map_err(|source| {
        let _ = fs::remove_file(&part);
        TrainError::File { action: "write", path: path.to_owned(), source }
    })
}

/// The same, and when it returns the file is on the disk, whatever becomes of the machine.
pub(crate) fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let part: PathBuf = path.with_extension("part");
    let write = || {
        let mut file = File::create(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, path)?;
        // The name is in the folder, which is synced too.
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    write().map_err(|source| {
        let _ = fs::remove_file(&part);
        TrainError::File { action: "write", path: path.to_owned(), source }
    })
}

struct Collector<'a, M> {
    model: &'a M,
    path: ModulePath,
    entries: Vec<Entry>,
}

impl<M: Model> ModuleVisitor for Collector<'_, M> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.leave();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        self.entries.push(Entry {
            name: self.model.site_of(&self.path.dotted()),
            shape: value.dims().to_vec(),
            values: to_vec(&value),
        });
    }
}

struct Loader<'a, M> {
    names: &'a M,
    tensors: &'a SafeTensors<'a>,
    prefix: &'a str,
    path: ModulePath,
    problem: Option<String>,
}

impl<M: Model> ModuleMapper for Loader<'_, M> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.leave();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.names.site_of(&self.path.dotted());
        let (id, old, mapper) = param.consume();
        let shape = old.dims();
        let new = match self.tensors.tensor(&format!("{}{name}", self.prefix)) {
            Ok(tensor) if tensor.shape() == shape && tensor.dtype() == Dtype::F32 => {
                from_slice(floats(&tensor), shape, &old.device()).set_require_grad(old.is_require_grad())
            }
            Ok(tensor) => {
                self.problem.get_or_insert_with(|| {
                    format!(
                        "\"{name}\" is {:?} {:?}, and the network wants F32 {shape:?}",
                        tensor.dtype(),
                        tensor.shape()
                    )
                });
                old
            }
            Err(_) => {
                self.problem = Some(format!("it has no \"{name}\"; was it saved from another network?"));
                old
            }
        };
        Param::from_mapped_value(id, new, mapper)
    }
}
