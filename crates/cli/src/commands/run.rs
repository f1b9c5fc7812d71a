//! `barograph run`: the Python package does it; this program says where to get it.
use crate::exit::ExitCode;
use anyhow::{Result, bail};
use clap::Args;
use std::ffi::OsString;

/// Watch a PyTorch script, not one line changed (comes with the Python package).
#[derive(Debug, Args)]
#[command(
    disable_help_flag = true,
    after_help = "Examples:\n  barograph run train.py --lr 0.5\n  barograph run --report report.html train.py\n  barograph run -m package.train"
)]
pub(super) struct Run {
    /// Options of `barograph run`, the script, and the script's own arguments.
    #[arg(value_name = "SCRIPT", trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

impl Run {
    pub(super) fn run(self) -> Result<ExitCode> {
        let script =
            self.words.last().map_or_else(|| "a script".to_owned(), |word| word.to_string_lossy().into_owned());
        bail!(
            "{script}: this is the program without Python; install the package (pip install barograph, or from a checkout \
             pip install ./crates/python) and use the `barograph` that comes with it"
        )
    }
}
