//! `barograph rules`: the catalogue.
use crate::catalogue::what;
use crate::context::Context;
use crate::exit::ExitCode;
use crate::screen::{self, Ink, Screen};
use crate::table::{Align, Table};
use anyhow::Result;
use barograph_report::counted;
use barograph_rules::{CAUSES, SYMPTOMS};
use clap::{Args, ValueEnum};
use serde::Serialize;
use std::fmt::Write as _;

/// List every rule and every cause that is known.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  barograph rules\n  barograph rules --format json | jq '.symptoms[].code'\n  barograph explain LOS001"
)]
pub(super) struct Rules {
    /// How the list is written.
    #[arg(long, value_enum, default_value_t = ListFormat::Terminal)]
    format: ListFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ListFormat {
    /// For people.
    Terminal,
    /// For programs.
    Json,
    /// For a page.
    Markdown,
}

impl Rules {
    pub(super) fn run(self, context: &Context) -> Result<ExitCode> {
        let text = match self.format {
            ListFormat::Terminal => terminal(&context.out),
            ListFormat::Json => serde_json::to_string_pretty(&Catalogue::default())? + "\n",
            ListFormat::Markdown => markdown(),
        };
        screen::print(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn terminal(screen: &Screen) -> String {
    let mut symptoms = Table::new(&[
        ("code", Align::Left),
        ("symptom", Align::Left),
        ("severity", Align::Left),
        ("what it does", Align::Left),
    ]);
    for rule in SYMPTOMS {
        symptoms.row([
            (Ink::Bold, rule.code.to_owned()),
            (Ink::Plain, rule.name.to_owned()),
            (Ink::of(rule.severity), rule.severity.name().to_owned()),
            (Ink::Plain, what(rule)),
        ]);
    }
    let mut causes = Table::new(&[("cause", Align::Left), ("what it means", Align::Left)]);
    for cause in CAUSES {
        causes.row([(Ink::Bold, cause.slug.to_owned()), (Ink::Plain, cause.title.to_owned())]);
    }
    let count =
        format!("{}, {}", counted(SYMPTOMS.len() as u64, "symptom rule"), counted(CAUSES.len() as u64, "cause"));
    let hint = screen.paint(Ink::Dim, format!("{count}; `barograph explain NAME` tells all about one"));
    format!("{}\n{}\n{hint}\n", symptoms.render(screen), causes.render(screen))
}

fn markdown() -> String {
    let mut out = "| code | symptom | severity | what it does |\n|---|---|---|---|\n".to_owned();
    let cell = |text: &str| text.replace('|', "\\|");
    for rule in SYMPTOMS {
        let _ = writeln!(out, "| {} | `{}` | {} | {} |", rule.code, rule.name, rule.severity.name(), cell(&what(rule)));
    }
    out.push_str("\n| cause | what it means |\n|---|---|\n");
    for cause in CAUSES {
        let _ = writeln!(out, "| `{}` | {} |", cause.slug, cell(cause.title));
    }
    out
}

#[derive(Serialize)]
struct Catalogue {
    symptoms: Vec<SymptomEntry>,
    causes: Vec<CauseEntry>,
}

#[derive(Serialize)]
struct SymptomEntry {
    code: &'static str,
    name: &'static str,
    severity: &'static str,
    since: &'static str,
    what: String,
    fix: String,
}

#[derive(Serialize)]
struct CauseEntry {
    slug: &'static str,
    title: &'static str,
    since: &'static str,
    explains: &'static [&'static str],
}

impl Default for Catalogue {
    fn default() -> Self {
        let symptoms = SYMPTOMS.iter().map(|rule| SymptomEntry {
            code: rule.code,
            name: rule.name,
            severity: rule.severity.name(),
            since: rule.since,
            what: what(rule),
            fix: rule.fix(),
        });
        let causes = CAUSES.iter().map(|cause| CauseEntry {
            slug: cause.slug,
            title: cause.title,
            since: cause.since,
            explains: cause.explains,
        });
        Self { symptoms: symptoms.collect(), causes: causes.collect() }
    }
}
