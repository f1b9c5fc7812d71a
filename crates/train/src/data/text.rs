//! Text as numbers of tokens: texts with a class each, or one long text in which each token is to be foretold.
use super::raw::counted;
use super::tokenizer::Tokens;
use super::windows::{WindowShape, Windows};
use super::{DataError, DataReport, Dataset, Loaded, RowSource, Split, Targets, files};
use crate::recipe::{Recipe, Task, TokenSpec};
use std::path::Path;
use std::sync::Arc;

/// A long text is tokenized in pieces of whole lines of about so many bytes: bounds the memory (our choice).
const PIECE: usize = 1 << 16;

/// Texts that were read from a table, with their answers.
#[derive(Debug)]
pub(crate) struct Texts {
    pub(crate) texts: Vec<String>,
    pub(crate) targets: Targets,
    pub(crate) weights: Option<Vec<f32>>,
    pub(crate) target_names: Vec<String>,
    pub(crate) class_names: Vec<String>,
    pub(crate) target_classes: Vec<Vec<String>>,
}

/// Each text as a row of tokens, cut or filled up to one length. The vocabulary is learned from the training rows alone.
pub(crate) fn rows(
    texts: Texts,
    task: Task,
    mut report: DataReport,
    file: &str,
    spec: &TokenSpec,
    recipe: &Recipe,
) -> Result<Loaded, DataError> {
    let Texts { texts, targets, weights, target_names, class_names, target_classes } = texts;
    let length = spec.length as usize;
    let training = Split::new(texts.len() as u32, recipe.data.validation, recipe.seed).train;
    let tokens = Tokens::open(spec, recipe, training.iter().map(|&row| texts[row as usize].as_str()))?;
    tokens.note(file, &mut report);
    let inputs = padded(&texts, &tokens, length, file, &mut report)?;
    let feature_names = (0..length).map(|place| format!("token{place}")).collect();
    let dataset = Dataset { inputs, targets, weights, feature_names, target_names, class_names, target_classes };
    Ok(Loaded { dataset: Arc::new(dataset), task, report, tokenizer: Some(tokens.json) })
}

/// The tokens of texts, `[texts, length]`: cut or filled up.
fn padded(
    texts: &[String],
    tokens: &Tokens,
    length: usize,
    file: &str,
    report: &mut DataReport,
) -> Result<Vec<f32>, DataError> {
    let all: Vec<&str> = texts.iter().map(String::as_str).collect();
    let rows = tokens.encode(&all, true).map_err(|text| DataError::content(file, text))?;
    let cut = rows.iter().filter(|row| row.len() > length).count();
    let empty = rows.iter().filter(|row| row.is_empty()).count();
    for (count, what) in
        [(cut, format!("longer than length = {length} tokens, and cut")), (empty, "without any token".to_owned())]
    {
        if count > 0 {
            report.note(file, format!("texts that are {what}: {count} of {}", rows.len()));
        }
    }
    let fill = tokens.padding as f32;
    let row = |row: Vec<u32>| row.into_iter().map(|id| id as f32).chain(std::iter::repeat(fill)).take(length);
    Ok(rows.into_iter().flat_map(row).collect())
}

/// Texts without answers, in the tokens of the training: `[texts, length]`.
pub(crate) fn inputs(
    texts: &[String],
    file: &str,
    spec: &TokenSpec,
    recipe: &Recipe,
    report: &mut DataReport,
) -> Result<Vec<f32>, DataError> {
    let tokens = Tokens::open(spec, recipe, std::iter::empty())?;
    padded(texts, &tokens, spec.length as usize, file, report)
}

/// The tokens of a text, or of the texts in a folder one after the other, in those of the training.
pub(crate) fn stream(path: &Path, recipe: &Recipe, spec: &TokenSpec) -> Result<Vec<f32>, DataError> {
    let text = whole(path)?;
    let ids = Tokens::open(spec, recipe, std::iter::empty())?.encode(&pieces(&text), false);
    let ids = ids.map_err(|text| DataError::content(path.display().to_string(), text))?;
    Ok(ids.into_iter().flatten().map(|id| id as f32).collect())
}

