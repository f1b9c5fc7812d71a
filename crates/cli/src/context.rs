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
        for line in told(error).lines() {
            screen::say(&format!("{}: {}", self.err.paint(Ink::Error, "error"), visible(line)));
        }
    }
}

/// An error with what led to it, each said once: many errors quote their source themselves.
fn told(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for source in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&source) {
            text = format!("{text}: {source}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::told;
    use anyhow::{Context as _, anyhow};

    #[test]
    fn what_an_error_quotes_is_not_said_again() {
        let error = Err::<(), _>(anyhow!("disk full")).context("a.csv: disk full; make room").unwrap_err();
        assert_eq!(told(&error), "a.csv: disk full; make room");
        let error = Err::<(), _>(anyhow!("disk full")).context("a.csv: cannot write").unwrap_err();
        assert_eq!(told(&error), "a.csv: cannot write: disk full");
    }
}
