//! Which sites belong together: a layer, its weight and its bias.
use barograph_vocab::{SiteId, Sites};

/// Names of parameters that are one vector a unit wide, by the usage of torch, Keras and burn.
const VECTORS: [&str; 5] = ["bias", "beta", "gamma", "running_mean", "running_var"];

/// The layer of each site, worked out once from the paths.
///
/// A parameter lives at its layer's own path, or one level below it: `fc1.weight` belongs to `fc1` if `fc1` is a site.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    layer: Vec<SiteId>,
    matrix: Vec<bool>,
}

impl Layers {
    pub(crate) fn rebuild(&mut self, sites: &Sites) {
        self.layer.clear();
        self.matrix.clear();
        for id in (0..sites.len() as u32).map(SiteId) {
            let (parent, name) = sites.path(id).rsplit_once('.').unwrap_or(("", sites.path(id)));
            self.layer.push(sites.find(parent).unwrap_or(id));
            let axes = sites.get(id).map_or(0, |site| site.shape.len());
            self.matrix.push(axes != 1 && !VECTORS.contains(&name));
        }
    }

    /// The layer that a parameter belongs to; a layer belongs to itself.
    pub(crate) fn of(&self, site: SiteId) -> SiteId {
        self.layer.get(site.index()).copied().unwrap_or(site)
    }

    /// Whether the parameter here may be a matrix (or more axes), and not a bias.
    pub(crate) fn is_matrix(&self, site: SiteId) -> bool {
        self.matrix.get(site.index()).copied().unwrap_or(true)
    }
}
