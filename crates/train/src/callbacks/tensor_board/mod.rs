//! Files that TensorBoard shows.
mod events;
mod graph;
mod histogram;

use super::jsonl_logger::numbers;
use super::{Action, Callback, Readings, RunInfo, StepReport, StepStart};
use barograph_vocab::{EpochRecord, Finding, Role, Scalar};
use events::{EventFile, Value};
use std::io;
use std::path::{Path, PathBuf};

/// Writes what TensorBoard shows: `tensorboard --logdir RUN/tensorboard`.
///
/// - Numbers of each epoch, as `epoch_loss` and so on, with the epoch for their step; those of the rows that are held out come as a run of
///   their own, `validation`, under the same names, so that both curves are in one chart, as with Keras.
/// - Numbers of steps, as `step_loss`. A step whose loss is not finite always has one.
/// - At some steps, the histograms of weights, gradients and activations, four buckets an octave. Values that are not finite are not in
///   them; how many there are is a number beside them, such as `not_finite/gradient/dense1.weight`.
/// - The layers as a graph. That of a recipe is exact; of another model, activations follow one another as they came.
/// - The recipe and each finding as texts.
///
/// Numbers and histograms besides the loss need a training that is observed. When a file cannot be written the run goes on, and the user
/// hears of it once.
#[derive(Debug)]
pub struct TensorBoard {
    folder: PathBuf,
    every: u64,
    histograms_every: u64,
    graph: Graph,
    /// Whether steps that were written already are done again.
    resumed: bool,
    train: Option<EventFile>,
    validation: Option<EventFile>,
    lost: bool,
    trouble: Option<String>,
}

/// What became of the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Graph {
    /// It is not wanted.
    Off,
    /// That of a model without a recipe waits for the first step, when its sites are known.
    Due,
    Written,
}

impl TensorBoard {
    /// Writes into this folder, one file for each training.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            every: 10,
            histograms_every: 100,
            graph: Graph::Due,
            resumed: false,
            train: None,
            validation: None,
            lost: false,
            trouble: None,
        }
    }

    /// Steps between two whose numbers are written, beginning with the first; 0 writes those of epochs only. 10 unless told otherwise.
    #[must_use]
    pub const fn every(mut self, steps: u64) -> Self {
        self.every = steps;
        self
    }

    /// Steps between two whose histograms are written, beginning with the first; 0 writes none. 100 unless told otherwise.
    #[must_use]
    pub const fn histograms_every(mut self, steps: u64) -> Self {
        self.histograms_every = steps;
        self
    }

    /// Whether the graph is written. True unless told otherwise.
    #[must_use]
    pub const fn graph(mut self, graph: bool) -> Self {
        self.graph = if graph { Graph::Due } else { Graph::Off };
        self
    }

    fn histograms_due(&self, step: u64) -> bool {
        self.histograms_every > 0 && step.is_multiple_of(self.histograms_every)
    }

    /// Does something with the file of the training, and gives all files up when it fails.
    fn attempt(&mut self, work: impl FnOnce(&mut EventFile) -> io::Result<()>) {
        let done = file(&mut self.train, &self.folder.join("train")).and_then(work);
        self.heed(done);
    }

    fn heed(&mut self, done: io::Result<()>) {
        if let Err(error) = done
            && !std::mem::replace(&mut self.lost, true)
        {
            self.trouble = Some(format!("{}: {error}; the run goes on without TensorBoard", self.folder.display()));
        }
    }

    fn write(&mut self, step: u64, values: Vec<Value>) {
        if !self.lost && !values.is_empty() {
            self.attempt(|file| file.values(step, values));
        }
    }
}

/// The file that is open, or a new one.
fn file<'a>(slot: &'a mut Option<EventFile>, folder: &Path) -> io::Result<&'a mut EventFile> {
    match slot {
        Some(file) => Ok(file),
        None => Ok(slot.insert(EventFile::create(folder)?)),
    }
}

