//! `cargo xtask wheels`: the wheels of the Python package, one a platform.
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};

/// The platforms that wheels are built for.
const PLATFORMS: [&str; 2] = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"];

/// The oldest C library that a wheel works with: that of Debian 10, RHEL 8 and Ubuntu 20.04 (PEP 600).
const COMPATIBILITY: &str = "manylinux_2_28";

/// Build the wheels of the Python package for Linux on x86-64 and aarch64 (needs `pip install maturin ziglang`)
#[derive(clap::Args)]
pub(crate) struct Wheels {
    /// The platforms, with commas between
    #[arg(long, value_delimiter = ',', default_values = PLATFORMS)]
    targets: Vec<String>,
    /// The program that builds them; `ziglang` must be installed beside it, whose compiler serves all platforms
    #[arg(long, default_value = "maturin")]
    maturin: PathBuf,
}

impl Wheels {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        for target in &self.targets {
            println!("{target}");
            let status = Command::new(&self.maturin)
                .args(["build", "--release", "--zig", "--quiet", "--compatibility", COMPATIBILITY, "--target", target])
                .args(["--manifest-path", "crates/python/Cargo.toml", "--out", "target/wheels"])
                .status()
                .with_context(|| format!("cannot start {}; pip install maturin ziglang", self.maturin.display()))?;
            ensure!(status.success(), "no wheel for {target}: {status}; is it there? rustup target add {target}");
        }
        println!("wrote target/wheels");
        Ok(())
    }
}
