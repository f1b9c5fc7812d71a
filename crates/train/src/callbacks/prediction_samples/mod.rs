//! The same few rows after every epoch, and what the model answers for them.
mod answer;
mod kept;
mod picture;

pub use kept::load_samples;

use super::line_file::{LineFile, Place};
use super::{Action, Callback, RunInfo, SampleRequest, Samples, memory};
use std::io;
use std::path::{Path, PathBuf};

/// The folder of a run that holds the samples.
const FOLDER: &str = "samples";

/// Most rows that are shown (our choice: each has a place of its own in the report).
pub(crate) const MOST_ROWS: u64 = 64;

/// After each epoch, asks the model for the same few rows, and keeps what it answers in the run's folder `samples`: the rows with their
/// targets in `samples.json`, each answer as a line of `answers.jsonl`, and a picture of each row that is an image. The report shows them.
///
/// The rows are drawn by the seed from those that are held out, or from the training rows where none are; or they are given. The model
/// answers as when it is validated: without dropout, and with averaged weights where there are some.
#[derive(Debug)]
pub struct PredictionSamples {
    request: SampleRequest,
    folder: Option<PathBuf>,
    answers: LineFile,
    resumed: Option<Place>,
    is_described: bool,
    trouble: Option<String>,
}

impl PredictionSamples {
    /// Draws so many rows; at most 64.
    #[must_use]
    pub fn drawn(count: u64) -> Self {
        Self::new(SampleRequest::Drawn(count.min(MOST_ROWS) as usize))
    }

    /// Looks at these rows of the data, the first being 0; at most 64.
    #[must_use]
    pub fn rows(rows: impl Into<Vec<u64>>) -> Self {
        let mut rows = rows.into();
        rows.truncate(MOST_ROWS as usize);
        Self::new(SampleRequest::Rows(rows))
    }

    fn new(request: SampleRequest) -> Self {
        let answers = LineFile::new(PathBuf::new());
        Self { request, folder: None, answers, resumed: None, is_described: false, trouble: None }
    }

    /// Writes the rows down once, with their pictures. Where that fails, it gives up.
    fn describe(&mut self, folder: &Path, samples: &Samples<'_>) {
        if !std::mem::replace(&mut self.is_described, true)
            && let Err(error) = describe(folder, samples)
        {
            self.trouble = Some(format!("{}: {error}; the run goes on without its samples", folder.display()));
            self.folder = None;
        }
    }
}

impl Callback for PredictionSamples {
    fn train_begin(&mut self, run: &RunInfo<'_>) -> Action {
        self.folder = run.folder.map(|folder| folder.join(FOLDER));
        self.is_described = false;
        match &self.folder {
            Some(folder) => self.answers = LineFile::new(folder.join(kept::ANSWERS)),
            None => {
                self.trouble =
                    Some("the samples were not kept: give the training a folder with Trainer::folder".to_owned());
            }
        }
        if let Some(place) = self.resumed.take() {
            self.answers.resume(place);
        }
        Action::Continue
    }

    fn wants_samples(&self) -> Option<SampleRequest> {
        Some(self.request.clone())
    }

    fn samples(&mut self, samples: &Samples<'_>) -> Action {
        let Some(folder) = self.folder.clone() else { return Action::Continue };
        self.describe(&folder, samples);
        if self.folder.is_none() {
            return Action::Continue;
        }
        for place in 0..samples.rows.len() {
            self.answers.write("", &kept::line(samples.epoch, samples.rows[place], &answer::answer(samples, place)));
        }
        Action::Continue
    }

    fn state(&self) -> String {
        memory::write(&self.answers.place())
    }

    fn restore(&mut self, state: &str) -> Result<(), String> {
        self.resumed = Some(memory::read(state)?);
        Ok(())
    }

    fn trouble(&mut self) -> Option<String> {
        self.trouble.take().or_else(|| self.answers.trouble())
    }
}

fn describe(folder: &Path, samples: &Samples<'_>) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let range = picture::range(samples.inputs);
    let mut described = Vec::new();
    for (place, &row) in samples.rows.iter().enumerate() {
        let inputs = samples.inputs_of(place);
        let mut picture = None;
        if let Some(bytes) = samples.image.and_then(|image| picture::png(inputs, image, range)) {
            let name = format!("row-{row:06}.png");
            std::fs::write(folder.join(&name), bytes)?;
            picture = Some(name);
        }
        let inputs = if picture.is_some() { String::new() } else { answer::numbers(inputs) };
        let (truth, target) = answer::truth(samples, place);
        described.push(kept::described(row, samples.held_out[place], picture, inputs, truth, target));
    }
    std::fs::write(folder.join(kept::SAMPLES), kept::document(&described))
}

#[cfg(test)]
mod tests;
