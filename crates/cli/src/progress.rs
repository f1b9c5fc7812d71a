//! How a training goes, on standard error: a bar on a terminal, plain lines elsewhere.
use crate::screen::{self, Ink, Screen};
use barograph_report::{count, number, visible};
use barograph_train::callbacks::{Action, Bar, BarLook, Callback, RunInfo, StepReport};
use barograph_vocab::{EpochRecord, Finding, RunEnd, Scalar, Severity};
use std::fmt::Write as _;
use std::time::Instant;

/// Lines of epochs, at most about this many (our choice).
const EPOCH_LINES: u64 = 12;

/// Findings that are said at once, as they come; all are in the report (our choice).
const FINDINGS: usize = 3;

/// Shows how a training goes.
pub(crate) struct Progress {
    screen: Screen,
    bar: Option<Bar>,
    epochs: u64,
    steps: u64,
    last_epoch: Option<EpochRecord>,
    printed_epoch: Option<u32>,
    findings: usize,
    started: Instant,
}

impl Progress {
    pub(crate) fn new(screen: Screen) -> Self {
        Self {
            screen,
            bar: None,
            epochs: 0,
            steps: 0,
            last_epoch: None,
            printed_epoch: None,
            findings: 0,
            started: Instant::now(),
        }
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.above(|| screen::say(line)),
            None => screen::say(line),
        }
    }

    fn say_epoch(&mut self, epoch: &EpochRecord) {
        let width = self.epochs.to_string().len();
        self.say(&format!("epoch {:>width$}/{}  {}", epoch.epoch + 1, self.epochs, scores(epoch)));
        self.printed_epoch = Some(epoch.epoch);
    }
}

impl Callback for Progress {
    fn train_begin(&mut self, run: &RunInfo<'_>) -> Action {
        self.epochs = run.epochs;
        self.started = Instant::now();
        if self.screen.is_terminal {
            self.bar = Some(bar_of(run.epochs.saturating_mul(run.steps_per_epoch), self.screen));
        }
        Action::Continue
    }

    fn step_end(&mut self, step: &StepReport<'_>) -> Action {
        self.steps = step.step + 1;
        if let Some(bar) = &self.bar {
            let width = self.epochs.to_string().len();
            let accuracy = step.accuracy.map_or_else(String::new, |accuracy| format!("  accuracy {accuracy:.2}"));
            let epoch = format!("epoch {:>width$}/{}", step.epoch + 1, self.epochs);
            bar.show(self.steps, epoch, format!("loss {:<7}{accuracy}", number(step.loss)));
        }
        Action::Continue
    }

    fn epoch_end(&mut self, epoch: &EpochRecord) -> Action {
        let every = self.epochs.div_ceil(EPOCH_LINES).max(1);
        let number = u64::from(epoch.epoch) + 1;
        if number == 1 || number.is_multiple_of(every) {
            self.say_epoch(epoch);
        }
        self.last_epoch = Some(epoch.clone());
        Action::Continue
    }

    fn finding(&mut self, finding: &Finding) -> Action {
        if finding.severity == Severity::Error && self.findings < FINDINGS {
            self.findings += 1;
            let label = self.screen.paint(Ink::Error, format!("error[{}]", visible(&finding.code)));
            let place = finding.site.as_ref().map_or_else(String::new, |site| format!(" at {}", visible(site)));
            self.say(&format!("step {}: {label}: {}{place}", count(finding.step), visible(&finding.message)));
        }
        Action::Continue
    }

    fn train_end(&mut self, end: RunEnd) -> Action {
        self.bar = None;
        if let Some(epoch) = self.last_epoch.take()
            && self.printed_epoch != Some(epoch.epoch)
        {
            self.say_epoch(&epoch);
        }
        let took = self.started.elapsed();
        let how = match end {
            RunEnd::Completed => "done",
            RunEnd::Stopped => "a callback stopped it",
            RunEnd::Interrupted => "interrupted",
            RunEnd::Failed => "it broke",
        };
        let line = format!("{how}: {} in {:.1} s", barograph_report::counted(self.steps, "step"), took.as_secs_f64());
        self.say(&self.screen.paint(Ink::Dim, line));
        Action::Continue
    }
}

/// `loss 0.31  accuracy 0.91  validation: loss 0.36, accuracy 0.90`.
fn scores(epoch: &EpochRecord) -> String {
    let mut text = format!("loss {:<7}", epoch.scalar(Scalar::Loss).map_or_else(|| "?".to_owned(), number));
    let score = |scalar: Scalar| {
        Some(format!("{} {:.3}", scalar.name().trim_start_matches("validation_"), epoch.scalar(scalar)?))
    };
    if let Some(score) = score(Scalar::Accuracy).or_else(|| score(Scalar::R2)) {
        let _ = write!(text, "  {score}");
    }
    if let Some(loss) = epoch.scalar(Scalar::ValidationLoss) {
        let _ = write!(text, "  held out: loss {}", number(loss));
        if let Some(score) = score(Scalar::ValidationAccuracy).or_else(|| score(Scalar::ValidationR2)) {
            let _ = write!(text, ", {score}");
        }
    }
    // Of single outputs and metrics: those of the rows that are held out, if there are some.
    let held_out = epoch.named.iter().filter_map(|(name, value)| Some((name.strip_prefix("validation_")?, *value)));
    let trained = epoch.named.iter().map(|(name, value)| (name.as_str(), *value));
    let named: Vec<_> =
        if epoch.scalar(Scalar::ValidationLoss).is_some() { held_out.collect() } else { trained.collect() };
    for (name, value) in named {
        let _ = write!(text, ", {} {}", visible(name), number(value));
    }
    text
}

/// A bar for a check before a training; where there is no terminal, nothing is said until it is over.
pub(crate) fn of_check(screen: Screen) -> impl FnMut(barograph_train::Progress<'_>) {
    let mut bar = None;
    move |progress| {
        if screen.is_terminal {
            let bar = bar.get_or_insert_with(|| bar_of(progress.of, screen));
            let loss = progress.loss.map_or_else(String::new, |loss| format!("loss {:<7}", number(loss)));
            bar.show(progress.done, visible(progress.what), loss);
        }
    }
}

fn bar_of(steps: u64, screen: Screen) -> Bar {
    Bar::new(steps, BarLook { color: screen.color, ascii: screen.ascii })
}
