//! Observes one's own training loop.
use crate::scope::{Scope, ScopeGuard, StepKey};
use crate::tensor::to_vec;
use crate::{Observer, Parameters};
use barograph_monitor::{EvidenceMode, LogState, Options, Session, StoreError};
use barograph_vocab::{Diagnosis, Finding, RunEnd, Scalar};
use burn::optim::GradientsParams;
use burn::prelude::*;

/// Observes a training loop of one's own: what the loop computes stays as it is.
///
/// ```
/// use barograph_burn::{cpu, from_slice, tap, watch};
/// use burn::{nn::LinearConfig, optim::{GradientsParams, SgdConfig}, prelude::*};
///
/// let device = cpu(true);
/// let mut model = LinearConfig::new(2, 1).init(&device);
/// let mut optimizer = SgdConfig::new().init();
/// let x = from_slice(vec![0.0, 1.0, 1.0, 0.0], [2, 2], &device);
/// let mut run = watch(&model, Default::default())?;
/// for _ in 0..10 {
///     run.begin_step(0.1);
///     let loss = tap("output", model.forward(x.clone())).powf_scalar(2.0).mean();
///     let gradients = GradientsParams::from_grads(loss.backward(), &model);
///     run.observe(&model, &loss, &gradients);
///     model = optimizer.step(0.1, model, gradients);
///     run.end_step(&model);
/// }
/// assert_eq!(run.finish().steps, 10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When a folder for the log was given and cannot be used.
pub fn watch<M: Module>(model: &M, options: Options) -> Result<Watch<M>, StoreError> {
    let observer = Observer::new(Session::start(options)?);
    Ok(Watch { observer, parameters: Parameters::of(model), step: 0, epoch: 0, old: None, guard: None })
}

/// An observed training loop; see [`watch`].
pub struct Watch<M> {
    observer: Observer,
    parameters: Parameters,
    step: u64,
    epoch: u32,
    old: Option<M>,
    guard: Option<ScopeGuard>,
}

impl<M: Module> Watch<M> {
    /// Begins a step: from here on, every [`crate::tap`] on this thread reads.
    pub fn begin_step(&mut self, learning_rate: f64) {
        self.observer.with(|session| {
            session.begin_step(self.step, self.epoch);
            session.scalar(Scalar::LearningRate, learning_rate);
        });
        let key = StepKey { step: self.step, ..StepKey::default() };
        self.guard =
            Some(Scope { training: true, key, observer: Some(self.observer.clone()), trace: None, kept: None }.enter());
    }

    /// Reads the loss `[1]`, the weights and the gradients, before the optimizer changes a weight. Returns whether all are finite.
    pub fn observe(&mut self, model: &M, loss: &Tensor<1>, gradients: &GradientsParams) -> bool {
        self.guard = None;
        let parameters = &mut self.parameters;
        let (keep, finite) = self.observer.with(|session| {
            if !parameters.is_announced() {
                parameters.announce(session);
            }
            let value = to_vec(loss).first().copied().map_or(f64::NAN, f64::from);
            session.scalar(Scalar::Loss, value);
            let norm = parameters.read(model, gradients, session);
            session.scalar(Scalar::GradientNorm, norm);
            (session.updates_due(), !session.is_broken())
        });
        self.old = keep.then(|| model.clone());
        finite
    }

    /// Ends the step, with the model as the optimizer left it. Returns the findings that are new with it.
    pub fn end_step(&mut self, model: &M) -> Vec<Finding> {
        self.guard = None;
        self.step += 1;
        let (old, parameters) = (self.old.take(), &self.parameters);
        self.observer.with(|session| {
            if let Some(old) = old {
                parameters.read_updates(&old, model, session);
            }
            session.end_step().findings
        })
    }

    /// Says that the next step begins another epoch.
    pub fn next_epoch(&mut self) {
        self.epoch += 1;
    }

    /// The session, for facts and numbers of one's own.
    #[must_use]
    pub const fn observer(&self) -> &Observer {
        &self.observer
    }

    /// Ends the run and says what went wrong, if anything did.
    pub fn finish(mut self) -> Diagnosis {
        self.guard = None;
        let steps = self.step;
        self.observer.with(|session| {
            session.end(steps, RunEnd::Completed);
            session.close();
            let mut diagnosis = session.diagnosis(EvidenceMode::All);
            if let LogState::Lost { reason, records } = session.log() {
                diagnosis.notes.push(format!("{records} records of the log were lost: {reason}"));
            }
            diagnosis
        })
    }
}
