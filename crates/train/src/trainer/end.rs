//! How a run ends.
use super::run::Run;
use crate::checkpoint;
use crate::model::Model;
use crate::outcome::Outcome;
use crate::trial::Baseline;
use barograph_vocab::RunEnd;

impl<M: Model> Run<'_, M> {
    /// Hears the callbacks out, closes the judgement, and keeps the model.
    pub(super) fn end(mut self, end: RunEnd) -> Outcome<M> {
        let steps = self.step;
        if end == RunEnd::Interrupted {
            self.back_up();
        }
        let actions = self.ask(|callback| callback.train_end(end));
        self.perform(actions);
        self.ask_for_trouble();
        self.observe(|session| session.end(steps, end));
        if end == RunEnd::Interrupted {
            self.checkpoint("interrupted.safetensors");
        }
        let Some(state) = self.state.take() else { unreachable!("the state is put back after every step") };
        if let Some(folder) = &self.folder
            && let Err(error) = checkpoint::save_model(folder, &state.model, steps, self.engine.recipe.hash())
        {
            self.warnings.push(error.to_string());
        }
        let good = self.snapshots.oldest().map(|(step, state)| (step, state.clone()));
        let baseline = Baseline { start: self.start, good, losses: self.losses, batches: self.batches };
        Outcome {
            model: state.model,
            steps,
            end,
            history: self.history,
            folder: self.folder,
            warnings: self.warnings,
            observer: self.observer,
            baseline,
            given: None,
        }
    }
}
