//! One observed run, for Python.
use crate::array::{Array, Memory, plain};
use crate::incident::Seen;
use crate::names;
use crate::reading::read;
use barograph_cli::{ColorChoice, Screen};
use barograph_monitor::{
    Cadence, DiagnoseError, EvidenceMode, FirstEpoch, LogState, Options, TargetRows, diagnose, read_answers,
    reading_options,
};
use barograph_report::{Curves, Report, html, json, markdown, terminal};
use barograph_vocab::{Diagnosis, EpochRecord, Finding, Reading, Role, Scalar, Severity, SiteId};
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How late a finding may be told: between two steps of another framework, the rules' memory has left the processor's cache, so that
/// steps are judged together. Nobody sees a tenth of a second (our choice).
const JUDGED_AFTER: Duration = Duration::from_millis(100);

/// A finding as Python gets it: severity, code, step and message.
type Told = (&'static str, String, u64, String);

/// Measures, judges and logs one run. Between `begin_step` and `end_step`, tensors are read in the order in which they are made.
#[pyclass(frozen, module = "barograph")]
pub(crate) struct Session {
    inner: Mutex<Inner>,
    /// Where what is reported on lies: the log, or, where that is one rank's, the logs of all.
    folder: Option<PathBuf>,
    of_ranks: bool,
}

struct Inner {
    session: barograph_monitor::Session,
    epoch: FirstEpoch,
    reading_data: bool,
    step: u64,
    /// Sites and roles that were read in this step.
    seen: HashSet<(u32, Role)>,
}

impl Session {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing was read yet at this site and in this role in this step; from now on something was.
    pub(crate) fn is_first(&self, site: u32, role: Role) -> bool {
        self.lock().seen.insert((site, role))
    }

    /// Takes in a reading. Returns how many elements are not finite.
    pub(crate) fn take_reading(&self, site: SiteId, role: Role, reading: Reading) -> u64 {
        self.lock().session.take(site, role, reading).non_finite()
    }
}

/// The gradient of a parameter that is trained. What a frozen one still holds is of an earlier training.
fn gradient_of<'py>(parameter: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = parameter.py();
    let gradient = parameter.getattr(intern!(py, "grad"))?;
    let trained = !gradient.is_none() && parameter.getattr(intern!(py, "requires_grad"))?.is_truthy()?;
    Ok(trained.then_some(gradient))
}

#[pymethods]
impl Session {
    /// Starts a run. Without a folder, or where the folder cannot be used, there is no log; see `log_trouble`. `run` is the folder
    /// of the logs of all ranks, where this one is that of a rank; once it is closed, reports are on all of them.
    #[new]
    #[pyo3(signature = (name, folder, framework, started, log_cap = None, run = None))]
    fn new(
        name: String,
        folder: Option<PathBuf>,
        framework: String,
        started: u64,
        log_cap: Option<u64>,
        run: Option<PathBuf>,
    ) -> PyResult<Self> {
        let mut options = Options { name, folder: folder.clone(), framework, started, ..Options::default() };
        options.log_cap = log_cap.unwrap_or(options.log_cap);
        options.judged_after = JUDGED_AFTER;
        let session = barograph_monitor::Session::start(options).map_err(|e| PyOSError::new_err(e.to_string()))?;
        let inner = Inner { session, epoch: FirstEpoch::default(), reading_data: true, step: 0, seen: HashSet::new() };
        let of_ranks = run.is_some() && folder.is_some();
        Ok(Self { inner: Mutex::new(inner), folder: run.filter(|_| of_ranks).or(folder), of_ranks })
    }

    /// The number of the site with this path; `units` and `shape` count when it is new.
    fn site(&self, path: &str, units: usize, shape: Vec<usize>) -> u32 {
        self.lock().session.site(path, units, &shape).0
    }

    /// Writes down what is known of the run, or of the layer at `site`.
    #[pyo3(signature = (key, value, provenance = "inferred", site = None))]
    fn fact(&self, key: &str, value: &Bound<'_, PyAny>, provenance: &str, site: Option<u32>) -> PyResult<()> {
        let (key, value) = (names::fact_key(key)?, names::fact_value(value)?);
        let provenance = names::provenance(provenance)?;
        self.lock().session.fact(key, site.map(SiteId), value, provenance);
        Ok(())
    }

