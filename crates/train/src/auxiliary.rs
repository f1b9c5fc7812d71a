//! Losses on the inside of a model, which are added to that of its outputs.
use crate::error::TrainError;
use crate::losses::{LossPart, TargetTensor};
use crate::metric::Metrics;
use crate::model::Model;
use crate::recipe::{RegularizerKind, suggest};
use crate::weight_rules::Regularizer;
use barograph_burn::{Kept, Scope, device_of, from_slice, ops};
use burn::prelude::*;
use std::sync::Arc;

/// A loss of activations inside of a model, such as one that asks for sparse codes, or one on the output of an early layer. Any function from
/// activations, each `[batch, values]`, and the targets to one number (shape `[1]`) is one.
pub trait AuxiliaryLoss: Send + Sync {
    /// The loss of a batch, shape `[1]`; the activations come in the order in which their sites were named.
    fn loss(&self, activations: &[Tensor<2>], targets: &TargetTensor) -> Tensor<1>;
}

impl<F: Fn(&[Tensor<2>], &TargetTensor) -> Tensor<1> + Send + Sync> AuxiliaryLoss for F {
    fn loss(&self, activations: &[Tensor<2>], targets: &TargetTensor) -> Tensor<1> {
        self(activations, targets)
    }
}

/// A loss that was asked for from code.
#[derive(Clone)]
pub(crate) struct AskedLoss {
    /// What it is called; the site of its readings.
    pub(crate) name: String,
    /// By which it counts.
    pub(crate) weight: f64,
    /// Whose activations it sees.
    pub(crate) sites: Vec<String>,
    pub(crate) loss: Arc<dyn AuxiliaryLoss>,
}

/// Every loss on the inside of a model, and what else is gathered besides the loss of its outputs.
#[derive(Default)]
pub(crate) struct Auxiliary {
    asked: Vec<AskedLoss>,
    /// Regularizers of activations, by site.
    activities: Vec<(String, RegularizerKind)>,
    /// As users gave them.
    pub(crate) metrics: Metrics,
}

impl Auxiliary {
    /// What a model says of its activations, and what code asks besides.
    pub(crate) fn new<M: Model>(model: &M, features: usize, asked: Vec<AskedLoss>) -> Result<Self, TrainError> {
        let auxiliary = Self { asked, activities: model.activity_regularizers(), metrics: Metrics::default() };
        if !auxiliary.asked.is_empty() {
            auxiliary.check(model, features)?;
        }
        Ok(auxiliary)
    }

    /// With these metrics.
    pub(crate) fn with_metrics(self, metrics: Metrics) -> Self {
        Self { metrics, ..self }
    }

    /// Runs the model on one row of zeros, and looks for every site.
    fn check<M: Model>(&self, model: &M, features: usize) -> Result<(), TrainError> {
        let kept = Kept::every();
        let _scope = Scope { kept: Some(kept.clone()), ..Scope::default() }.enter();
        let _ = model.valid().forward(from_slice(vec![0.0; features], [1, features], &device_of(model, false)));
        let known = kept.sites();
        for AskedLoss { name, sites, .. } in &self.asked {
            if let Some(site) = sites.iter().find(|site| !known.contains(site)) {
                let hint = suggest::hint(site, known.iter().map(String::as_str));
                return Err(TrainError::Mismatch(format!(
                    "the loss {name} asks for the activation of {site:?}, which the model does not have{hint}"
                )));
            }
        }
        Ok(())
    }

    /// What the forward pass is to keep; `None` for nothing.
    pub(crate) fn keep(&self) -> Option<Kept> {
        let asked = self.asked.iter().flat_map(|asked| asked.sites.iter().cloned());
        let sites: Vec<String> = asked.chain(self.activities.iter().map(|(site, _)| site.clone())).collect();
        (!sites.is_empty()).then(|| Kept::of(sites))
    }

    /// The losses that were asked for, of the activations that this thread's forward pass has kept.
    pub(crate) fn parts(&self, targets: &TargetTensor) -> Vec<LossPart> {
        let Some(kept) = Scope::kept() else { return Vec::new() };
        let of = |asked: &AskedLoss| {
            let activations = asked.sites.iter().map(|site| kept.get(site)).collect::<Option<Vec<_>>>()?;
            let value = Scope::at(&asked.name, || asked.loss.loss(&activations, targets));
            Some(LossPart { name: Some(asked.name.clone()), weight: asked.weight, value })
        };
        self.asked.iter().filter_map(of).collect()
    }

    /// What the regularizers of activations add, shape `[1]`: as in Keras, over the whole batch and then divided by its rows.
    pub(crate) fn penalty(&self) -> Option<Tensor<1>> {
        let kept = Scope::kept().filter(|_| !self.activities.is_empty())?;
        Scope::at("activity_regularizers", || {
            let of = |(site, regularizer): &(String, RegularizerKind)| {
                let activation = kept.get(site)?;
                let rows = activation.dims()[0].max(1);
                Some(ops::div_scalar(regularizer.penalty(activation), rows as f64))
            };
            self.activities.iter().filter_map(of).reduce(ops::add)
        })
    }
}
