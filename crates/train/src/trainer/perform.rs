//! What callbacks are asked, and what the trainer does of what they want.
use super::run::Run;
use crate::callbacks::{Action, Callback, Readings, StepReport};
use crate::checkpoint;
use crate::engine::{State, StepPlan, StepResult};
use crate::evaluate::measure_normalization;
use crate::model::Model;
use barograph_burn::separate;
use barograph_vocab::{Finding, RunEnd};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long a paused training sleeps before it asks its callbacks again (our choice).
const PAUSE: Duration = Duration::from_millis(50);

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
                let (record, sites, histograms) = (session.last_step(), session.sites(), session.histograms());
                let readings = Some(Readings { record, sites, histograms });
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
                Action::RollBack { reason } => self.roll_back(&reason),
                Action::Average { name, share } => {
                    // One weight that is not finite would stay in the average for ever.
                    if let Some(state) = &mut self.state
                        && self.parameters.first_non_finite(&state.model).is_none()
                    {
                        state.averages.blend(&name, &state.model, share);
                    }
                }
                Action::SwapAverage { name } => {
                    self.state = self.state.take().map(|mut state| {
                        let model = state.averages.swap(&name, state.model);
                        State { model, ..state }
                    });
                }
                Action::MeasureNormalization => {
                    if let Some(state) = &mut self.state {
                        match measure_normalization(self.engine, &state.model) {
                            Ok(model) => state.model = model,
                            Err(error) => self
                                .warnings
                                .push(format!("the statistics of batch norms were not measured anew: {error}")),
                        }
                    }
                }
                Action::KeepBest => self.best = self.state.as_ref().map(|state| separate(&state.model)),
                Action::RestoreBest => self.restore_best(),
                Action::SetLearningRate(rate) => {
                    self.rate.set(rate);
                    base = rate;
                }
                Action::ScaleLearningRate { factor, floor } => {
                    self.rate.scale(base, factor, floor);
                    let rate = self.rate.base;
                    self.note(format!("a callback set the learning rate from {base} to {rate}"));
                }
                Action::Checkpoint { file } => self.checkpoint(&file),
                Action::Backup => self.back_up(),
                Action::DeleteBackup => self.delete_backup(),
                Action::Pause => self.paused = true,
                Action::Unpause => self.paused = false,
                Action::Interrupt { reason } => {
                    self.note(reason);
                    end.get_or_insert(RunEnd::Interrupted);
                }
                Action::Stop { reason, restore_best, failed } => {
                    if restore_best {
                        self.restore_best();
                    }
                    self.note(reason);
                    end.get_or_insert(if failed { RunEnd::Failed } else { RunEnd::Stopped });
                }
            }
        }
        end
    }

    /// Waits until somebody asks to go on, to end, or to be interrupted. Returns why the run ends, if it does.
    pub(super) fn wait_while_paused(&mut self) -> Option<RunEnd> {
        while self.paused && !self.interrupt.load(Ordering::Relaxed) {
            std::thread::sleep(PAUSE);
            let actions = self.ask(|callback| callback.paused());
            if let Some(end) = self.perform(actions) {
                return Some(end);
            }
        }
        None
    }

    /// Writes down that something was done to the run.
    pub(super) fn note(&self, text: String) {
        self.observe(|session| session.note(text));
    }

    fn restore_best(&mut self) {
        if let (Some(best), Some(state)) = (&self.best, &mut self.state) {
            state.model = separate(best);
        }
    }

    /// Goes on from the last good snapshot.
    fn roll_back(&mut self, reason: &str) {
        let step = self.step.saturating_sub(1);
        match self.snapshots.take_before_trouble(step) {
            Some((from, state)) => {
                self.state = Some(state);
                self.note(format!("{reason}: back to the weights before step {from}"));
            }
            None => {
                let advice = "raise observe.snapshot_memory_mb, or take out observe.snapshot_every = 0";
                self.warnings.push(format!("{reason}, and there is no snapshot to go back to; {advice}"));
            }
        }
    }

    /// Writes the model to a file of the run, and deletes those that callbacks have no use for any more.
    pub(super) fn checkpoint(&mut self, file: &str) {
        let (Some(folder), Some(state)) = (&self.folder, &self.state) else { return };
        let finite = self.parameters.first_non_finite(&state.model).is_none();
        if !finite && checkpoint::exists(folder, file) {
            self.note(format!("the checkpoint {file} was kept as it is, for the weights are not finite any more"));
            return;
        }
        if let Err(error) = checkpoint::save(folder, file, &state.model, self.step, self.engine.recipe.hash()) {
            self.warnings.push(error.to_string());
            // Older checkpoints are only deleted once the new one is safe.
            return;
        }
        for callback in &mut self.callbacks {
            checkpoint::remove(folder, &callback.checkpoint_saved(file, finite));
        }
    }
}