    /// Begins a step. Returns whether updates and units are measured in it.
    fn begin_step(&self, step: u64, epoch: u32) -> bool {
        let mut inner = self.lock();
        inner.step = step;
        inner.seen.clear();
        inner.session.begin_step(step, epoch);
        Self::due(step)
    }

    /// Whether `step` is one at which updates and units are measured.
    #[staticmethod]
    fn due(step: u64) -> bool {
        Cadence::UNITS.is_due(step)
    }

    /// Reads a tensor, unless this site and role were read in this step already: of accumulated batches, the first counts. Returns
    /// whether it was read already.
    fn read_once(&self, py: Python<'_>, site: u32, role: usize, tensor: &Bound<'_, PyAny>) -> PyResult<bool> {
        let first = self.is_first(site, names::role(role)?);
        if first {
            self.read(py, site, role, tensor)?;
        }
        Ok(!first)
    }

    /// Reads a tensor. Returns how many of its elements are not finite; 0 for what cannot be read.
    fn read(&self, py: Python<'_>, site: u32, role: usize, tensor: &Bound<'_, PyAny>) -> PyResult<u64> {
        let role = names::role(role)?;
        let Some(array) = Array::of(tensor)? else { return Ok(0) };
        let reading = match array.memory().classes() {
            Some(classes) => {
                let numbers: Vec<f64> = classes.into_iter().map(|class| class as f64).collect();
                barograph_stats::read(barograph_stats::Elements::contiguous(&numbers), reading_options(role))
            }
            None if array.memory().kind.is_float() => read(py, array.memory(), reading_options(role))?,
            None => return Ok(0),
        };
        Ok(self.take_reading(SiteId(site), role, reading))
    }

    /// Reads tensors of one role, one a site; `None` stands for a tensor that is missing. Returns how many elements are not
    /// finite, and the Euclidean norm over all tensors, NaN if one is not.
    fn read_all(
        &self,
        py: Python<'_>,
        sites: Vec<u32>,
        role: usize,
        tensors: Vec<Option<Bound<'_, PyAny>>>,
    ) -> PyResult<(u64, f64)> {
        let role = names::role(role)?;
        let (mut bad, mut squares) = (0, 0.0);
        for (site, tensor) in sites.into_iter().zip(&tensors) {
            let Some(array) = tensor.as_ref().map(floats).transpose()?.flatten() else { continue };
            let reading = read(py, array.memory(), reading_options(role))?;
            bad += reading.non_finite();
            squares += reading.l2 * reading.l2;
            self.lock().session.take(SiteId(site), role, reading);
        }
        Ok((bad, if bad == 0 { squares.sqrt() } else { f64::NAN }))
    }

    /// Reads the gradients of parameters that are trained, one a site, and their global norm. Returns how many elements are not
    /// finite.
    fn read_gradients(&self, py: Python<'_>, sites: Vec<u32>, parameters: Vec<Bound<'_, PyAny>>) -> PyResult<u64> {
        let gradients: Vec<_> = parameters.iter().map(gradient_of).collect::<PyResult<_>>()?;
        if gradients.iter().all(Option::is_none) {
            return Ok(0);
        }
        let (bad, norm) = self.read_all(py, sites, Role::Gradient as usize, gradients)?;
        self.lock().session.scalar(Scalar::GradientNorm, norm);
        Ok(bad)
    }

    /// Whether the gradients of parameters that are trained are finite; `None` if one cannot be read here, as on an accelerator.
    #[staticmethod]
    fn gradients_are_finite(py: Python<'_>, parameters: Vec<Bound<'_, PyAny>>) -> PyResult<Option<bool>> {
        let mut finite = true;
        for parameter in &parameters {
            let Some(gradient) = gradient_of(parameter)? else { continue };
            let Some(array) = floats(&gradient)? else { return Ok(None) };
            finite &= read(py, array.memory(), barograph_stats::Options::default())?.non_finite() == 0;
        }
        Ok(Some(finite))
    }

