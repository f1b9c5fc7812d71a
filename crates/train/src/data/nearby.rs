//! Which files there are instead of the one that is not there.
use crate::recipe::suggest;
use std::path::Path;

/// The end of an error message about a missing file: the nearest name in its folder, or the names that end as wanted.
pub(crate) fn nearby_files(path: &Path, endings: &[&str]) -> String {
    /// More names are not read: our choice.
    const SHOWN: usize = 8;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let Ok(entries) = std::fs::read_dir(folder) else {
        return format!("; there is no folder {} either", folder.display());
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| {
            let ending = Path::new(name).extension().map(|ending| ending.to_string_lossy().to_lowercase());
            ending.is_some_and(|ending| endings.contains(&ending.as_str()))
        })
        .collect();
    names.sort_unstable();
    let wanted = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if let Some(name) = suggest::nearest(&wanted, names.iter().map(String::as_str)) {
        return format!("; did you mean {name:?}?");
    }
    match names.len() {
        0 => format!("; the folder {} holds no .{} file", folder.display(), endings.join(" or .")),
        count if count <= SHOWN => format!("; the folder {} holds {}", folder.display(), names.join(", ")),
        count => {
            format!("; the folder {} holds {} and {} more", folder.display(), names[..SHOWN].join(", "), count - SHOWN)
        }
    }
}
