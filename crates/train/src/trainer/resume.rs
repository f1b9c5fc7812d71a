//! Backs a run up, and goes on from a backup.
use super::observe::{resume_session, see_rows};
use super::run::{Run, rows_per_step};
use crate::backup::{self, Backup, Now};
use crate::error::TrainError;
use crate::model::Model;
use barograph_burn::Observer;
use barograph_monitor::is_running;
use std::path::PathBuf;

impl<M: Model> Run<'_, M> {
    /// Writes all that is needed to go on from here. A run without a folder has nowhere to.
    pub(super) fn back_up(&mut self) {
        let (Some(folder), Some(state)) = (&self.folder, &self.state) else { return };
        let now = Now {
            recipe: self.engine.recipe,
            parameters: &self.parameters,
            rows: self.engine.rows.len(),
            step: self.step,
            rate: (self.rate.base, self.rate.scheduled),
            epoch: self.epoch.clone(),
            callbacks: self.callbacks.iter().map(|callback| callback.state()).collect(),
            history: &self.history,
            losses: &self.losses,
            state,
            best: self.best.as_ref(),
        };
        if let Err(error) = backup::save(folder, &now) {
            self.warnings.push(format!("the training was not backed up: {error}"));
        }
    }

    pub(super) fn delete_backup(&self) {
        if let Some(folder) = &self.folder {
            backup::delete(folder);
        }
    }

    /// Takes the place of the training that left the backup in the folder.
    pub(super) fn resume(&mut self, observed: bool) -> Result<(), TrainError> {
        let Some(folder) = self.folder.clone() else {
            return Err(TrainError::NoBackup { folder: PathBuf::from("(no folder was given)") });
        };
        if is_running(&folder) {
            return Err(TrainError::StillRunning { folder });
        }
        let engine = self.engine;
        let found = Backup::load(&folder)?;
        found.check(engine.recipe, engine.rows.len(), self.callbacks.len())?;
        let (state, best) = found.state(self.start.clone(), &self.parameters)?;
        for (callback, memory) in self.callbacks.iter_mut().zip(&found.place.callbacks) {
            callback.restore(memory).map_err(|problem| found.broken(format!("a callback: {problem}")))?;
        }
        let place = &found.place;
        if observed {
            let mut session = resume_session(engine.recipe, &folder, place)?;
            // The first epoch reads the data; what was read of it lived in memory.
            if place.epoch.number == 0 {
                let order = engine.rows.order_in(engine.recipe, 0);
                let steps = order.chunks(rows_per_step(engine.recipe, self.batches)).take(place.epoch.done as usize);
                for places in steps {
                    see_rows(&mut session, &engine.rows.gather(places)?, engine, &state.model);
                }
            }
            self.observer = Some(Observer::new(session));
        }
        (self.state, self.best) = (Some(state), best);
        (self.rate.base, self.rate.scheduled) = (place.base_rate, place.scheduled);
        (self.step, self.epoch) = (place.step, place.epoch.clone());
        (self.losses, self.history) = (found.losses(), found.history());
        Ok(())
    }
}
