//! How a training goes, on standard error: a bar on a terminal, plain lines elsewhere.
use crate::screen::{self, Ink, Screen};
use barograph_report::{count, number, visible};
use barograph_train::callbacks::{Action, Callback, RunInfo, StepReport};
use barograph_vocab::{EpochRecord, Finding, RunEnd, Scalar, Severity};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// Lines of epochs where there is no bar, at most about this many (our choice).
const EPOCH_LINES: u64 = 12;

/// Findings that are said at once, as they come; all are in the report (our choice).
const FINDINGS: usize = 3;

/// The bar is drawn this often a second at most (our choice).
const DRAWS_PER_SECOND: u8 = 15;

/// Shows how a training goes.
pub(crate) struct Progress {
    screen: Screen,
    bar: Option<ProgressBar>,
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
            Some(bar) => bar.suspend(|| screen::say(line)),
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
            self.bar = Some(bar(run.epochs.saturating_mul(run.steps_per_epoch), self.screen));
        }
        Action::Continue
    }

    fn step_end(&mut self, step: &StepReport<'_>) -> Action {
        self.steps = step.step + 1;
        if let Some(bar) = &self.bar {
            let width = self.epochs.to_string().len();
            bar.set_prefix(format!("epoch {:>width$}/{}", step.epoch + 1, self.epochs));
            let accuracy = step.accuracy.map_or_else(String::new, |accuracy| format!("  accuracy {accuracy:.2}"));
            bar.set_message(format!("loss {:<7}{accuracy}", number(step.loss)));
            bar.set_position(self.steps);
        }
        Action::Continue
    }

    fn epoch_end(&mut self, epoch: &EpochRecord) -> Action {
        let every = self.epochs.div_ceil(EPOCH_LINES).max(1);
        let number = u64::from(epoch.epoch) + 1;
        if self.bar.is_none() && (number == 1 || number.is_multiple_of(every)) {
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
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
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
    text
}

fn bar(steps: u64, screen: Screen) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND));
    let template = if screen.color {
        "{prefix} {wide_bar:.cyan/blue.dim} {msg}  {speed:.dim}  {eta:.dim}"
    } else {
        "{prefix} {wide_bar} {msg}  {speed}  {eta}"
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let characters = if screen.ascii { "=> " } else { "━╸─" };
    let speed = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let _ = write!(out, "{} steps/s", count(state.per_sec() as u64));
    };
    let eta = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let _ = write!(out, "ETA {}", duration(state.eta()));
    };
    bar.set_style(style.with_key("speed", speed).with_key("eta", eta).progress_chars(characters));
    bar
}

/// `7 s`, `3 min`, `2.5 h`.
fn duration(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..100 => format!("{seconds} s"),
        seconds @ 100..6000 => format!("{} min", seconds / 60),
        seconds => format!("{:.1} h", seconds as f64 / 3600.0),
    }
}
