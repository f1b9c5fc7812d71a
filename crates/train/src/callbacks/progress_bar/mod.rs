//! How far a training is, for people.
mod bar;

pub use bar::{Bar, BarLook};

use super::jsonl_logger::numbers;
use super::{Action, Callback, RunInfo, StepReport};
use barograph_vocab::{EpochRecord, RunEnd};
use std::fmt;
use std::io::{IsTerminal, Write};

/// Shows how far a training is: on a terminal a bar with the loss and the time that is left, and a line for each epoch. The program
/// `barograph` has a bar of its own; this is for one's own programs.
pub struct ProgressBar {
    bar: Option<Bar>,
    shows_bar: bool,
    lines: Box<dyn Write + Send>,
    epochs: u64,
}

impl Default for ProgressBar {
    fn default() -> Self {
        let shows_bar = std::io::stderr().is_terminal();
        Self { bar: None, shows_bar, lines: Box::new(std::io::stderr()), epochs: 0 }
    }
}

impl fmt::Debug for ProgressBar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProgressBar").field("bar", &self.bar).field("epochs", &self.epochs).finish_non_exhaustive()
    }
}

impl ProgressBar {
    /// Writes a line for each epoch and draws no bar, wherever it writes to.
    #[must_use]
    pub fn lines_to(lines: impl Write + Send + 'static) -> Self {
        Self { bar: None, shows_bar: false, lines: Box::new(lines), epochs: 0 }
    }

    /// A terminal that is closed is no reason to end a training.
    fn say(&mut self, line: &str) {
        let lines = &mut self.lines;
        let mut write = || _ = writeln!(lines, "{line}");
        match &self.bar {
            Some(bar) => bar.above(write),
            None => write(),
        }
    }
}

impl Callback for ProgressBar {
    fn train_begin(&mut self, run: &RunInfo<'_>) -> Action {
        self.epochs = run.epochs;
        let steps = run.epochs.saturating_mul(run.steps_per_epoch);
        self.bar = self.shows_bar.then(|| Bar::new(steps, BarLook::default()));
        Action::Continue
    }

    fn step_end(&mut self, step: &StepReport<'_>) -> Action {
        if let Some(bar) = &self.bar {
            let accuracy = step.accuracy.map_or_else(String::new, |accuracy| format!("  accuracy {accuracy:.2}"));
            let epoch = format!("epoch {}/{}", step.epoch + 1, self.epochs);
            bar.show(step.step + 1, epoch, format!("loss {}{accuracy}", number(step.loss)));
        }
        Action::Continue
    }

    fn epoch_end(&mut self, epoch: &EpochRecord) -> Action {
        let width = self.epochs.to_string().len();
        let mut line = format!("epoch {:>width$}/{}", epoch.epoch + 1, self.epochs);
        for (name, value) in numbers(epoch) {
            line.extend(["  ", name, " ", &number(value)]);
        }
        self.say(&line);
        Action::Continue
    }

    fn train_end(&mut self, _: RunEnd) -> Action {
        self.bar = None;
        Action::Continue
    }
}

/// A number with four digits.
pub(super) fn number(value: f64) -> String {
    let magnitude = value.abs();
    if value == 0.0 || !value.is_finite() || (value.fract() == 0.0 && magnitude < 1e6) {
        return value.to_string();
    }
    if !(1e-3..1e5).contains(&magnitude) {
        return format!("{value:.3e}");
    }
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callbacks::tests::{begin, epoch};
    use std::io;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A terminal that is gone.
    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn shown(bar: &mut ProgressBar) {
        begin(bar, 10);
        bar.step_end(&StepReport { loss: f64::NAN, accuracy: Some(0.5), ..StepReport::default() });
        bar.epoch_end(&epoch(0, f64::NAN));
        bar.epoch_end(&EpochRecord { named: vec![("a_loss".to_owned(), 0.000_123_45)], ..epoch(1, 0.123_456) });
        assert_eq!(bar.train_end(RunEnd::Completed), Action::Continue);
    }

    #[test]
    fn each_epoch_has_a_line_with_its_numbers() {
        let lines = Shared::default();
        shown(&mut ProgressBar::lines_to(lines.clone()));
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text, "epoch  1/10  loss NaN\nepoch  2/10  loss 0.1235  a_loss 1.234e-4\n");
    }

    #[test]
    fn a_terminal_that_is_gone_stops_nothing() {
        shown(&mut ProgressBar::lines_to(Closed));
        let mut bar = ProgressBar { shows_bar: true, ..ProgressBar::lines_to(Closed) };
        shown(&mut bar);
    }
}
