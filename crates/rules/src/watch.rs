//! The running half of a symptom rule.
use crate::view::{RunView, StepView};
use barograph_vocab::{DataReading, EpochRecord, Finding, Incident, RanksRecord, SiteId};

/// Not being able to tell is an answer too, and the report says so.
#[derive(Debug)]
pub enum Verdict {
    /// Not enough was seen yet, or the signals are missing at this step.
    TooEarly,
    /// Looked, and found nothing.
    Healthy,
    /// Here it is. The engine asks this watcher no more.
    Found(Box<Finding>),
}

/// Sees a run in order and returns a verdict each time. A rule implements the hooks it needs; the others answer [`Verdict::TooEarly`].
pub trait Watch: Send {
    /// A step was done. `site` is the watcher's own site, or `None` for a rule of [`crate::Scope::Run`].
    ///
    /// Called for steps that are finite (see [`StepView::broken`]), and for all steps if [`Watch::sees_broken_steps`].
    fn see(&mut self, _view: &StepView<'_>, _site: Option<SiteId>) -> Verdict {
        Verdict::TooEarly
    }

    /// Whether it also wants the steps whose loss, weights or gradients are not finite. All other statistics are wreckage there.
    fn sees_broken_steps(&self) -> bool {
        false
    }

    /// An epoch ended. Only for rules of [`crate::Scope::Run`].
    fn epoch(&mut self, _run: &RunView<'_>, _epoch: &EpochRecord) -> Verdict {
        Verdict::TooEarly
    }

    /// The inputs and targets were read over an epoch. Only for rules of [`crate::Scope::Run`].
    fn data(&mut self, _run: &RunView<'_>, _data: &DataReading) -> Verdict {
        Verdict::TooEarly
    }

    /// The ranks of a distributed run have all told of a step. Only for rules of [`crate::Scope::Run`].
    fn ranks(&mut self, _run: &RunView<'_>, _ranks: &RanksRecord) -> Verdict {
        Verdict::TooEarly
    }

    /// The first bad operation is known. Only for rules of [`crate::Scope::Run`].
    fn incident(&mut self, _run: &RunView<'_>, _incident: &Incident) -> Verdict {
        Verdict::TooEarly
    }

    /// The run is over: what only the whole of it shows.
    fn finish(&mut self, _run: &RunView<'_>, _site: Option<SiteId>) -> Verdict {
        Verdict::TooEarly
    }
}
