//! `cargo xtask readme`: fills the blocks of README.md that are made from something else.
use std::process::Command;

use anyhow::{Context, bail, ensure};

use crate::{block, workspace};

const README: &str = "README.md";

/// Programs that README shows: the block and the file.
const EXAMPLES: [(&str, &str); 2] = [
    ("train_a_model", "crates/barograph/examples/train_a_model.rs"),
    ("watch_your_loop", "crates/barograph/examples/watch_your_loop.rs"),
];

/// Fill the blocks of README.md: programs, commands and, from a real run of the demo, the report
#[derive(clap::Args)]
pub(crate) struct Readme {
    /// Write nothing; fail when the programs or commands are out of date. The report is not compared: its last digits may
    /// differ on another processor
    #[arg(long)]
    check: bool,
}

impl Readme {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let before = workspace::read(README)?;
        let mut page = with_examples(&before)?;
        page = block::set(&page, "commands", &commands()?)?;
        if self.check {
            ensure!(page == before, "{README} is out of date; run `cargo xtask readme` and commit it");
            println!("{README} is up to date");
            return Ok(());
        }
        page = block::set(&page, "report", &block::code("text", &demo()?))?;
        workspace::write(README, &page)
    }
}

/// Writes the text of one block of README.md.
pub(crate) fn fill(name: &str, text: &str) -> anyhow::Result<()> {
    workspace::write(README, &block::set(&workspace::read(README)?, name, text)?)
}

fn with_examples(page: &str) -> anyhow::Result<String> {
    EXAMPLES.iter().try_fold(page.to_owned(), |page, (name, path)| {
        block::set(&page, name, &block::code("rust", &workspace::read(path)?))
    })
}

/// The table of commands, from what `barograph --help` lists.
fn commands() -> anyhow::Result<String> {
    let help = output(Command::new(workspace::barograph()?).arg("--help").env("COLUMNS", "200"))?;
    let mut rows: Vec<(String, String)> = Vec::new();
    for line in section(&help, "Commands:") {
        let of_command = line.strip_prefix("  ").filter(|line| !line.starts_with(' '));
        match (of_command.and_then(|line| line.split_once("  ")), rows.last_mut()) {
            (Some((name, text)), _) => rows.push((name.to_owned(), text.trim().to_owned())),
            (None, Some((_, text))) => *text = format!("{text} {}", line.trim()), // A long text goes on here.
            (None, None) => bail!("not a line of the list of commands: {line:?}"),
        }
    }
    rows.retain(|(name, _)| name != "help");
    ensure!(!rows.is_empty(), "`barograph --help` lists no commands");
    Ok(format!(
        "| command | what it does |\n|---|---|\n{}",
        rows.iter().map(|(name, text)| format!("| `barograph {name}` | {text} |")).collect::<Vec<_>>().join("\n")
    ))
}

/// The lines under a heading of a help text.
fn section<'a>(help: &'a str, heading: &'a str) -> impl Iterator<Item = &'a str> {
    help.lines().skip_while(move |line| *line != heading).skip(1).take_while(|line| !line.trim().is_empty())
}

/// What the demo prints, in a folder of its own.
fn demo() -> anyhow::Result<String> {
    let folder = tempfile::tempdir().context("cannot make a folder for the demo")?;
    output(Command::new(workspace::barograph()?).arg("demo").current_dir(folder.path()))
}

fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().context("cannot start barograph")?;
    // 1 says that something was found, and the demo has something to find.
    if !matches!(output.status.code(), Some(0 | 1)) {
        bail!("{command:?} ended with {}:\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    String::from_utf8(output.stdout).context("barograph printed something else than text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_are_the_real_files() {
        let page = workspace::read(README).expect("README.md");
        assert!(with_examples(&page).expect("all blocks") == page, "run `cargo xtask readme` and commit README.md");
    }

    #[test]
    fn every_block_has_something_in_it() {
        let page = workspace::read(README).expect("README.md");
        for name in ["report", "commands", "bench-stats", "bench-overhead", "bench-train", "score-cases"] {
            assert!(!block::get(&page, name).unwrap_or_else(|error| panic!("{error}")).is_empty(), "{name}");
        }
    }

    #[test]
    fn every_link_to_a_file_leads_somewhere() {
        for path in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
            let page = workspace::read(path).expect("a page");
            let links = page.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
            for link in links.filter(|link| !link.starts_with("http") && !link.starts_with('#')) {
                let file = link.split('#').next().unwrap_or(link);
                assert!(workspace::root().join(file).exists(), "{path}: there is no {file}");
            }
        }
    }
}
