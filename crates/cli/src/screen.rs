//! What the two output streams can show: colour, width, letters beyond ASCII.
use barograph_report::TerminalOptions;
use barograph_vocab::Severity;
use clap::ValueEnum;
use owo_colors::{OwoColorize as _, Style};
use std::io::{IsTerminal as _, Write as _};

/// Columns where nothing is known of the screen.
const WIDTH: usize = 80;

/// Narrowest text that is laid out (our choice).
const NARROWEST: usize = 40;

/// Lines of text are not made longer than this, or the eye loses them (our choice).
const WIDEST_TEXT: usize = 100;

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What a piece of text is, and so how it is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    Plain,
    Bold,
    Dim,
    Good,
    Error,
    Warning,
    Note,
    Code,
}

impl Ink {
    /// The ink of a severity.
    pub(crate) const fn of(severity: Severity) -> Self {
        match severity {
            Severity::Note => Self::Note,
            Severity::Warning => Self::Warning,
            Severity::Error => Self::Error,
        }
    }

    fn look(self) -> Style {
        let style = Style::new();
        match self {
            Self::Plain => style,
            Self::Bold => style.bold(),
            Self::Dim => style.dimmed(),
            Self::Good => style.green().bold(),
            Self::Error => style.red().bold(),
            Self::Warning => style.yellow().bold(),
            Self::Note => style.cyan().bold(),
            Self::Code => style.cyan(),
        }
    }
}

/// What one output stream can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    pub(crate) width: usize,
    pub(crate) color: bool,
    pub(crate) ascii: bool,
    pub(crate) is_terminal: bool,
}

impl Screen {
    /// A file, or a pipe that wants no colour.
    pub(crate) const FILE: Self = Self { width: WIDTH, color: false, ascii: false, is_terminal: false };

    /// What standard output can show.
    #[must_use]
    pub fn stdout(choice: ColorChoice) -> Self {
        let stream = std::io::stdout();
        Self::of(choice, stream.is_terminal(), terminal_size::terminal_size_of(&stream))
    }

    /// What standard error can show.
    #[must_use]
    pub fn stderr(choice: ColorChoice) -> Self {
        let stream = std::io::stderr();
        Self::of(choice, stream.is_terminal(), terminal_size::terminal_size_of(&stream))
    }

    fn of(choice: ColorChoice, is_terminal: bool, size: Option<(terminal_size::Width, terminal_size::Height)>) -> Self {
        let color = match choice {
            ColorChoice::Auto => is_terminal && !is_set("NO_COLOR") && !is_dumb(),
            ColorChoice::Always => true,
            ColorChoice::Never => false,
        };
        let width = size.map_or(WIDTH, |(width, _)| usize::from(width.0)).max(NARROWEST);
        Self { width, color, ascii: wants_ascii(), is_terminal }
    }

    /// Columns for running text.
    pub(crate) fn text_width(&self) -> usize {
        self.width.min(WIDEST_TEXT)
    }

    /// How a report is to be shown here.
    #[must_use]
    pub const fn report(&self) -> TerminalOptions {
        TerminalOptions { width: self.width, color: self.color, ascii: self.ascii }
    }

    /// The text in an ink, if there is colour.
    pub(crate) fn paint(&self, ink: Ink, text: impl AsRef<str>) -> String {
        let text = text.as_ref();
        if self.color && ink != Ink::Plain { text.style(ink.look()).to_string() } else { text.to_owned() }
    }
}

fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty())
}

fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// Whether the user's locale is one that has no letters beyond ASCII. Without any locale they are assumed.
fn wants_ascii() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find(|name| is_set(name)).and_then(std::env::var_os);
    locale.is_some_and(|locale| locale == "C" || locale == "POSIX")
}

/// Writes to standard output. A reader that has gone away (`| head`) is no error.
///
/// # Errors
/// When the output cannot be written: the disk behind it is full, for instance.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("cannot write to standard output"))
        }
        _ => Ok(()),
    }
}

/// Writes a line to standard error. There is nobody left to tell when that fails.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
