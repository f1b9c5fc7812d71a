//! Layers of a recipe that are written in Rust.
use super::{LayerKind, LayerSpec};
use crate::layers::CustomLayer;
use std::fmt;
use std::sync::Arc;

/// A layer that is written in Rust, by the name that a recipe's file holds.
#[derive(Clone)]
pub struct CustomSpec {
    /// What it is called.
    pub name: String,
    /// What is behind the name; nothing in a recipe that was read from a file.
    layer: Option<Arc<dyn CustomLayer>>,
}

impl CustomSpec {
    /// A layer under this name.
    #[must_use]
    pub fn new(name: impl Into<String>, layer: Arc<dyn CustomLayer>) -> Self {
        Self { name: name.into(), layer: Some(layer) }
    }

    /// The layer itself.
    ///
    /// # Errors
    /// When the recipe was read from a file, which cannot hold it.
    pub fn written(&self) -> Result<Arc<dyn CustomLayer>, String> {
        self.layer.clone().ok_or_else(|| {
            let name = &self.name;
            format!(
                "the layer {name:?} is written in Rust, and a file holds no more than its name; build the recipe in code, with LayerSpec::custom({name:?}, ..)"
            )
        })
    }
}

impl Default for CustomSpec {
    fn default() -> Self {
        Self { name: "custom".to_owned(), layer: None }
    }
}

impl fmt::Debug for CustomSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CustomSpec").field(&self.name).field(&self.layer).finish()
    }
}

/// The same name, and the same code behind it.
impl PartialEq for CustomSpec {
    fn eq(&self, other: &Self) -> bool {
        let same_code = match (&self.layer, &other.layer) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        };
        self.name == other.name && same_code
    }
}

/// Puts the code of custom layers behind their names again, in layers that were read from the text of `from`.
pub(super) fn take_code(layers: &mut [LayerSpec], from: &[LayerSpec]) {
    let mut known = Vec::new();
    collect(from, &mut known);
    put(layers, &known);
}

fn collect<'a>(layers: &'a [LayerSpec], known: &mut Vec<&'a CustomSpec>) {
    for layer in layers {
        if let LayerKind::Custom { layer } = &layer.kind {
            known.push(layer);
        }
        collect(layer.kind.layers().unwrap_or_default(), known);
    }
}

fn put(layers: &mut [LayerSpec], known: &[&CustomSpec]) {
    for layer in layers {
        if let LayerKind::Custom { layer } = &mut layer.kind
            && let Some(known) = known.iter().find(|known| known.name == layer.name)
        {
            *layer = (*known).clone();
        }
        put(layer.kind.layers_mut(), known);
    }
}
