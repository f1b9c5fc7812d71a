//! What callbacks are asked, and what the trainer does of what they want.
use super::run::Run;
use crate::callbacks::{Action, Callback, Readings, StepReport};
use crate::checkpoint;
use crate::engine::{StepPlan, StepResult};
use crate::model::Model;
use barograph_vocab::{Finding, RunEnd};

/// Asks each callback the same, in their order. Returns what they want.
pub(super) fn ask(
    callbacks: &mut [Box<dyn Callback>],
    mut question: impl FnMut(&mut dyn Callback) -> Action,
) -> Vec<Action> {
    let mut actions = Vec::new();
    for callback in callbacks {
        question(callback.as_mut()).flatten_into(&mut actions);
    }
    actions
}

impl<M: Model> Run<'_, M> {
    pub(super) fn ask(&mut self, question: impl FnMut(&mut dyn Callback) -> Action) -> Vec<Action> {
        ask(&mut self.callbacks, question)
    }

    /// Tells the callbacks of a step, and of what rules found in it.
    pub(super) fn report_step(&mut self, plan: &StepPlan, result: &StepResult, findings: &[Finding]) -> Vec<Action> {
        let report = StepReport {
            step: plan.step,
            epoch: plan.epoch,
            loss: f64::from(result.loss),
            accuracy: result.accuracy,
            learning_rate: plan.learning_rate,
            rows: &result.rows,
            refused: result.refused.as_deref(),
            readings: None,
        };
        let callbacks = &mut self.callbacks;
        let mut actions = match &self.observer {
            None => ask(callbacks, |callback| callback.step_end(&report)),
            Some(observer) => observer.with(|session| {
                let readings = Some(Readings { record: session.last_step(), sites: session.sites() });
                ask(callbacks, |callback| callback.step_end(&StepReport { readings, ..report }))
            }),
        };
        for finding in findings {
            actions.extend(self.ask(|callback| callback.finding(finding)));
        }
        actions
    }

    /// Gathers what the user should hear of.
    pub(super) fn ask_for_trouble(&mut self) {
        for callback in &mut self.callbacks {
            self.warnings.extend(callback.trouble());
        }
    }

    /// Performs what callbacks asked for, in the order of [`Action`]. Returns why the run ends, if it does.
    pub(super) fn perform(&mut self, mut actions: Vec<Action>) -> Option<RunEnd> {
        if actions.is_empty() {
            return None;
        }
        actions.sort_by_key(Action::strength);
        let mut base = self.rate.base;
        let mut end = None;
        for action in actions {
            match action {
                Action::Continue | Action::All(_) => {}
                Action::Note(text) => self.note(text),
                Action::KeepBest => self.best = self.state.as_ref().map(|state| state.model.clone()),
                Action::SetLearningRate(rate) => {
                    if let Some(before) = self.rate.set(rate, self.step) {
                        self.note(format!("the learning rate was set from {before} to {rate}"));
                    }
                    base = rate;
                }
                Action::ScaleLearningRate { factor, floor } => {
                    self.rate.scale(base, factor, floor);
                    let rate = self.rate.base;
                    self.note(format!("a callback set the learning rate from {base} to {rate}"));
                }
                Action::Checkpoint { file, remove } => self.checkpoint(&file, &remove),
                Action::Stop { reason, restore_best, failed } => {
                    if let (true, Some(best), Some(state)) = (restore_best, self.best.clone(), &mut self.state) {
                        state.model = best;
                    }
                    self.note(reason);
                    end.get_or_insert(if failed { RunEnd::Failed } else { RunEnd::Stopped });
                }
            }
        }
        end
    }

    /// Writes down that something was done to the run.
    pub(super) fn note(&self, text: String) {
        self.observe(|session| session.note(text));
    }

    pub(super) fn checkpoint(&mut self, file: &str, remove: &[String]) {
        let (Some(folder), Some(state)) = (&self.folder, &self.state) else { return };
        if let Err(error) = checkpoint::save(folder, file, &state.model, self.step, self.engine.recipe.hash()) {
            self.warnings.push(error.to_string());
            // Older checkpoints are only deleted once the new one is safe.
            return;
        }
        checkpoint::remove(folder, remove);
    }
}
