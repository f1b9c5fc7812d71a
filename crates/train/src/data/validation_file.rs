//! Rows that are held out because they lie in a file of their own.
use super::targets::NUMBERED;
use super::{DataError, HeldOut, Loaded, counted};
use crate::recipe::{Examples, Recipe};
use std::path::Path;
use std::sync::Arc;

/// Adds the rows of the file that a recipe holds out, read as those to learn from were.
pub(super) fn with(loaded: Loaded, file: &Path, recipe: &Recipe) -> Result<Loaded, DataError> {
    let Loaded { dataset, task, mut report, tokenizer } = loaded;
    let place = file.display().to_string();
    let mut alike = Recipe { task: Some(task), ..recipe.clone() };
    // Texts of both have one vocabulary. Its file must live until they are read.
    let _vocabulary = match (&mut alike.data.examples, &tokenizer) {
        (Examples::Text { spec } | Examples::NextTokens { spec, .. }, Some(tokenizer)) => {
            let kept = kept(tokenizer).map_err(|source| DataError::Unreadable { path: file.to_owned(), source })?;
            spec.tokenizer = kept.path().display().to_string();
            Some(kept)
        }
        _ => None,
    };
    let mut other = super::read(file, &alike)?;
    let (known, given) = (dataset.class_names(), other.dataset.class_names());
    if known.is_empty() != given.is_empty() {
        let text = "its classes are texts where those to learn are numbers, or the other way round; write them alike";
        return Err(DataError::content(place, text));
    }
    let count = counted(other.dataset.rows(), "row");
    report.note(&place, format!("{count} are held out, numbered from {} on", dataset.rows()));
    // They are numbered as in the file that is learned from.
    other.report.notes.retain(|note| !note.contains(NUMBERED));
    report.append(other.report);
    let dataset = Arc::new(HeldOut::of(dataset, other.dataset, &place)?);
    Ok(Loaded { dataset, task, report, tokenizer })
}

/// A tokenizer as a file, which is what a recipe names.
fn kept(tokenizer: &str) -> std::io::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::Builder::new().suffix(".json").tempfile()?;
    std::io::Write::write_all(&mut file, tokenizer.as_bytes())?;
    Ok(file)
}
