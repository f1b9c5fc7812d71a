//! The bar itself, for a training and for anything else that takes long.
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The bar is drawn this often a second at most (our choice).
const DRAWS_PER_SECOND: u8 = 15;

/// How a [`Bar`] looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BarLook {
    /// Whether it has colours.
    pub color: bool,
    /// Whether it is drawn without letters beyond ASCII.
    pub ascii: bool,
}

/// How much of a long work is done, how fast it goes and how long it will take, on standard error. It goes away when it is dropped.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
    texts: Arc<Mutex<Texts>>,
}

/// What stands beside the bar. It is drawn with the next position, so that each step is drawn once and as a whole.
#[derive(Debug, Default)]
struct Texts {
    before: String,
    behind: String,
}

impl Bar {
    /// A bar of so many steps.
    #[must_use]
    pub fn new(steps: u64, look: BarLook) -> Self {
        let bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND));
        let texts = Arc::new(Mutex::new(Texts::default()));
        Self { bar: bar.with_style(style(look, &texts)), texts }
    }

    /// Shows that `done` steps are done: `what` stands before the bar, `numbers` behind it.
    pub fn show(&self, done: u64, what: impl Into<String>, numbers: impl Into<String>) {
        let texts = Texts { before: what.into(), behind: numbers.into() };
        *self.texts.lock().unwrap_or_else(PoisonError::into_inner) = texts;
        self.bar.set_position(done);
    }

    /// Prints something above the bar.
    pub fn above<R>(&self, print: impl FnOnce() -> R) -> R {
        self.bar.suspend(print)
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn style(look: BarLook, texts: &Arc<Mutex<Texts>>) -> ProgressStyle {
    let template = if look.color {
        "{before} {wide_bar:.cyan/blue.dim} {behind}  {speed:.dim}  {eta:.dim}"
    } else {
        "{before} {wide_bar} {behind}  {speed}  {eta}"
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let text = |of: fn(&Texts) -> &str| {
        let texts = Arc::clone(texts);
        move |_: &ProgressState, out: &mut dyn Write| {
            _ = out.write_str(of(&texts.lock().unwrap_or_else(PoisonError::into_inner)));
        }
    };
    let style = style.with_key("before", text(|texts| &texts.before)).with_key("behind", text(|texts| &texts.behind));
    let speed = |state: &ProgressState, out: &mut dyn Write| _ = out.write_str(&speed(state.per_sec()));
    let eta = |state: &ProgressState, out: &mut dyn Write| _ = write!(out, "ETA {}", duration(state.eta()));
    style.with_key("speed", speed).with_key("eta", eta).progress_chars(if look.ascii { "=> " } else { "━╸─" })
}

/// `1,234 steps/s`, `2.5 steps/s`, `3.1 s/step`.
fn speed(steps_per_second: f64) -> String {
    match steps_per_second {
        10.0.. => format!("{} steps/s", HumanCount(steps_per_second as u64)),
        1.0.. => format!("{steps_per_second:.1} steps/s"),
        _ if steps_per_second > 0.0 => format!("{:.1} s/step", 1.0 / steps_per_second),
        _ => String::new(),
    }
}

/// `7 s`, `3 min`, `2.5 h`.
fn duration(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..100 => format!("{seconds} s"),
        seconds @ 100..6000 => format!("{} min", seconds / 60),
        seconds => format!("{:.1} h", seconds as f64 / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_steps_have_a_speed_too() {
        let speeds = [12_345.6, 10.0, 2.54, 0.25, 0.0].map(speed);
        assert_eq!(speeds, ["12,345 steps/s", "10 steps/s", "2.5 steps/s", "4.0 s/step", ""]);
    }

    #[test]
    fn durations_have_the_unit_that_suits_them() {
        let durations = [0, 99, 100, 5999, 6000, 9000].map(|seconds| duration(Duration::from_secs(seconds)));
        assert_eq!(durations, ["0 s", "99 s", "1 min", "99 min", "1.7 h", "2.5 h"]);
    }
}
