//! What lies in a folder.
use crate::segment;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Names listed in a message.
const MOST_NAMES: usize = 3;

/// Where the snapshot, the rows and the batch of an incident lie, as safetensors; the trainer makes the folder when it has
/// something to put there.
#[must_use]
pub fn incident_folder(dir: impl AsRef<Path>) -> PathBuf {
    dir.as_ref().join("incident")
}

/// The segments in a folder, by number.
pub(crate) fn segments(dir: &Path) -> io::Result<Vec<(u32, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if let Some(number) = entry.file_name().to_str().and_then(segment::number_of) {
            found.push((number, entry.path()));
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// What the folder of one rank is called, before its number.
const RANK: &str = "rank=";

/// The folders that the ranks of a distributed run write their logs to, by rank: `rank=00000`, ... Empty for the folder of a run
/// of one process.
#[must_use]
pub fn rank_folders(dir: impl AsRef<Path>) -> Vec<(u32, PathBuf)> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let number = |path: &Path| path.file_name()?.to_str()?.strip_prefix(RANK)?.parse().ok();
    let folders = entries.map(|entry| entry.path()).filter(|path| path.is_dir());
    let mut found: Vec<(u32, PathBuf)> = folders.filter_map(|path| Some((number(&path)?, path))).collect();
    found.sort_unstable();
    found
}

/// Whether a folder holds the log of a run, of one process or of several ranks.
pub(crate) fn holds_a_run(dir: &Path) -> bool {
    let holds_a_log = |dir: &Path| segments(dir).is_ok_and(|segments| !segments.is_empty());
    holds_a_log(dir) || rank_folders(dir).iter().any(|(_, folder)| holds_a_log(folder))
}

/// The run folders directly below a folder, by name.
pub(crate) fn runs_below(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        // A folder that cannot be read is no reason to hide the others.
        if path.is_dir() && holds_a_run(&path) {
            found.push(path);
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// What a path is instead of a run folder, and what to do about it.
pub(crate) fn looks_like(path: &Path) -> (String, String) {
    let open_a_run = "open a folder that holds log-00000.wal".to_owned();
    if path.is_file() {
        let is_segment = path.file_name().and_then(|name| name.to_str()).and_then(segment::number_of).is_some();
        return match path.parent() {
            Some(parent) if is_segment => {
                ("it is one file of a run log".to_owned(), format!("open its folder, {}", shown(parent)))
            }
            _ => ("it is a file".to_owned(), open_a_run),
        };
    }
    if !path.exists() {
        let near = path.parent().map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent });
        let runs = near.and_then(|near| runs_below(near).ok()).unwrap_or_default();
        let advice =
            if runs.is_empty() { "check the path".to_owned() } else { format!("the runs there are {}", names(&runs)) };
        return ("it does not exist".to_owned(), advice);
    }
    let runs = runs_below(path).unwrap_or_default();
    if !runs.is_empty() {
        return (format!("it is a folder of {} runs", runs.len()), format!("open one of them: {}", names(&runs)));
    }
    (contents(path), open_a_run)
}

fn shown(path: &Path) -> String {
    if path.as_os_str().is_empty() { ".".to_owned() } else { path.display().to_string() }
}

fn names(paths: &[PathBuf]) -> String {
    let listed: Vec<_> =
        paths.iter().take(MOST_NAMES).filter_map(|path| path.file_name()).map(|name| name.to_string_lossy()).collect();
    let more = paths.len().saturating_sub(MOST_NAMES);
    if more == 0 { listed.join(", ") } else { format!("{} and {more} more", listed.join(", ")) }
}

/// What a folder without runs holds.
fn contents(dir: &Path) -> String {
    let names: Vec<String> = fs::read_dir(dir)
        .map(|entries| entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
        .unwrap_or_default();
    if names.is_empty() {
        "it is an empty folder".to_owned()
    } else if names.iter().any(|name| name.contains("tfevents")) {
        "it looks like TensorBoard logs".to_owned()
    } else if names.iter().any(|name| name == "wandb" || name.starts_with("run-") && name.contains(".wandb")) {
        "it looks like a Weights & Biases folder".to_owned()
    } else {
        "it is a folder without a log-00000.wal".to_owned()
    }
}
