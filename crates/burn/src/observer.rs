//! A shared handle on the session of the running training.
use barograph_monitor::Session;
use std::sync::{Arc, Mutex, PoisonError};

/// Shares one [`Session`] between the training loop and the taps of the backward pass.
#[derive(Clone)]
pub struct Observer(Arc<Mutex<Session>>);

impl Observer {
    /// Takes the session over.
    #[must_use]
    pub fn new(session: Session) -> Self {
        Self(Arc::new(Mutex::new(session)))
    }

    /// Works on the session. A panic of an earlier caller does not lock later ones out: readings are independent of each other.
    pub fn with<R>(&self, work: impl FnOnce(&mut Session) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl std::fmt::Debug for Observer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Observer")
    }
}