    /// Takes in the statistics of a tensor that were gathered where it lives: count, NaN, +Inf, -Inf, zeros, negatives, beyond
    /// the bound, min, max, mean, m2, l1, l2, abs-max, and 64 bins.
    fn take(&self, site: u32, role: usize, figures: Vec<f64>) -> PyResult<u64> {
        let reading = crate::reading::from_figures(&figures)
            .ok_or_else(|| PyValueError::new_err(format!("a reading has 78 figures, not {}", figures.len())))?;
        Ok(self.lock().session.take(SiteId(site), names::role(role)?, reading).non_finite())
    }

    /// A checksum of the bits of these tensors, in their order; below 2^53. `None` if one of them cannot be read.
    #[staticmethod]
    fn checksum(py: Python<'_>, tensors: Vec<Bound<'_, PyAny>>) -> PyResult<Option<u64>> {
        let arrays: Vec<Option<Array<'_>>> = tensors.iter().map(floats).collect::<PyResult<_>>()?;
        let Some(arrays) = arrays.into_iter().collect::<Option<Vec<_>>>() else { return Ok(None) };
        let memories: Vec<&Memory> = arrays.iter().map(Array::memory).collect();
        crate::reading::checksum(py, &memories).map(Some)
    }

    /// Reads `new - old` in one pass over both.
    fn read_update(&self, site: u32, new: &Bound<'_, PyAny>, old: &Bound<'_, PyAny>) -> PyResult<()> {
        let (Some(new), Some(old)) = (floats(new)?, floats(old)?) else { return Ok(()) };
        let mut inner = self.lock();
        let read = new.memory().with(|new| old.memory().with(|old| inner.session.read_update(SiteId(site), new, old)));
        read.and_then(|inner| inner).map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// Reads an activation `[batch, units, inner]` per unit.
    fn read_units(
        &self,
        site: u32,
        role: usize,
        tensor: &Bound<'_, PyAny>,
        layout: (usize, usize, usize),
    ) -> PyResult<()> {
        let role = names::role(role)?;
        let Some(array) = floats(tensor)? else { return Ok(()) };
        let mut inner = self.lock();
        let layout = [layout.0, layout.1, layout.2];
        let read = array.memory().with(|elements| inner.session.read_units(SiteId(site), role, elements, layout));
        read.map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// Reads a weight `[units, ...]` per unit.
    fn read_weight_units(&self, site: u32, tensor: &Bound<'_, PyAny>, units: usize) -> PyResult<()> {
        let Some(array) = floats(tensor)? else { return Ok(()) };
        let mut inner = self.lock();
        let read =
            array.memory().with(|elements| inner.session.read_weight_units(SiteId(site), elements, units, false));
        read.map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// Gives this step's readings at a site another role.
    fn relabel(&self, site: u32, from: usize, to: usize) -> PyResult<()> {
        self.lock().session.relabel(SiteId(site), names::role(from)?, names::role(to)?);
        Ok(())
    }

    /// Takes in a number of the step.
    fn scalar(&self, name: &str, value: f64) -> PyResult<()> {
        let scalar = names::scalar(name)?;
        self.lock().session.scalar(scalar, value);
        Ok(())
    }

    /// Reads outputs `[rows, ..., width]` and targets `[rows, columns]` with their site, and what they say beside each other,
    /// unless outputs were read in this step already. `shape` holds rows and width. Returns whether they were.
    #[pyo3(signature = (site, outputs, shape, targets, columns, logits))]
    pub(crate) fn see_answers(
        &self,
        site: u32,
        outputs: &Bound<'_, PyAny>,
        shape: (usize, usize),
        targets: Option<(u32, Bound<'_, PyAny>)>,
        columns: usize,
        logits: bool,
    ) -> PyResult<bool> {
        let py = outputs.py();
        let outputs = plain(outputs)?;
        if self.read_once(py, site, Role::Output as usize, &outputs)? {
            return Ok(true);
        }
        let targets = targets.map(|(site, targets)| plain(&targets).map(|targets| (site, targets))).transpose()?;
        if let Some((site, targets)) = &targets {
            self.read_once(py, *site, Role::Target as usize, targets)?;
        }
        let targets = targets.map(|(_, targets)| targets);
        self.lock().session.scalar(Scalar::BatchRows, shape.0 as f64);
        self.compare(&outputs, shape.1, targets.as_ref(), columns, logits)?;
        Ok(false)
    }

    /// Feeds a batch of the first epoch to the reading of the data: inputs `[rows, features]` and targets, contiguous. Returns
    /// whether more is wanted; the first repeated batch ends it.
    fn see_data(
        &self,
        inputs: &Bound<'_, PyAny>,
        features: usize,
        targets: &Bound<'_, PyAny>,
        columns: usize,
        outputs: usize,
    ) -> PyResult<bool> {
        let (Some(inputs), Some(targets)) = (floats(inputs)?, Array::of(targets)?) else { return Ok(false) };
        let (Some(values), Some(rows)) = (inputs.memory().f32(), Rows::of(targets.memory())) else { return Ok(false) };
        let mut inner = self.lock();
        if !inner.reading_data {
            return Ok(false);
        }
        let first = inner.epoch.rows();
        if inner.epoch.see(values, features) {
            let numbers: Vec<u64> = (first..first + (values.len() / features.max(1)) as u64).collect();
            inner.session.see_data(values, features, &numbers, &rows.targets(outputs, columns));
            return Ok(true);
        }
        inner.reading_data = false;
        inner.session.end_data();
        Ok(false)
    }

    /// Rows of the first epoch, as far as they were seen.
    fn rows_seen(&self) -> u64 {
        self.lock().epoch.rows()
    }

    /// Whether the loss, a gradient, a weight or an update read in this step is not finite.
    fn is_broken(&self) -> bool {
        self.lock().session.is_broken()
    }

    /// Ends the step: writes it down and has it judged. Returns the findings that are new.
    fn end_step(&self) -> Vec<Told> {
        told(self.lock().session.end_step().findings)
    }

    /// Ends the step with this loss, and begins `next`. Returns the findings that are new, whether updates and units are measured in
    /// it, and, where they are not, how many elements of the weights that it begins with are not finite: one weight a site.
    fn go_on(
        &self,
        py: Python<'_>,
        loss: f64,
        next: u64,
        sites: Vec<u32>,
        weights: Vec<Option<Bound<'_, PyAny>>>,
    ) -> PyResult<(Vec<Told>, bool, u64)> {
        self.lock().session.scalar(Scalar::Loss, loss);
        let told = self.end_step();
        let due = self.begin_step(next, 0);
        let bad = if due { 0 } else { self.read_all(py, sites, Role::Weight as usize, weights)?.0 };
        Ok((told, due, bad))
    }

    /// Ends an epoch: means by name.
    fn end_epoch(&self, epoch: u32, steps: u64, means: Vec<(String, f64)>) -> PyResult<Vec<Told>> {
        let scalars = means.into_iter().map(|(name, mean)| Ok((names::scalar(&name)?, mean)));
        let record = EpochRecord { epoch, steps, scalars: scalars.collect::<PyResult<_>>()?, named: Vec::new() };
        Ok(told(self.lock().session.end_epoch(record)))
    }

    /// Writes down at which step, and in which operation, the run broke.
    fn incident(&self, seen: Seen) -> PyResult<Vec<Told>> {
        let incident = seen.incident()?;
        Ok(told(self.lock().session.incident(incident)))
    }

    /// Writes a remark into the log.
    fn note(&self, text: String) {
        self.lock().session.note(text);
    }

    /// Writes down that observations were left out.
    fn dropped(&self, count: u64, reason: String) {
        self.lock().session.dropped(count, reason);
    }

    /// Ends the run: `completed`, `stopped`, `interrupted` or `failed`. Closes the log.
    fn end(&self, steps: u64, reason: &str) -> PyResult<Vec<Told>> {
        let reason = names::end(reason)?;
        let mut inner = self.lock();
        let findings = told(inner.session.end(steps, reason));
        inner.session.close();
        Ok(findings)
    }

    /// Why the log was lost, if it was.
    fn log_trouble(&self) -> Option<String> {
        match self.lock().session.log() {
            LogState::Lost { reason, .. } => Some(reason.clone()),
            _ => None,
        }
    }

    /// The verdict so far: `healthy`, `unhealthy` or `unsure`.
    fn verdict(&self) -> &'static str {
        if self.of_ranks
            && let Ok((diagnosis, _)) = self.observed()
        {
            return diagnosis.verdict.name();
        }
        let session = &mut self.lock().session;
        session.settle();
        session.diagnosis(EvidenceMode::All).verdict.name()
    }

    /// The report as `terminal`, `json`, `markdown` or `html`.
    fn report(&self, format: &str) -> PyResult<String> {
        let (diagnosis, curves) = self.observed()?;
        let report = Report { diagnosis: &diagnosis, curves: &curves, samples: &[] };
        Ok(match format {
            "terminal" => terminal(&report, &Screen::stderr(ColorChoice::Auto).report()),
            "json" => json(&diagnosis),
            "markdown" => markdown(&report),
            "html" => html(&report),
            other => {
                let known = "terminal, json, markdown or html";
                return Err(PyValueError::new_err(format!("unknown format {other:?}; choose {known}")));
            }
        })
    }
}

impl Session {
    /// Reads what outputs say beside the targets.
    fn compare(
        &self,
        outputs: &Bound<'_, PyAny>,
        width: usize,
        targets: Option<&Bound<'_, PyAny>>,
        columns: usize,
        logits: bool,
    ) -> PyResult<()> {
        let Some(outputs) = floats(outputs)? else { return Ok(()) };
        let Some(values) = outputs.memory().f32() else { return Ok(()) };
        let targets = targets.map(Array::of).transpose()?.flatten();
        let rows = targets.as_ref().and_then(|targets| Rows::of(targets.memory()));
        let rows = rows.as_ref().map(|rows| rows.targets(width, columns));
        let answers = read_answers(values, width, rows, logits);
        let session = &mut self.lock().session;
        if let Some((sum, error)) = answers.row_sums {
            session.scalar(Scalar::OutputRowSum, sum);
            session.scalar(Scalar::OutputRowSumError, error);
        }
        for (scalar, value) in [(Scalar::Accuracy, answers.accuracy), (Scalar::R2, answers.r2)] {
            if let Some(value) = value {
                session.scalar(scalar, value);
            }
        }
        Ok(())
    }

    /// The diagnosis with the curves: from the log where there is one, so that it is what `barograph diagnose` says.
    fn observed(&self) -> PyResult<(Diagnosis, Curves)> {
        let mut inner = self.lock();
        inner.session.settle();
        let mut curves = Curves::default();
        let is_closed = matches!(inner.session.log(), LogState::Off);
        let mut notes = Vec::new();
        if let Some(folder) = self.folder.as_ref().filter(|_| is_closed) {
            match diagnose(folder, EvidenceMode::All, |record| curves.see(record)) {
                Ok(diagnosis) => return Ok((diagnosis, curves)),
                // There was room for the log, and none for what a step shows; the rules saw it all the same.
                Err(error @ DiagnoseError::NoStep(_)) => notes.push(error.to_string()),
                Err(error) => return Err(PyRuntimeError::new_err(error.to_string())),
            }
        }
        let mut diagnosis = inner.session.diagnosis(EvidenceMode::All);
        diagnosis.notes.extend(notes);
        Ok((diagnosis, curves))
    }
}

/// Whether a process is writing the log in this folder.
#[pyfunction]
pub(crate) fn is_running(folder: PathBuf) -> bool {
    barograph_monitor::is_running(&folder)
}

fn floats<'py>(tensor: &Bound<'py, PyAny>) -> PyResult<Option<Array<'py>>> {
    Ok(Array::of(tensor)?.filter(|array| array.memory().kind.is_float()))
}

/// The targets of a batch: class numbers, or real values.
enum Rows<'a> {
    Classes(Vec<i64>),
    Real(&'a [f32]),
}

impl<'a> Rows<'a> {
    fn of(memory: &'a Memory) -> Option<Self> {
        memory.classes().map(Self::Classes).or_else(|| memory.f32().map(Self::Real))
    }

    fn targets(&self, outputs: usize, columns: usize) -> TargetRows<'_> {
        match self {
            Self::Classes(classes) => TargetRows::Classes { classes, outputs },
            Self::Real(values) => TargetRows::Real { values, columns },
        }
    }
}

fn told(findings: Vec<Finding>) -> Vec<Told> {
    let tell = |finding: Finding| (severity(finding.severity), finding.code, finding.step, finding.message);
    findings.into_iter().map(tell).collect()
}

const fn severity(severity: Severity) -> &'static str {
    severity.name()
}
