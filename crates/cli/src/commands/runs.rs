//! `barograph runs`: the runs in a folder.
use crate::context::Context;
use crate::exit::ExitCode;
use crate::observed::Observed;
use crate::run_folder::RUNS;
use crate::screen::{self, Ink, Screen};
use crate::table::{Align, Table};
use anyhow::Result;
use barograph_monitor::EvidenceMode;
use barograph_report::{count, number, visible};
use barograph_store::{RunState, RunSummary};
use barograph_vocab::Verdict;
use clap::Args;
use std::path::{Path, PathBuf};

/// A log of at most this many bytes is diagnosed for the list, which takes a fraction of a second (our choice).
const CHEAP_BYTES: u64 = 32 << 20;

/// List the runs in a folder: state, steps, last loss, verdict.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  barograph runs\n  barograph runs experiments/2026")]
pub(super) struct Runs {
    /// The folder.
    #[arg(value_name = "DIR", default_value = RUNS)]
    dir: PathBuf,
}

impl Runs {
    pub(super) fn run(self, context: &Context) -> Result<ExitCode> {
        let runs = below(&self.dir)?;
        let text = if runs.is_empty() {
            format!("{}: no runs here; `barograph train` makes one, `barograph demo` too\n", self.dir.display())
        } else {
            table(&self.dir, &runs, &context.out)
        };
        screen::print(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The runs in a folder and, one level deeper, in its folders.
fn below(dir: &Path) -> Result<Vec<RunSummary>> {
    let mut runs = barograph_store::runs(dir)?;
    let folders = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    for folder in folders.filter(|path| path.is_dir() && !runs.iter().any(|run| run.path == **path)).collect::<Vec<_>>()
    {
        // A folder that cannot be read is no reason to hide the others.
        runs.extend(barograph_store::runs(&folder).unwrap_or_default());
    }
    runs.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(runs)
}

fn table(dir: &Path, runs: &[RunSummary], screen: &Screen) -> String {
    let mut table = Table::new(&[
        ("run", Align::Left),
        ("name", Align::Left),
        ("state", Align::Left),
        ("steps", Align::Right),
        ("last loss", Align::Right),
        ("verdict", Align::Left),
    ]);
    for run in runs {
        let folder = run.path.strip_prefix(dir).unwrap_or(&run.path).display().to_string();
        let state = if run.state == RunState::Running { Ink::Note } else { Ink::Plain };
        table.row([
            (Ink::Bold, visible(&folder)),
            (Ink::Plain, visible(&run.name)),
            (state, run.state.name().to_owned()),
            (Ink::Plain, count(run.steps)),
            (Ink::Plain, run.last_loss.map_or_else(|| "-".to_owned(), number)),
            verdict(run),
        ]);
    }
    table.render(screen)
}

/// The verdict, where the log is small enough to be read for it, with the likeliest cause.
fn verdict(run: &RunSummary) -> (Ink, String) {
    if let Some(trouble) = &run.trouble {
        return (Ink::Warning, visible(trouble));
    }
    if bytes(&run.path) > CHEAP_BYTES {
        return (Ink::Dim, "not read: the log is large".to_owned());
    }
    let Ok(Observed { diagnosis, .. }) = Observed::from_log(&run.path, EvidenceMode::All) else {
        return (Ink::Dim, "no step yet".to_owned());
    };
    let ink = match diagnosis.verdict {
        Verdict::Healthy => Ink::Good,
        Verdict::Unhealthy => Ink::Error,
        Verdict::Unsure => Ink::Note,
    };
    let cause = diagnosis.causes.first().filter(|_| diagnosis.verdict == Verdict::Unhealthy);
    let cause = cause.map_or_else(String::new, |cause| format!(": {}", visible(&cause.slug)));
    (ink, format!("{}{cause}", diagnosis.verdict.name()))
}

/// The size of a log, or of the logs of all ranks.
fn bytes(folder: &Path) -> u64 {
    let ranks = barograph_store::rank_folders(folder);
    let folders = ranks.iter().map(|(_, folder)| folder.as_path()).chain([folder]);
    let files = folders.flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten());
    files
        .filter(|file| file.path().extension().is_some_and(|ending| ending == "wal"))
        .filter_map(|file| Some(file.metadata().ok()?.len()))
        .sum()
}
