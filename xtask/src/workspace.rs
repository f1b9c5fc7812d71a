//! Where the workspace lies, and how its programs are run.
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// The text of a file of the workspace.
pub(crate) fn read(path: impl AsRef<Path>) -> anyhow::Result<String> {
    let path = root().join(path);
    std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}

/// Writes a file of the workspace, and says so if it changed.
pub(crate) fn write(path: impl AsRef<Path>, text: &str) -> anyhow::Result<()> {
    let path = path.as_ref();
    if read(path).is_ok_and(|before| before == text) {
        println!("{} is up to date", path.display());
        return Ok(());
    }
    let full = root().join(path);
    if let Some(folder) = full.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    std::fs::write(&full, text).with_context(|| format!("cannot write {}", full.display()))?;
    println!("wrote {}", path.display());
    Ok(())
}

/// The cargo that runs us, or else the one on the path.
pub(crate) fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Builds the program `barograph` and returns where it is.
pub(crate) fn barograph() -> anyhow::Result<PathBuf> {
    let output = Command::new(cargo())
        .args(["build", "--release", "--package", "barograph-cli", "--message-format", "json-render-diagnostics"])
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    if !output.status.success() {
        bail!("barograph does not build");
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let mut executables = messages.lines().rev().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        message.get("executable")?.as_str().map(PathBuf::from)
    });
    executables.next().context("cargo names no program that it built")
}
