//! The files of a data set: one, or the parts that a folder holds.
use super::DataError;
use std::path::{Path, PathBuf};

/// Endings of files that rows are read from.
pub(crate) const ENDINGS: [&str; 6] = ["csv", "tsv", "txt", "npz", "parquet", "safetensors"];

/// The ending of a file's name, in small letters.
pub(crate) fn ending(path: &Path) -> Option<String> {
    path.extension().map(|ending| ending.to_string_lossy().to_lowercase())
}

/// The file itself; or of a folder the files in it, in the order of their names.
pub(crate) fn of(path: &Path) -> Result<Vec<PathBuf>, DataError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let unreadable = |source| DataError::Unreadable { path: path.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        let is_known = ending(&file).is_some_and(|ending| ENDINGS.contains(&ending.as_str()));
        let is_hidden = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(['.', '_']));
        if is_known && !is_hidden && file.is_file() {
            files.push(file);
        }
    }
    files.sort_unstable();
    let place = || path.display().to_string();
    let Some(first) = files.first() else {
        let text = format!(
            "this folder holds no data; put files of one kind in it, whose names end in .{}, or for a folder of images write examples = \"images\"",
            ENDINGS.join(", .")
        );
        return Err(DataError::content(place(), text));
    };
    match files.iter().find(|file| ending(file) != ending(first)) {
        Some(other) => {
            let name = |file: &Path| file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let text = format!(
                "this folder holds files of several kinds, {:?} and {:?}; name one file, or keep the parts of a data set by themselves",
                name(first),
                name(other)
            );
            Err(DataError::content(place(), text))
        }
        None => Ok(files),
    }
}
