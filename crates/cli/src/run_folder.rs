//! Folders for new runs.
use anyhow::{Context as _, Result};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Where runs go unless told otherwise.
pub(crate) const RUNS: &str = "runs";

/// The file of a run that holds the tokenizer of its texts.
pub(crate) const TOKENIZER_FILE: &str = "tokenizer.json";

/// The longest name that a folder takes over from a run (our choice; most file systems end at 255 bytes).
const LONGEST_NAME: usize = 64;

/// The folder of a new run.
#[derive(Debug)]
pub(crate) struct RunFolder {
    path: PathBuf,
    /// Whether it was made here, and is to be taken away again if nothing comes of the run.
    made: bool,
}

impl RunFolder {
    /// The folder that the user named, or else the next free one: `runs/digits-003`.
    ///
    /// # Errors
    /// When no folder can be made.
    pub(crate) fn choose(named: Option<&Path>, run: &str) -> Result<Self> {
        match named {
            Some(path) => Ok(Self { path: path.to_owned(), made: false }),
            None => Ok(Self { path: next_free(Path::new(RUNS), &plain(run))?, made: true }),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the folder away again if it is still empty.
    pub(crate) fn abandon(&self) {
        if self.made {
            // It fails, and should, when something is in it.
            let _ = std::fs::remove_dir(&self.path);
        }
    }
}

/// Makes the folder `base/name-NNN` with the number after the largest that is there.
fn next_free(base: &Path, name: &str) -> Result<PathBuf> {
    let advice =
        || format!("{}: cannot make a folder for the run; choose another place with --run-dir", base.display());
    std::fs::create_dir_all(base).with_context(advice)?;
    let taken = std::fs::read_dir(base).with_context(advice)?.flatten();
    let numbers = taken.filter_map(|entry| number_of(entry.file_name().to_str()?, name));
    let mut number = numbers.max().unwrap_or(0) + 1;
    loop {
        let path = base.join(format!("{name}-{number:03}"));
        match std::fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            // Another run that begins now was faster.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error).with_context(advice),
        }
    }
}

fn number_of(folder: &str, name: &str) -> Option<u32> {
    folder.strip_prefix(name)?.strip_prefix('-')?.parse().ok()
}

/// The name of a run as one that every file system takes.
fn plain(name: &str) -> String {
    let safe = |c: char| if c.is_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
    let name: String = name.chars().map(safe).take(LONGEST_NAME).collect();
    let name = name.trim_matches(|c| matches!(c, '.' | '-'));
    if name.is_empty() { "run".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{next_free, plain};

    #[test]
    fn numbers_go_on_after_the_largest() {
        let base = tempfile::tempdir().expect("a folder");
        let name = |path: std::path::PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
        assert_eq!(name(next_free(base.path(), "a").expect("free")).as_deref(), Some("a-001"));
        std::fs::create_dir(base.path().join("a-041")).expect("a folder");
        std::fs::create_dir(base.path().join("a-b-099")).expect("a folder");
        assert_eq!(name(next_free(base.path(), "a").expect("free")).as_deref(), Some("a-042"));
    }

    #[test]
    fn names_never_leave_the_folder() {
        assert_eq!(plain("../../etc/passwd"), "etc-passwd");
        assert_eq!(plain("digits 2"), "digits-2");
        assert_eq!(plain(".."), "run");
    }
}
