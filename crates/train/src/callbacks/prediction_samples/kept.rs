//! Samples on disk, as they are written and as a report reads them.
use super::answer::Answer;
use super::{FOLDER, MOST_ROWS};
use crate::callbacks::json::{Object, number};
use barograph_vocab::{Sample, SampleAnswer};
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// The file with the rows.
pub(super) const SAMPLES: &str = "samples.json";

/// The file with what was answered.
pub(super) const ANSWERS: &str = "answers.jsonl";

/// The longest file of rows, and the longest picture, that is read (our choice: what a run folder holds is not trusted).
const LONGEST: u64 = 4 << 20;

/// Most answers that are read (our choice).
const MOST_ANSWERS: usize = 1 << 20;

#[derive(Deserialize)]
struct Document {
    samples: Vec<Described>,
}

#[derive(Deserialize)]
struct Described {
    row: u64,
    held_out: bool,
    picture: Option<String>,
    inputs: String,
    truth: String,
    target: Value,
}

#[derive(Deserialize)]
struct Line {
    epoch: u64,
    row: u64,
    answer: String,
    right: Option<bool>,
    value: Value,
}

/// A row as `samples.json` has it.
pub(super) fn described(
    row: u64,
    held_out: bool,
    picture: Option<String>,
    inputs: String,
    truth: String,
    target: Option<f64>,
) -> Object {
    Object::default()
        .with("row", row)
        .with("held_out", held_out)
        .with("picture", picture)
        .with("inputs", inputs)
        .with("truth", truth)
        .with("target", target.map_or(Value::Null, number))
}

/// The file of all rows.
pub(super) fn document(rows: &[Object]) -> String {
    let rows: Vec<String> = rows.iter().map(ToString::to_string).collect();
    format!("{{\"samples\":[\n{}\n]}}\n", rows.join(",\n"))
}

/// One answer as a line.
pub(super) fn line(epoch: u64, row: u64, answer: &Answer) -> String {
    let object = Object::default()
        .with("epoch", epoch)
        .with("row", row)
        .with("answer", answer.text.as_str())
        .with("right", answer.right)
        .with("value", answer.value.map_or(Value::Null, number));
    format!("{object}\n")
}

/// The samples that a run kept; none where it kept none. A line that is not whole, as a killed run leaves it, is passed over.
///
/// # Errors
/// What is wrong with which file.
pub fn load_samples(run: &Path) -> Result<Vec<Sample>, String> {
    let folder = run.join(FOLDER);
    let path = folder.join(SAMPLES);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let bytes = read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let document: Document = serde_json::from_slice(&bytes)
        .map_err(|error| format!("{}: not a list of samples: {error}", path.display()))?;
    let kept = document.samples.into_iter().take(MOST_ROWS as usize).map(|sample| Sample {
        row: sample.row,
        held_out: sample.held_out,
        // A name that leads out of the folder is none that was written.
        picture: sample.picture.filter(|name| is_plain(name)).and_then(|name| read(&folder.join(name)).ok()),
        inputs: sample.inputs,
        truth: sample.truth,
        target: finite_or_not(&sample.target),
        answers: Vec::new(),
    });
    let mut samples: Vec<Sample> = kept.collect();
    let places: HashMap<u64, usize> = samples.iter().enumerate().map(|(place, sample)| (sample.row, place)).collect();
    let Ok(answers) = File::open(folder.join(ANSWERS)) else { return Ok(samples) };
    for line in BufReader::new(answers).lines().map_while(Result::ok).take(MOST_ANSWERS) {
        let Ok(Line { epoch, row, answer, right, value }) = serde_json::from_str(&line) else { continue };
        if let Some(place) = places.get(&row) {
            let value = finite_or_not(&value);
            samples[*place].answers.push(SampleAnswer { epoch, text: answer, right, value });
        }
    }
    Ok(samples)
}

fn is_plain(name: &str) -> bool {
    !name.starts_with('.') && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return Err(std::io::Error::other(format!("longer than {LONGEST} bytes")));
    }
    Ok(bytes)
}

/// A number, or the text of one that is not finite.
fn finite_or_not(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}
