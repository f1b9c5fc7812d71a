//! Where a recipe was written.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The text of a recipe, its file, and the line of each key. Of a recipe built in code it is empty.
///
/// It does not take part in comparisons: two recipes that say the same are equal wherever they were written.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The file as the user named it, for messages.
    pub(crate) file: String,
    /// The folder that relative paths start from.
    pub(crate) folder: Option<PathBuf>,
    /// The text, if there is one.
    pub(crate) text: Option<String>,
    /// Where each key stands: `digits.toml:14`, or `--set batch=8`.
    pub(crate) places: BTreeMap<String, String>,
}

impl PartialEq for Origin {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Origin {
    /// Where a dotted key stands, or else the nearest table around it, or else the file.
    pub(crate) fn place(&self, key: &str) -> &str {
        let mut key = key;
        loop {
            if let Some(place) = self.places.get(key) {
                return place;
            }
            match key.rsplit_once('.') {
                Some((parent, _)) => key = parent,
                None => return &self.file,
            }
        }
    }

    /// A path of the recipe, as seen from the working directory.
    pub(crate) fn resolve(&self, path: &Path) -> PathBuf {
        self.folder.as_ref().map_or_else(|| path.to_owned(), |folder| folder.join(path))
    }
}

/// Lines of a text, found by byte offset.
pub(crate) struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    pub(crate) fn of(text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self { starts: std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect() }
    }

    /// The line of a byte, from 1.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }
}