impl Callback for TensorBoard {
    fn train_begin(&mut self, run: &RunInfo<'_>) -> Action {
        (self.train, self.validation, self.lost) = (None, None, false);
        let graph = if self.graph == Graph::Off { None } else { graph::of_recipe(run.recipe, run.inputs as u64) };
        if self.graph != Graph::Off {
            self.graph = if graph.is_some() { Graph::Written } else { Graph::Due };
        }
        // Indented by four, so that Markdown shows it as it is.
        let recipe = format!("    {}\n", run.recipe.text().replace('\n', "\n    "));
        self.attempt(|file| {
            file.values(0, vec![Value::text("recipe", &recipe)])?;
            graph.map_or(Ok(()), |graph| file.graph(&graph))?;
            file.flush()
        });
        Action::Continue
    }

    fn wants_histograms(&self, step: u64) -> bool {
        !self.lost && self.histograms_due(step)
    }

    fn step_begin(&mut self, step: &StepStart) -> Action {
        if std::mem::take(&mut self.resumed) && !self.lost {
            self.attempt(|file| file.restart(step.step));
        }
        Action::Continue
    }

    fn step_end(&mut self, step: &StepReport<'_>) -> Action {
        if let Some(readings) = step.readings
            && self.graph == Graph::Due
            && !self.lost
        {
            self.graph = Graph::Written;
            let graph = graph::of_sites(readings.sites, readings.record);
            self.attempt(|file| file.graph(&graph));
        }
        let mut values = Vec::new();
        if self.every > 0 && (step.step.is_multiple_of(self.every) || !step.loss.is_finite()) {
            values.extend(scalars(step));
        }
        if self.histograms_due(step.step)
            && let Some(readings) = step.readings
        {
            values.extend(histograms(readings));
        }
        self.write(step.step, values);
        Action::Continue
    }

    fn finding(&mut self, finding: &Finding) -> Action {
        let place = finding.site.as_ref().map_or_else(String::new, |site| format!(" at `{site}`"));
        let text =
            format!("**{}** {} {}{place}: {}", finding.severity.name(), finding.code, finding.name, finding.message);
        self.write(finding.step, vec![Value::text("findings", &text)]);
        Action::Continue
    }

    fn epoch_end(&mut self, epoch: &EpochRecord) -> Action {
        if self.lost {
            return Action::Continue;
        }
        let (mut trained, mut held_out) = (Vec::new(), Vec::new());
        for (name, value) in numbers(epoch) {
            match name.strip_prefix("validation_") {
                Some(name) => held_out.push(Value::scalar(format!("epoch_{name}"), value)),
                None => trained.push(Value::scalar(format!("epoch_{name}"), value)),
            }
        }
        let number = u64::from(epoch.epoch);
        self.attempt(|file| file.values(number, trained).and_then(|()| file.flush()));
        if !self.lost && !held_out.is_empty() {
            let written = file(&mut self.validation, &self.folder.join("validation"))
                .and_then(|file| file.values(number, held_out).and_then(|()| file.flush()));
            self.heed(written);
        }
        Action::Continue
    }

    fn train_end(&mut self, _: barograph_vocab::RunEnd) -> Action {
        if !self.lost {
            self.attempt(EventFile::flush);
        }
        Action::Continue
    }

    fn restore(&mut self, _: &str) -> Result<(), String> {
        self.resumed = true;
        Ok(())
    }

    fn trouble(&mut self) -> Option<String> {
        self.trouble.take()
    }
}

/// The numbers of a step.
fn scalars(step: &StepReport<'_>) -> Vec<Value> {
    let own = [("loss", Some(step.loss)), ("learning_rate", Some(step.learning_rate)), ("accuracy", step.accuracy)];
    let own = own.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let known = [Scalar::Loss, Scalar::LearningRate, Scalar::Accuracy];
    let read = step.readings.iter().flat_map(|readings| &readings.record.scalars);
    let read = read.filter(|(scalar, _)| !known.contains(scalar)).map(|(scalar, value)| (scalar.name(), *value));
    own.chain(read).map(|(name, value)| Value::scalar(format!("step_{name}"), value)).collect()
}

