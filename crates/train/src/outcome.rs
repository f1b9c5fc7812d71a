//! What a training came to.
use crate::data::source::ROWS_AT_ONCE;
use crate::parts::Given;
use crate::trial::Baseline;
use barograph_burn::{Observer, Scope, device_of, from_slice, to_vec};
use barograph_monitor::EvidenceMode;
use barograph_vocab::{Diagnosis, EpochRecord, Remedy, RunEnd, Scalar, Trial};
use std::path::PathBuf;

/// What a training came to.
pub struct Outcome<M> {
    /// The model as it ended.
    pub model: M,
    /// Steps done.
    pub steps: u64,
    /// Why it ended.
    pub end: RunEnd,
    /// The numbers of each epoch.
    pub history: Vec<EpochRecord>,
    /// The run's folder, if it has one.
    pub folder: Option<PathBuf>,
    /// What went wrong around the training and did not stop it: a full disk, an unwritable file. One sentence each.
    pub warnings: Vec<String>,
    pub(crate) observer: Option<Observer>,
    pub(crate) baseline: Baseline<M>,
    /// What the trainer was given. The run borrows it until it is over.
    pub(crate) given: Option<Given>,
}

impl<M> Outcome<M> {
    /// What went wrong, if anything did. `None` for an unobserved training.
    #[must_use]
    pub fn diagnosis(&self) -> Option<Diagnosis> {
        self.diagnosis_from(EvidenceMode::All)
    }

    /// The diagnosis from all evidence, or without what the recipe merely declares.
    #[must_use]
    pub fn diagnosis_from(&self, mode: EvidenceMode) -> Option<Diagnosis> {
        self.observer.as_ref().map(|observer| observer.with(|session| session.diagnosis(mode)))
    }

    /// Every remedy of one cause, the most promising first. Empty for an unknown slug and for an unobserved training.
    #[must_use]
    pub fn remedies(&self, slug: &str) -> Vec<Remedy> {
        self.observer.as_ref().map(|observer| observer.with(|session| session.remedies(slug))).unwrap_or_default()
    }

    /// What the trainer was given.
    pub(crate) fn given(&self) -> &Given {
        let Some(given) = &self.given else { unreachable!("a trainer hands over all that it was given") };
        given
    }

    /// A number of the last epoch.
    #[must_use]
    pub fn last(&self, scalar: Scalar) -> Option<f64> {
        self.history.last().and_then(|epoch| epoch.scalar(scalar))
    }

    /// Writes down in the run log what trying the remedy of a cause showed; later diagnoses say so.
    pub fn record_trial(&self, slug: &str, remedy: &str, trial: Trial) {
        if let Some(observer) = &self.observer {
            observer.with(|session| session.trial(slug, remedy, trial));
        }
    }

    /// Says once why the run log was lost, if it was: the disk is full, for instance.
    #[must_use]
    pub fn log_trouble(&self) -> Option<String> {
        self.observer.as_ref().and_then(|observer| observer.with(barograph_monitor::Session::log_trouble))
    }

    /// Closes the run log. Dropping the outcome does the same.
    pub fn close(&self) {
        if let Some(observer) = &self.observer {
            observer.with(barograph_monitor::Session::close);
        }
    }
}

impl<M: crate::Model> Outcome<M> {
    /// The outputs for rows of inputs `[rows, features]`, in evaluation mode; inputs are filled in and scaled as training did, and real targets
    /// are scaled back. [`crate::predict`] names classes and outputs, too.
    #[must_use]
    pub fn predict(&self, inputs: &[f32], features: usize) -> Vec<f32> {
        let _scope = Scope::default().enter();
        let mut inputs = inputs.to_vec();
        let preprocessing = &self.given().preprocessing;
        preprocessing.apply(&mut inputs);
        let (model, device) = (self.model.valid(), device_of(&self.model, false));
        let rows = inputs.chunks(ROWS_AT_ONCE * features.max(1));
        let run = |rows: &[f32]| {
            let count = rows.len() / features.max(1);
            to_vec(&model.forward(from_slice(rows.to_vec(), [count, features], &device)))
        };
        let mut outputs: Vec<f32> = rows.flat_map(run).collect();
        preprocessing.undo(&mut outputs);
        outputs
    }
}
