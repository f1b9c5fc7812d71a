//! Activations that a loss on the inside of a model asks for.
use burn::prelude::*;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Keeps the activations of some sites from the forward pass until the loss is computed. A clone shares them.
#[derive(Clone, Default)]
pub struct Kept(Arc<Mutex<Sites>>);

#[derive(Default)]
struct Sites {
    /// `None` for every site.
    wanted: Option<Vec<String>>,
    found: BTreeMap<String, Tensor<2>>,
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Kept").field(&self.sites()).finish()
    }
}

impl Kept {
    /// Keeps these sites.
    #[must_use]
    pub fn of(sites: Vec<String>) -> Self {
        Self(Arc::new(Mutex::new(Sites { wanted: Some(sites), found: BTreeMap::new() })))
    }

    /// Keeps every site.
    #[must_use]
    pub fn every() -> Self {
        Self::default()
    }

    /// The activation at a site, `[batch, values]`, as part of the graph; `None` where the forward pass did not come by.
    #[must_use]
    pub fn get(&self, site: &str) -> Option<Tensor<2>> {
        self.lock().found.get(site).cloned()
    }

    /// The sites at which there is one.
    #[must_use]
    pub fn sites(&self) -> Vec<String> {
        self.lock().found.keys().cloned().collect()
    }

    pub(crate) fn offer<const D: usize>(&self, site: &str, x: &Tensor<D>) {
        let mut sites = self.lock();
        let is_wanted = sites.wanted.as_ref().is_none_or(|wanted| wanted.iter().any(|wanted| wanted == site));
        if is_wanted {
            let dims = x.dims();
            let values = dims[1..].iter().product();
            sites.found.insert(site.to_owned(), x.clone().reshape([dims[0], values]));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Sites> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
