//! What the code of a model may know of the step in which it runs.
//!
//! A model's `forward` takes tensors and nothing else, so that it stays as short as the mathematics. What else a layer
//! needs (is this training? which random numbers? who observes?) is set here by the training loop, for its thread.
use crate::{Kept, Observer, Trace};
use burn::prelude::*;
use std::cell::RefCell;

/// The key of all randomness of one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepKey {
    /// The seed of the run.
    pub seed: u64,
    /// The step.
    pub step: u64,
    /// The batch within the step, from 0: more than one where gradients are accumulated.
    pub batch: u32,
}

impl StepKey {
    /// Step and batch as one number, which differs for all batches of the first 2^48 steps.
    #[must_use]
    pub const fn counter(self) -> u64 {
        self.step ^ (self.batch as u64) << 48
    }
}

/// The surroundings of one forward and backward pass.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Whether dropout drops and normalization uses the batch.
    pub training: bool,
    /// The key of the step's randomness.
    pub key: StepKey,
    /// Who takes readings; nobody in evaluation and in replays.
    pub observer: Option<Observer>,
    /// Who records operations; only the last step of a replay has one.
    pub trace: Option<Trace>,
    /// Who keeps activations for a loss on the inside of the model.
    pub kept: Option<Kept>,
}

struct Current {
    scope: Scope,
    sites: Vec<String>,
    /// Which time steps of the batch count, where not all do.
    mask: Option<Tensor<2>>,
}

thread_local! {
    static CURRENT: RefCell<Current> = RefCell::new(Current { scope: Scope::default(), sites: Vec::new(), mask: None });
}

impl Scope {
    /// Makes this the scope of the calling thread until the guard is dropped.
    #[must_use]
    pub fn enter(self) -> ScopeGuard {
        CURRENT.with_borrow_mut(|current| {
            let before = std::mem::replace(&mut current.scope, self);
            ScopeGuard { before: Some((before, std::mem::take(&mut current.sites), current.mask.take())) }
        })
    }

    /// Whether the calling thread is in a training step.
    #[must_use]
    pub fn is_training() -> bool {
        CURRENT.with_borrow(|current| current.scope.training)
    }

    /// The key of the calling thread's step.
    #[must_use]
    pub fn step_key() -> StepKey {
        CURRENT.with_borrow(|current| current.scope.key)
    }

    /// What the calling thread's forward pass keeps.
    #[must_use]
    pub fn kept() -> Option<Kept> {
        CURRENT.with_borrow(|current| current.scope.kept.clone())
    }

    /// Says which time steps of the calling thread's batch count: `[batch, time]`, 1 for a step and 0 for padding.
    pub fn set_mask(mask: Option<Tensor<2>>) {
        CURRENT.with_borrow_mut(|current| current.mask = mask);
    }

    /// Which time steps of the calling thread's batch count, where not all do: `[batch, time]`.
    #[must_use]
    pub fn mask() -> Option<Tensor<2>> {
        CURRENT.with_borrow(|current| current.mask.clone())
    }

    /// Runs `work` at a site: operations recorded in it carry this dotted path.
    pub fn at<R>(site: &str, work: impl FnOnce() -> R) -> R {
        if trace().is_none() {
            return work();
        }
        CURRENT.with_borrow_mut(|current| current.sites.push(site.to_owned()));
        let result = work();
        CURRENT.with_borrow_mut(|current| current.sites.pop());
        result
    }
}

/// Brings the previous scope back when dropped.
#[derive(Debug)]
pub struct ScopeGuard {
    before: Option<(Scope, Vec<String>, Option<Tensor<2>>)>,
}

impl Drop for ScopeGuard {
    fn drop(&mut self) {
        if let Some((scope, sites, mask)) = self.before.take() {
            CURRENT.with_borrow_mut(|current| {
                current.scope = scope;
                current.sites = sites;
                current.mask = mask;
            });
        }
    }
}

/// The observer of the calling thread's scope.
pub(crate) fn observer() -> Option<Observer> {
    CURRENT.with_borrow(|current| current.scope.observer.clone())
}

/// The trace of the calling thread's scope.
pub(crate) fn trace() -> Option<Trace> {
    CURRENT.with_borrow(|current| current.scope.trace.clone())
}

/// The dotted path of the site in which the calling thread works.
pub(crate) fn site() -> String {
    CURRENT.with_borrow(|current| current.sites.join("."))
}
