//! Where the first weights of a network come from.
use super::visit::{Section, Visitor};
use std::path::PathBuf;

/// `[model]`: weights to start from, instead of random ones.
///
/// ```toml
/// [model]
/// load = "pretrained.safetensors"             # of Barograph, or the state_dict of a PyTorch model
/// map = ["dense1 = backbone.fc", "head = fc2"] # only where names, shapes and order do not tell
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelSpec {
    /// `load`: a `.safetensors` file of weights, as `model.safetensors` of a run, or as `safetensors.torch.save_file(model.state_dict(), ...)`
    /// writes it. Layers are matched with modules by name, by shape, and by number among modules of one name and shape. Default: weights are
    /// drawn at random.
    pub load: Option<PathBuf>,
    /// `map`: which layer takes which module of a PyTorch file, each `"layer = module"`. Default: none.
    pub map: Vec<String>,
    /// `partial`: whether layers that the file has nothing for keep their random weights, as a new last layer does. Default false: they are
    /// an error.
    pub partial: bool,
}

impl ModelSpec {
    /// The entries of `map`: layer and module.
    ///
    /// # Errors
    /// The first entry that is no pair.
    pub(crate) fn pairs(&self) -> Result<Vec<(String, String)>, String> {
        let pair = |entry: &String| {
            let (ours, theirs) = entry.split_once('=').unwrap_or((entry, ""));
            let (ours, theirs) = (ours.trim(), theirs.trim());
            if ours.is_empty() || theirs.is_empty() {
                return Err(format!("{entry:?} is no pair; write \"layer = module\", such as \"dense1 = fc1\""));
            }
            Ok((ours.to_owned(), theirs.to_owned()))
        };
        self.map.iter().map(pair).collect()
    }
}

impl Section for ModelSpec {
    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        let mut load = self.load.as_ref().map(|path| path.display().to_string());
        visitor.text_or_none("load", &mut load);
        self.load = load.map(PathBuf::from);
        visitor.texts("map", &mut self.map);
        visitor.flag("partial", &mut self.partial);
    }
}
