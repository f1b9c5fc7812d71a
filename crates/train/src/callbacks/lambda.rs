//! A callback made of a closure.
use super::{Action, Callback, StepReport};
use barograph_vocab::EpochRecord;

type StepFunction = Box<dyn FnMut(&StepReport<'_>) -> Action + Send>;
type EpochFunction = Box<dyn FnMut(&EpochRecord) -> Action + Send>;

/// A callback made of closures.
///
/// ```
/// use barograph_train::callbacks::{Action, Lambda};
/// let until_good = Lambda::default().on_step(|step| match step.loss < 0.1 {
///     true => Action::Stop { reason: "good enough".to_owned(), restore_best: false, failed: false },
///     false => Action::Continue,
/// });
/// ```
#[derive(Default)]
pub struct Lambda {
    step: Option<StepFunction>,
    epoch: Option<EpochFunction>,
}

impl Lambda {
    /// Calls this after each step.
    #[must_use]
    pub fn on_step(mut self, function: impl FnMut(&StepReport<'_>) -> Action + Send + 'static) -> Self {
        self.step = Some(Box::new(function));
        self
    }

    /// Calls this after each epoch.
    #[must_use]
    pub fn on_epoch(mut self, function: impl FnMut(&EpochRecord) -> Action + Send + 'static) -> Self {
        self.epoch = Some(Box::new(function));
        self
    }
}

impl Callback for Lambda {
    fn step_end(&mut self, step: &StepReport<'_>) -> Action {
        self.step.as_mut().map_or(Action::Continue, |function| function(step))
    }

    fn epoch_end(&mut self, epoch: &EpochRecord) -> Action {
        self.epoch.as_mut().map_or(Action::Continue, |function| function(epoch))
    }
}
