//! What burn's layers keep besides weights: the running statistics of its batch norms.
//!
//! burn holds them in a `RunningState`, which clones share, and whose last update waits for the next one. A snapshot that changes with
//! the training, and a file that lacks the last batch, are what comes of it unless they are separated and settled, as here.
use crate::{ModulePath, from_slice, to_vec};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::prelude::*;
use std::collections::BTreeMap;

/// What burn calls its batch norm where a module is visited.
const BATCH_NORM: &str = "Struct:BatchNorm";

/// Where a batch norm is made to begin so that its momentum shows: far from what a batch can show, and a power of two.
const FAR: f32 = (1_u32 << 20) as f32;

/// A copy of a module on an autodiff device that shares the memory of its tensors and nothing else: running statistics of burn's layers
/// that one of the two takes in are not seen by the other.
#[must_use]
pub fn separate<M: Module>(module: &M) -> M {
    module.valid().train()
}

/// Brings the running statistics of burn's layers up to the last forward pass. burn itself does so at the next one.
pub fn settle<M: Module>(module: &M) {
    if !Fixed::of(module).0.is_empty() {
        // burn settles what it copies for evaluation.
        drop(module.valid());
    }
}

/// The values of a module that no optimizer changes, running statistics of burn's layers among them, as they are at one moment.
#[derive(Clone, Debug, Default)]
pub struct RunningStatistics(BTreeMap<ParamId, Tensor<1>>);

impl RunningStatistics {
    /// Those of the last forward pass.
    #[must_use]
    pub fn of<M: Module>(module: &M) -> Self {
        settle(module);
        Self(Fixed::of(module).0)
    }

    /// Gives a module these again.
    #[must_use]
    pub fn put_back<M: Module>(self, module: M) -> M {
        if self.0.is_empty() {
            return module;
        }
        settle(&module);
        module.map(&mut Put(self.0))
    }
}

/// Measures the running statistics of burn's batch norms anew, as `torch.optim.swa_utils.update_bn` does after weights were averaged: each becomes
/// the mean of what single batches show.
#[derive(Debug)]
pub struct BatchNormMeter<M> {
    module: M,
    norms: Vec<ParamId>,
    sums: BTreeMap<ParamId, Vec<f64>>,
    rows: f64,
}

impl<M: Module> BatchNormMeter<M> {
    /// A meter for a module on an autodiff device, which stays as it is. `None` where burn's batch norm is not in it.
    #[must_use]
    pub fn of(module: &M) -> Option<Self> {
        let mut norms = Norms::default();
        module.visit(&mut norms);
        let (module, norms) = (separate(module), norms.found);
        (!norms.is_empty()).then_some(Self { module, norms, sums: BTreeMap::new(), rows: 0.0 })
    }

    /// Takes in a batch of so many rows, by which it counts. `forward` runs a module over it.
    pub fn see(&mut self, rows: usize, forward: impl Fn(&M)) {
        // From 0, `(1 - momentum) * old + momentum * batch` is `momentum * batch`.
        for (id, shown) in self.shown_from(0.0, &forward) {
            let sums = self.sums.entry(id).or_insert_with(|| vec![0.0; shown.len()]);
            sums.iter_mut().zip(shown).for_each(|(sum, shown)| *sum += rows as f64 * f64::from(shown));
        }
        self.rows += rows as f64;
    }

    /// The statistics, given the last batch once more. One that takes nothing in, because its momentum is 0 or it is frozen, is left out.
    #[must_use]
    pub fn measured(mut self, device: &Device, forward: impl Fn(&M)) -> RunningStatistics {
        let (near, far) = (self.shown_from(0.0, &forward), self.shown_from(FAR, &forward));
        let measured = near.into_iter().filter_map(|(id, near)| {
            let kept = far[&id].iter().zip(&near).map(|(far, near)| f64::from(far - near) / f64::from(FAR));
            let momentum = 1.0 - kept.sum::<f64>() / near.len() as f64;
            let mean = |sum: &f64| (sum / self.rows / momentum) as f32;
            let values: Vec<f32> = self.sums.get(&id)?.iter().map(mean).collect();
            // What is below single precision is a momentum of 0.
            (momentum > f64::from(f32::EPSILON)).then(|| (id, from_slice(values, [near.len()], device)))
        });
        RunningStatistics(measured.collect())
    }

    /// What the statistics become in one forward pass that begins with all of them at `start`.
    fn shown_from(&mut self, start: f32, forward: &impl Fn(&M)) -> BTreeMap<ParamId, Vec<f32>> {
        let started = self.norms_of(RunningStatistics::of(&self.module)).map(|(id, old)| (id, old.full_like(start)));
        let started = RunningStatistics(started.collect()).put_back(separate(&self.module));
        forward(&started);
        self.norms_of(RunningStatistics::of(&started)).map(|(id, shown)| (id, to_vec(&shown))).collect()
    }

    fn norms_of(&self, all: RunningStatistics) -> impl Iterator<Item = (ParamId, Tensor<1>)> {
        all.0.into_iter().filter(|(id, _)| self.norms.contains(id))
    }
}

/// Values that take no gradient.
#[derive(Default)]
struct Fixed(BTreeMap<ParamId, Tensor<1>>);

impl Fixed {
    fn of<M: Module>(module: &M) -> Self {
        let mut fixed = Self::default();
        module.visit(&mut fixed);
        fixed
    }
}

impl ModuleVisitor for Fixed {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        if !value.is_require_grad() {
            self.0.insert(param.id, value.without_autodiff().flatten(0, D - 1));
        }
    }
}

/// The running statistics of batch norms.
#[derive(Default)]
struct Norms {
    path: ModulePath,
    found: Vec<ParamId>,
}

impl ModuleVisitor for Norms {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.leave();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.path.leaf().is_some_and(|(name, container)| container == BATCH_NORM && name.starts_with("running_")) {
            self.found.push(param.id);
        }
    }
}

struct Put(BTreeMap<ParamId, Tensor<1>>);

impl ModuleMapper for Put {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(values) = self.0.remove(&param.id) else { return param };
        let (id, old, mapper) = param.consume();
        let new = values.reshape(old.dims());
        let new = if old.is_autodiff() { Tensor::from_inner(new) } else { new };
        Param::from_mapped_value(id, new, mapper)
    }
}
