//! `barograph explain`: the page of one rule or cause.
use crate::catalogue::Entry;
use crate::context::Context;
use crate::exit::ExitCode;
use crate::page::page;
use crate::screen::{self, Ink};
use anyhow::{Result, bail};
use clap::Args;

/// Explain a rule or a cause: what it means, how it is found, what to do.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  barograph explain LOS001\n  barograph explain gradient-exploding\n  barograph explain learning-rate-too-high"
)]
pub(super) struct Explain {
    /// The code or name of a rule, or the name of a cause, as a report shows it.
    name: String,
}

impl Explain {
    pub(super) fn run(self, context: &Context) -> Result<ExitCode> {
        let Some(entry) = Entry::named(&self.name) else {
            let near = Entry::nearest(&self.name).map_or_else(String::new, |near| format!("; did you mean {near}?"));
            bail!("there is no rule and no cause named {:?}{near} (`barograph rules` lists all)", self.name);
        };
        let out = &context.out;
        let head = match entry {
            Entry::Rule(rule) => {
                let label = format!("{}[{}]", rule.severity.name(), rule.code);
                format!("{}: {}", out.paint(Ink::of(rule.severity), label), out.paint(Ink::Bold, rule.name))
            }
            Entry::Cause(cause) => {
                format!("{}: {}", out.paint(Ink::Bold, format!("cause: {}", cause.slug)), cause.title)
            }
        };
        screen::print(&format!("{head}\n\n{}", page(entry.docs(), out)))?;
        Ok(ExitCode::SUCCESS)
    }
}
