//! Weights from a file: of Barograph, or of PyTorch, whose modules are matched with layers.
mod file;
mod matching;
mod modules;
mod units;

use crate::network::Network;
use crate::recipe::{ModelSpec, Problem, Recipe, RecipeError};
use barograph_burn::{ModulePath, from_slice};
use burn::module::{Module, ModuleMapper, Param};
use burn::prelude::*;
use file::{Stored, WeightFile};
use matching::{How, Matching};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What was taken from a file of weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedWeights {
    /// The file.
    pub file: PathBuf,
    /// Layers that got weights, in the order of the network.
    pub layers: Vec<LoadedLayer>,
    /// Layers that keep their random weights.
    pub kept: Vec<String>,
    /// Modules of the file that no layer took.
    pub unused: Vec<String>,
}

/// A layer that got its weights from a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedLayer {
    /// The layer.
    pub site: String,
    /// What was done: `dense`, `lstm`, and so on.
    pub kind: &'static str,
    /// The module of the file.
    pub module: String,
    /// How the two were found to belong together: by `map`, `name`, `shape` or `order`.
    pub how: &'static str,
    /// The tensors of the module, with their shapes.
    pub tensors: String,
}

/// Gives a network the weights of a file that `[model]` names; `None` where it names none.
pub(crate) fn load(network: Network, recipe: &Recipe) -> Result<(Network, Option<LoadedWeights>), RecipeError> {
    let Some(file) = &recipe.model.load else { return Ok((network, None)) };
    let path = recipe.origin.resolve(file);
    let (network, loaded) = load_from(&path, network, &recipe.model).map_err(|problems| {
        let place = recipe.place("model.load");
        let problems = problems.into_iter().map(|text| Problem::new(place, "model.load", text));
        RecipeError::Invalid(problems.collect())
    })?;
    Ok((network, Some(loaded)))
}

/// Gives a network the weights of a file: of Barograph by name, of PyTorch module by module, as a recipe's `[model]` says it.
///
/// Layouts are PyTorch's afterwards or before, as it must be: weights of linear modules are transposed, the two biases of a recurrent module are
/// added up (but for a GRU), the joint projection of an attention is taken apart, running statistics of batch norms are taken over.
///
/// # Errors
/// What is wrong, a sentence each: a file that cannot be read, layers that nothing fits, or that several modules fit.
pub fn load_from(path: &Path, network: Network, spec: &ModelSpec) -> Result<(Network, LoadedWeights), Vec<String>> {
    let pairs = spec.pairs().map_err(|text| vec![text])?;
    let file = WeightFile::read(path).map_err(|text| vec![text])?;
    let (units, modules) = (units::of(&network), modules::of(&file.tensors));
    let matching = if file.is_own {
        matching::by_own_names(&units, &file.tensors, spec.partial)
    } else {
        matching::with_modules(&units, &modules, &pairs, spec.partial)
    };
    let name = path.display();
    let Matching { matches, kept, unused } =
        matching.map_err(|problems| problems.into_iter().map(|text| format!("{name}: {text}")).collect::<Vec<_>>())?;
    let mut values = BTreeMap::new();
    let mut layers = Vec::new();
    for one in &matches {
        values.extend(one.values());
        layers.push(LoadedLayer {
            site: one.unit.site.clone(),
            kind: one.unit.kind,
            module: one.module.clone(),
            how: one.how.name(),
            tensors: one.tensors(),
        });
    }
    Ok((apply(network, &values), LoadedWeights { file: path.to_owned(), layers, kept, unused }))
}

/// Puts values in the places of weights and buffers; what is not among them stays.
fn apply(network: Network, values: &BTreeMap<String, Stored>) -> Network {
    for (name, stored) in values {
        // What is no buffer is a weight, which the mapper finds.
        let _ = crate::model::Model::set_buffer(&network, name, stored.values.clone());
    }
    let names = network.clone();
    network.map(&mut Mapper { names: &names, values, path: ModulePath::default() })
}

struct Mapper<'a> {
    names: &'a Network,
    values: &'a BTreeMap<String, Stored>,
    path: ModulePath,
}

impl ModuleMapper for Mapper<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.leave();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let path = crate::model::Model::site_of(self.names, &self.path.dotted());
        let Some(stored) = self.values.get(&path) else { return param };
        let (id, old, mapper) = param.consume();
        let new = from_slice(stored.values.clone(), old.dims(), &old.device()).set_require_grad(old.is_require_grad());
        Param::from_mapped_value(id, new, mapper)
    }
}

impl How {
    const fn name(self) -> &'static str {
        match self {
            Self::Map => "map",
            Self::Name => "name",
            Self::Shape => "shape",
            Self::Order => "order",
        }
    }
}
