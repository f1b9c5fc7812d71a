//! `barograph completions`: a script that lets a shell complete the commands.
use super::Arguments;
use crate::exit::ExitCode;
use crate::screen;
use anyhow::Result;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

/// Print a script that lets your shell complete commands and options.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  barograph completions bash > ~/.local/share/bash-completion/completions/barograph\n  \
                        barograph completions zsh > ~/.zfunc/_barograph\n  \
                        barograph completions fish > ~/.config/fish/completions/barograph.fish"
)]
pub(super) struct Completions {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> Result<ExitCode> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "barograph", &mut script);
        screen::print(&String::from_utf8(script)?)?;
        Ok(ExitCode::SUCCESS)
    }
}
