//! `barograph diagnose`: reads the log of a run and says what went wrong.
use super::evidence::Evidence;
use crate::context::Context;
use crate::exit::{ExitCode, FailOn};
use crate::observed::{Format, Observed, write};
use crate::screen::{self, Screen};
use anyhow::Result;
use clap::Args;
use std::path::{Path, PathBuf};

/// Read the log of a run and say what went wrong, why, and what fixes it.
///
/// The same rules judge a live run and its log, so that this is the report that the run itself gave. A run that is still going on, or that
/// was killed, can be diagnosed too.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  barograph diagnose runs/digits-001\n  barograph diagnose runs/digits-001 --output report.html\n  \
                        barograph diagnose runs/digits-001 --format json --fail-on error"
)]
pub(super) struct Diagnose {
    /// The folder of the run.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// How the report is written [default: by the ending of --output, or else terminal].
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Write the report to a file instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What the diagnosis may use.
    #[arg(long, value_enum, default_value_t = Evidence::All)]
    evidence: Evidence,
    /// From which severity on the exit code is 1.
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = FailOn::Never)]
    fail_on: FailOn,
}

impl Diagnose {
    pub(super) fn run(self, context: &Context) -> Result<ExitCode> {
        let observed = Observed::from_log(&self.run, self.evidence.into())?;
        let format = self.format.or_else(|| by_ending(self.output.as_deref()?)).unwrap_or(Format::Terminal);
        match &self.output {
            Some(file) => write(file, &observed.render(format, &Screen::FILE))?,
            None => screen::print(&observed.render(format, &context.out))?,
        }
        Ok(self.fail_on.code(&observed.diagnosis))
    }
}

fn by_ending(file: &Path) -> Option<Format> {
    match file.extension()?.to_str()? {
        "html" | "htm" => Some(Format::Html),
        "json" => Some(Format::Json),
        "md" | "markdown" => Some(Format::Markdown),
        _ => None,
    }
}