/// The tokens of a long text, one a row, each its own answer.
#[derive(Debug)]
struct Stream {
    tokens: Vec<u32>,
    names: Vec<String>,
}

impl RowSource for Stream {
    fn rows(&self) -> usize {
        self.tokens.len()
    }

    fn features(&self) -> usize {
        1
    }

    fn feature_name(&self, _: usize) -> String {
        "token".to_owned()
    }

    fn class_names(&self) -> &[String] {
        &self.names
    }

    fn inputs(&self, rows: &[usize], into: &mut Vec<f32>) -> Result<(), DataError> {
        into.extend(rows.iter().map(|&row| self.tokens[row] as f32));
        Ok(())
    }

    /// A number for each time step of a window, as losses take classes of several steps.
    fn targets(&self, rows: &[usize]) -> Result<Targets, DataError> {
        Ok(Targets::Real { values: rows.iter().map(|&row| self.tokens[row] as f32).collect(), columns: 1 })
    }

    fn task(&self) -> Option<Task> {
        Some(Task::Multiclass)
    }
}

/// Windows over a text, or over the texts in a folder one after the other; each token of a window is answered by the one after it.
pub(crate) fn next_tokens(path: &Path, recipe: &Recipe, spec: &TokenSpec, stride: u64) -> Result<Loaded, DataError> {
    let text = whole(path)?;
    let file = path.display().to_string();
    let pieces = pieces(&text);
    let tokens = Tokens::open(spec, recipe, training(&pieces, recipe.data.validation))?;
    let ids = tokens.encode(&pieces, false).map_err(|text| DataError::content(&*file, text))?.concat();
    let mut report = DataReport::default();
    tokens.note(&file, &mut report);
    report.note(&file, format!("the text has {}", counted(ids.len(), "token")));
    let length = spec.length as usize;
    let shape = WindowShape { length, target: 1, horizon: length, stride: stride as usize };
    let stream = Arc::new(Stream { tokens: ids, names: tokens.names() });
    let windows = Windows::over(stream, shape, "token", path, recipe)?;
    Ok(Loaded { dataset: Arc::new(windows), task: Task::Multiclass, report, tokenizer: Some(tokens.json) })
}

/// The text of a file, or of those in a folder one after the other.
fn whole(path: &Path) -> Result<String, DataError> {
    files::of(path)?.iter().map(|file| read(file)).collect()
}

fn read(file: &Path) -> Result<String, DataError> {
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut super::error::open(file)?, &mut bytes)
        .map_err(|source| DataError::Unreadable { path: file.to_owned(), source })?;
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = 1 + String::from_utf8_lossy(&error.as_bytes()[..good]).matches('\n').count();
        DataError::broken(format!("{}:{line}", file.display()), "this is not UTF-8 text; save the file as UTF-8")
    })
}

/// A text in pieces of whole lines, of about one size.
fn pieces(text: &str) -> Vec<&str> {
    let (mut pieces, mut start) = (Vec::new(), 0);
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        end += line.len();
        if end - start >= PIECE {
            pieces.push(&text[start..end]);
            start = end;
        }
    }
    pieces.push(&text[start..]);
    pieces
}

/// The pieces that a vocabulary may be learned from: those before the end of the text, which is held out.
fn training<'a>(pieces: &[&'a str], validation: f64) -> impl Iterator<Item = &'a str> + Send + use<'a> {
    let all: usize = pieces.iter().map(|piece| piece.len()).sum();
    let mut left = (all as f64 * (1.0 - validation)).ceil() as usize;
    let mut kept = Vec::new();
    for piece in pieces {
        let mut end = piece.len().min(left);
        while !piece.is_char_boundary(end) {
            end += 1;
        }
        kept.push(&piece[..end]);
        left = left.saturating_sub(end);
    }
    kept.into_iter()
}
