//! A callback made of closures.
use super::{Action, Callback, RunInfo, StepReport, StepStart};
use barograph_vocab::{EpochRecord, Finding, RunEnd, Scalar};

type Function<A> = Option<Box<dyn FnMut(&A) -> Action + Send>>;
type BeginFunction = Option<Box<dyn FnMut(&RunInfo<'_>) -> Action + Send>>;
type StepFunction = Option<Box<dyn FnMut(&StepReport<'_>) -> Action + Send>>;
type ValidationFunction = Option<Box<dyn FnMut(u64, &[(Scalar, f64)]) -> Action + Send>>;

/// A callback made of closures, one for each hook of [`Callback`].
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
    train_begin: BeginFunction,
    epoch_begin: Function<u64>,
    step_begin: Function<StepStart>,
    step: StepFunction,
    validation_begin: Function<u64>,
    validation_end: ValidationFunction,
    epoch: Function<EpochRecord>,
    finding: Function<Finding>,
    train_end: Function<RunEnd>,
}

impl Lambda {
    /// Calls this when training begins.
    #[must_use]
    pub fn on_train_begin(mut self, function: impl FnMut(&RunInfo<'_>) -> Action + Send + 'static) -> Self {
        self.train_begin = Some(Box::new(function));
        self
    }

    /// Calls this before each epoch, with its number.
    #[must_use]
    pub fn on_epoch_begin(mut self, mut function: impl FnMut(u64) -> Action + Send + 'static) -> Self {
        self.epoch_begin = Some(Box::new(move |epoch| function(*epoch)));
        self
    }

    /// Calls this before each step.
    #[must_use]
    pub fn on_step_begin(mut self, function: impl FnMut(&StepStart) -> Action + Send + 'static) -> Self {
        self.step_begin = Some(Box::new(function));
        self
    }

    /// Calls this after each step.
    #[must_use]
    pub fn on_step(mut self, function: impl FnMut(&StepReport<'_>) -> Action + Send + 'static) -> Self {
        self.step = Some(Box::new(function));
        self
    }

    /// Calls this before rows that are held out are looked at, with the number of the epoch.
    #[must_use]
    pub fn on_validation_begin(mut self, mut function: impl FnMut(u64) -> Action + Send + 'static) -> Self {
        self.validation_begin = Some(Box::new(move |epoch| function(*epoch)));
        self
    }

    /// Calls this with the number of the epoch and what the rows that are held out gave.
    #[must_use]
    pub fn on_validation_end(mut self, function: impl FnMut(u64, &[(Scalar, f64)]) -> Action + Send + 'static) -> Self {
        self.validation_end = Some(Box::new(function));
        self
    }

    /// Calls this after each epoch.
    #[must_use]
    pub fn on_epoch(mut self, function: impl FnMut(&EpochRecord) -> Action + Send + 'static) -> Self {
        self.epoch = Some(Box::new(function));
        self
    }

    /// Calls this for each finding.
    #[must_use]
    pub fn on_finding(mut self, function: impl FnMut(&Finding) -> Action + Send + 'static) -> Self {
        self.finding = Some(Box::new(function));
        self
    }

    /// Calls this when training is over.
    #[must_use]
    pub fn on_train_end(mut self, function: impl FnMut(&RunEnd) -> Action + Send + 'static) -> Self {
        self.train_end = Some(Box::new(function));
        self
    }
}

/// Calls a function, if there is one.
fn call<A>(function: &mut Function<A>, with: &A) -> Action {
    function.as_mut().map_or(Action::Continue, |function| function(with))
}

impl Callback for Lambda {
    fn train_begin(&mut self, run: &RunInfo<'_>) -> Action {
        self.train_begin.as_mut().map_or(Action::Continue, |function| function(run))
    }

    fn epoch_begin(&mut self, epoch: u64) -> Action {
        call(&mut self.epoch_begin, &epoch)
    }

    fn step_begin(&mut self, step: &StepStart) -> Action {
        call(&mut self.step_begin, step)
    }

    fn step_end(&mut self, step: &StepReport<'_>) -> Action {
        self.step.as_mut().map_or(Action::Continue, |function| function(step))
    }

    fn validation_begin(&mut self, epoch: u64) -> Action {
        call(&mut self.validation_begin, &epoch)
    }

    fn validation_end(&mut self, epoch: u64, scalars: &[(Scalar, f64)]) -> Action {
        self.validation_end.as_mut().map_or(Action::Continue, |function| function(epoch, scalars))
    }

    fn epoch_end(&mut self, epoch: &EpochRecord) -> Action {
        call(&mut self.epoch, epoch)
    }

    fn finding(&mut self, finding: &Finding) -> Action {
        call(&mut self.finding, finding)
    }

    fn train_end(&mut self, end: RunEnd) -> Action {
        call(&mut self.train_end, &end)
    }
}
