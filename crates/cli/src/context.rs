//! What every command is given.
use crate::screen::{self, ColorChoice, Ink, Screen};
use barograph_report::visible;

/// The screens behind the two output streams.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context {
    pub(crate) out: Screen,
    pub(crate) err: Screen,
}

impl Context {
    pub(crate) fn new(color: ColorChoice) -> Self {
        Self { out: Screen::stdout(color), err: Screen::stderr(color) }
    }

    /// Says that something went wrong which does not stop the command.
    pub(crate) fn warn(&self, text: &str) {
        screen::say(&format!("{}: {}", self.err.paint(Ink::Warning, "warning"), visible(text)));
    }

    /// Says why the command ends, one line for each problem.
    pub(crate) fn fail(&self, error: &anyhow::Error) {
        for line in format!("{error:#}").lines() {
            screen::say(&format!("{}: {}", self.err.paint(Ink::Error, "error"), visible(line)));
        }
    }
}