/// The histograms of a step, and how many values are not in them.
fn histograms(readings: Readings<'_>) -> Vec<Value> {
    let mut values = Vec::new();
    for (place, counted) in readings.histograms {
        let Some(entry) = readings.record.readings.get(*place) else { continue };
        if !matches!(entry.role, Role::Weight | Role::Gradient | Role::PreActivation | Role::Activation | Role::Output)
        {
            continue;
        }
        let tag = format!("{}/{}", entry.role.name(), readings.sites.path(entry.site));
        if entry.reading.non_finite() > 0 {
            values.push(Value::scalar(format!("not_finite/{tag}"), entry.reading.non_finite() as f64));
        }
        let histogram = histogram::histogram(counted, &entry.reading);
        values.extend(histogram.map(|histogram| Value::histogram(tag, histogram)));
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callbacks::tests::{begin, epoch};
    use barograph_vocab::RunEnd;
    use events::tests::told;

    fn steps(board: &mut TensorBoard, losses: &[f64]) {
        for (step, &loss) in (0..).zip(losses) {
            board.step_begin(&StepStart { step, epoch: 0, learning_rate: 0.1 });
            board.step_end(&StepReport { step, loss, ..StepReport::default() });
        }
        board.train_end(RunEnd::Completed);
    }

    #[test]
    fn a_nan_between_two_steps_that_are_due_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut board = TensorBoard::new(folder.path()).every(3);
        begin(&mut board, 1);
        steps(&mut board, &[1.0, f64::NAN, 1.0, 1.0, 1.0]);
        let told = told(&folder.path().join("train"));
        let steps = told.iter().filter(|(_, tags)| tags.contains(&"step_loss".to_owned())).map(|(step, _)| *step);
        assert_eq!(steps.collect::<Vec<_>>(), [0, 1, 3]);
        assert!(told.contains(&(0, vec!["recipe".to_owned()])));
    }

    #[test]
    fn numbers_of_rows_that_are_held_out_are_a_run_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let mut board = TensorBoard::new(folder.path()).every(0).graph(false);
        begin(&mut board, 1);
        let scalars = vec![(Scalar::Loss, 1.0), (Scalar::ValidationLoss, f64::INFINITY)];
        let named = vec![("validation_species_loss".to_owned(), 2.0)];
        board.epoch_end(&EpochRecord { scalars, named, ..epoch(4, 0.0) });
        assert_eq!(told(&folder.path().join("train"))[2], (4, vec!["epoch_loss".to_owned()]));
        let held_out = told(&folder.path().join("validation"));
        assert_eq!(held_out[1], (4, vec!["epoch_loss".to_owned(), "epoch_species_loss".to_owned()]));
    }

    #[test]
    fn a_resumed_training_says_where_it_begins_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut board = TensorBoard::new(folder.path()).graph(false);
        board.restore("").unwrap();
        begin(&mut board, 1);
        for step in [7, 8] {
            board.step_begin(&StepStart { step, epoch: 0, learning_rate: 0.1 });
        }
        board.train_end(RunEnd::Completed);
        let told = told(&folder.path().join("train"));
        assert_eq!(told[2..], [(7, vec!["session 1".to_owned()])]);
    }

    #[test]
    fn an_unwritable_folder_is_said_once_and_stops_nothing() {
        let mut board = TensorBoard::new("/dev/null/board");
        begin(&mut board, 1);
        assert!(board.trouble().is_some_and(|text| text.contains("/dev/null/board")));
        steps(&mut board, &[1.0, f64::NAN]);
        board.epoch_end(&epoch(0, 1.0));
        assert_eq!((board.trouble(), board.wants_histograms(0)), (None, false));
    }
}
