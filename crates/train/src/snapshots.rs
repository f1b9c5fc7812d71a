//! What a replay starts from.
use crate::engine::{State, StepPlan};
use burn::module::Module;
use std::collections::VecDeque;

/// Steps between two snapshots where a recipe does not say. A snapshot shares its tensors with the training; its cost is that
/// the next step writes its weights and optimizer state into new memory. At 50 that is below 1 % even for a step that does
/// little else (see the overhead benchmark).
const DEFAULT_EVERY: u64 = 50;

/// Snapshots kept: with two, an incident right after a snapshot can still be replayed from before its cause.
const KEPT: usize = 2;

/// A snapshot from which a run goes on after trouble is at least this many steps older than the trouble, if there is one: what makes a
/// loss leap was often done a few steps before (our choice).
const MARGIN: u64 = 10;

/// A step that was done, and the bits of its loss.
pub(crate) type Done = (StepPlan, u32);

/// The last snapshots, and what every step since the oldest of them did.
pub(crate) struct Snapshots<M> {
    every: u64,
    kept: VecDeque<(u64, State<M>)>,
    steps: VecDeque<Done>,
}

impl<M: Module> Snapshots<M> {
    /// Snapshots every so many steps. `state_bytes` is the size of weights and optimizer state; when one snapshot is larger than
    /// `cap_bytes`, none is taken.
    pub(crate) fn new(every: Option<u64>, state_bytes: u64, cap_bytes: u64) -> Self {
        let every = if state_bytes > cap_bytes { 0 } else { every.unwrap_or(DEFAULT_EVERY) };
        Self { every, kept: VecDeque::new(), steps: VecDeque::new() }
    }

    /// Whether none is ever taken.
    pub(crate) fn is_off(&self) -> bool {
        self.every == 0
    }

    /// Takes a snapshot before `step`, if one is due.
    pub(crate) fn before(&mut self, step: u64, state: &State<M>) {
        if self.is_off() || !(step.is_multiple_of(self.every) || self.kept.is_empty()) {
            return;
        }
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back((step, state.clone()));
        let oldest = self.kept.front().map_or(step, |(step, _)| *step);
        while self.steps.front().is_some_and(|(plan, _)| plan.step < oldest) {
            self.steps.pop_front();
        }
    }

    /// Remembers a step and the bits of its loss.
    pub(crate) fn after(&mut self, plan: StepPlan, loss_bits: u32) {
        if !self.is_off() {
            self.steps.push_back((plan, loss_bits));
        }
    }

    /// The last snapshot at or before `step`, and the steps from there on.
    pub(crate) fn nearest(&self, step: u64) -> Option<(&State<M>, Vec<&Done>)> {
        let (from, state) = self.kept.iter().rev().find(|(from, _)| *from <= step)?;
        Some((state, self.steps.iter().filter(|(plan, _)| plan.step >= *from && plan.step <= step).collect()))
    }

    /// The snapshot to go on from after trouble at `step`, with its own step. None is left, so that the next step takes a new one.
    pub(crate) fn take_before_trouble(&mut self, step: u64) -> Option<(u64, State<M>)> {
        let place = self.kept.iter().rposition(|(from, _)| from + MARGIN <= step).unwrap_or(0);
        let taken = self.kept.remove(place);
        if taken.is_some() {
            self.kept.clear();
            self.steps.clear();
        }
        taken
    }

    /// The oldest snapshot: the farthest from an incident, for trials of remedies.
    pub(crate) fn oldest(&self) -> Option<(u64, &State<M>)> {
        self.kept.front().map(|(step, state)| (*step, state))
    }
}
