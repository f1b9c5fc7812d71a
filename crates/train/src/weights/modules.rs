//! The modules of a PyTorch file, told by the names of its tensors.
use super::file::Stored;
use std::collections::{BTreeMap, BTreeSet};

/// Endings of names that are tensors of the module before them.
const LEAVES: [&str; 5] = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"];

/// The tensors of a module by their names within it.
pub(super) type Module = BTreeMap<String, Stored>;

/// Modules with weights, by their dotted paths. A block of a transformer is one module, and so is each layer of a recurrent one.
pub(super) fn of(tensors: &BTreeMap<String, Stored>) -> BTreeMap<String, Module> {
    let attentions: BTreeSet<&str> = tensors
        .keys()
        .filter_map(|name| name.strip_suffix("in_proj_weight"))
        .map(|path| path.trim_end_matches('.'))
        .collect();
    let blocks: BTreeSet<&str> = attentions
        .iter()
        .filter_map(|path| path.strip_suffix(".self_attn"))
        .filter(|path| is_block(path, tensors))
        .collect();
    let mut modules = BTreeMap::<String, Module>::new();
    for (name, tensor) in tensors {
        let inside = |paths: &BTreeSet<&str>| {
            let path = paths.iter().find(|path| name.strip_prefix(**path).is_some_and(|rest| rest.starts_with('.')))?;
            Some(((*path).to_owned(), name[path.len() + 1..].to_owned()))
        };
        let place = inside(&blocks).or_else(|| inside(&attentions)).or_else(|| recurrent(name)).or_else(|| plain(name));
        let (path, leaf, tensor) = match place {
            Some((path, leaf)) => (path, leaf, tensor.clone()),
            None => (name.clone(), "weight".to_owned(), bare(tensor)),
        };
        modules.entry(path).or_default().insert(leaf, tensor);
    }
    without_lonely_numbers(modules)
}

/// Whether a module with self-attention is a whole block, as `nn.TransformerEncoderLayer` has it.
fn is_block(path: &str, tensors: &BTreeMap<String, Stored>) -> bool {
    ["linear1", "linear2", "norm1", "norm2"].iter().all(|part| tensors.contains_key(&format!("{path}.{part}.weight")))
}

/// `lstm.weight_ih_l0_reverse` is `weight_ih_reverse` of layer 0 of `lstm`.
fn recurrent(name: &str) -> Option<(String, String)> {
    let (path, leaf) = name.rsplit_once('.').unwrap_or(("", name));
    let (stem, rest) = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]
        .into_iter()
        .find_map(|stem| Some((stem, leaf.strip_prefix(stem)?.strip_prefix("_l")?)))?;
    let (number, ending) = match rest.strip_suffix("_reverse") {
        Some(number) => (number, "_reverse"),
        None => (rest, ""),
    };
    number.bytes().all(|byte| byte.is_ascii_digit()).then(|| (format!("{path}.l{number}"), format!("{stem}{ending}")))
}

fn plain(name: &str) -> Option<(String, String)> {
    let (path, leaf) = name.rsplit_once('.')?;
    LEAVES.contains(&leaf).then(|| (path.to_owned(), leaf.to_owned()))
}

/// A parameter by itself; those of positions often have a first axis of length 1, for the batch.
fn bare(tensor: &Stored) -> Stored {
    match tensor.shape.as_slice() {
        [1, rest @ ..] if rest.len() > 1 => Stored { shape: rest.to_vec(), values: tensor.values.clone() },
        _ => tensor.clone(),
    }
}

/// A recurrent module of one layer goes by its own name, `lstm` and not `lstm.l0`.
fn without_lonely_numbers(modules: BTreeMap<String, Module>) -> BTreeMap<String, Module> {
    let second: BTreeSet<String> =
        modules.keys().filter_map(|path| path.strip_suffix(".l1")).map(str::to_owned).collect();
    let renamed = |path: String, module: &Module| match path.strip_suffix(".l0") {
        Some(own) if module.contains_key("weight_ih") && !second.contains(own) => own.to_owned(),
        _ => path,
    };
    modules.into_iter().map(|(path, module)| (renamed(path, &module), module)).collect()
}
