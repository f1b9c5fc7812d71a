//! One observed run.
use crate::cadence::Cadence;
use crate::data::{DataAccumulator, TargetRows};
use crate::log::LogState;
use barograph_rules::{EvidenceMode, Judge};
use barograph_stats::{Elements, SignedHistogram, UnitScratch};
use barograph_store::{StoreError, decode_step_into, encode_step};
use barograph_vocab::{
    Diagnosis, EpochRecord, Fact, FactKey, FactValue, Finding, Incident, Provenance, Reading, Record, Remedy, Role,
    RunEnd, RunStart, Scalar, Site, SiteId, SiteReading, Sites, StepRecord, Trial, UnitReading,
};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Pre-activations of this magnitude saturate a sigmoid or tanh: at |z| = 4 the sigmoid's slope is 0.018, 7 % of its largest
/// (our choice).
const SATURATION_BOUND: f64 = 4.0;

/// Default bound of the run log: 1 GB, as DESIGN's section on the run log promises.
const DEFAULT_LOG_CAP: u64 = 1_000_000_000;

/// Steps that wait to be judged at most (our choice: about 100 KB of a small network).
const MOST_UNJUDGED: usize = 64;

/// What a reading of this role holds: pre-activations count what saturates, everything has a histogram.
#[must_use]
pub fn reading_options(role: Role) -> barograph_stats::Options {
    let bound = (role == Role::PreActivation).then_some(SATURATION_BOUND);
    barograph_stats::Options { bound, histogram: true }
}

/// What a session measures and keeps.
#[derive(Clone, Debug)]
pub struct Options {
    /// Name of the run.
    pub name: String,
    /// Where the log goes; `None` keeps none.
    pub folder: Option<PathBuf>,
    /// Largest size of the log in bytes.
    pub log_cap: u64,
    /// When updates are measured.
    pub updates: Cadence,
    /// When readings per unit are taken.
    pub units: Cadence,
    /// `barograph 0.1.0`, `torch 2.13`.
    pub framework: String,
    /// Seconds since the Unix epoch, for people.
    pub started: u64,
    /// How late a finding may be told, but for those of a step that is broken, which come at once: steps that end within this time are
    /// judged together, so that rules find their memory in the processor's cache. Zero judges each step as it ends.
    pub judged_after: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: "run".to_owned(),
            folder: None,
            log_cap: DEFAULT_LOG_CAP,
            updates: Cadence::UNITS,
            units: Cadence::UNITS,
            framework: concat!("barograph ", env!("CARGO_PKG_VERSION")).to_owned(),
            started: 0,
            judged_after: Duration::ZERO,
        }
    }
}

/// What a step showed.
#[derive(Clone, Debug, Default)]
pub struct StepOutcome {
    /// Findings that are new with this step.
    pub findings: Vec<Finding>,
    /// Whether the loss, a gradient, a weight or an update is not finite.
    pub broken: bool,
}

/// Measures, judges and logs one run.
///
/// Between [`Session::begin_step`] and [`Session::end_step`] tensors are read in the order in which the training makes them.
/// The judge sees each step as the log holds it, encoded and decoded, so that a diagnosis of the log is the live one.
pub struct Session {
    sites: Sites,
    judge: Judge,
    log: LogState,
    step: StepRecord,
    decoded: StepRecord,
    /// The encoded steps that are not judged yet, one after the other, and where each begins.
    encoded: Vec<u8>,
    unjudged: Vec<usize>,
    /// When steps were judged last.
    judged: Instant,
    options: Options,
    scratch: UnitScratch,
    data: Option<DataAccumulator>,
    broken: bool,
    lost_said: bool,
    /// Whether values are counted at this step.
    counts_values: bool,
    /// The values of this step, each with the place of its tensor's reading.
    histograms: Vec<(usize, SignedHistogram)>,
}

impl Session {
    /// Starts to observe a run.
    ///
    /// # Errors
    /// When the log cannot be created. [`Session::without_log`] needs none.
    pub fn start(options: Options) -> Result<Self, StoreError> {
        let log = match &options.folder {
            Some(folder) => LogState::create(folder, options.log_cap)?,
            None => LogState::Off,
        };
        Ok(Self::with_log(options, log))
    }

    /// Starts to observe a run that leaves no log.
    #[must_use]
    pub fn without_log(options: Options) -> Self {
        Self::with_log(options, LogState::Off)
    }

    /// Goes on observing a run that an earlier process began, before step `step`. Each record of its log is shown to `keep`; what comes
    /// from the first on that it does not keep is cut off, to be written again. Returns the steps that were cut off, too.
    ///
    /// What the log holds was judged as it was written, and is judged again here, so that the verdict is that of the whole run.
    ///
    /// # Errors
    /// When the log cannot be read or written, somebody is writing it, or no folder is given.
    pub fn resume(
        options: Options,
        step: u64,
        mut keep: impl FnMut(&Record) -> bool,
    ) -> Result<(Self, u64), StoreError> {
        let (mut judge, mut sites) = (Judge::new(), Sites::default());
        let folder = options.folder.clone().unwrap_or_default();
        let (log, cut) = LogState::resume(&folder, options.log_cap, |record| {
            let kept = keep(record);
            if kept {
                judge.see(record);
                if let Record::Site(site) = record {
                    sites.insert(site.clone());
                }
            }
            kept
        })?;
        let mut session = Self::over(options, log, judge, sites);
        session.step.step = step;
        Ok((session, cut))
    }

    fn with_log(options: Options, log: LogState) -> Self {
        let start =
            RunStart { name: options.name.clone(), started: options.started, framework: options.framework.clone() };
        let mut session = Self::over(options, log, Judge::new(), Sites::default());
        session.record(&Record::Start(start));
        session
    }

    fn over(options: Options, log: LogState, judge: Judge, sites: Sites) -> Self {
        Self {
            sites,
            judge,
            log,
            step: StepRecord::default(),
            decoded: StepRecord::default(),
            encoded: Vec::new(),
            unjudged: Vec::new(),
            judged: Instant::now(),
            options,
            scratch: UnitScratch::default(),
            data: None,
            broken: false,
            lost_said: false,
            counts_values: false,
            histograms: Vec::new(),
        }
    }

    /// The site of this path, announced on first sight. `shape` is that of one example, or of the weight.
    pub fn site(&mut self, path: &str, units: usize, shape: &[usize]) -> SiteId {
        if let Some(id) = self.sites.find(path) {
            return id;
        }
        let order = self.parent_order(path).unwrap_or(self.sites.len() as u32);
        let shape = shape.iter().map(|&axis| axis as u32).collect();
        let site = Site { path: path.to_owned(), order, units: units as u32, shape };
        self.record(&Record::Site(site.clone()));
        self.sites.insert(site)
    }

    /// The order of the nearest site that `path` lies in: weights inherit their layer's.
    fn parent_order(&self, path: &str) -> Option<u32> {
        let mut parents = std::iter::successors(path.rsplit_once('.'), |(parent, _)| parent.rsplit_once('.'));
        parents.find_map(|(parent, _)| self.sites.find(parent)).and_then(|id| self.sites.get(id)).map(|site| site.order)
    }

    /// Sites announced so far.
    #[must_use]
    pub const fn sites(&self) -> &Sites {
        &self.sites
    }

    /// Writes down what is known of the run, or of the layer at `site`.
    pub fn fact(&mut self, key: FactKey, site: Option<SiteId>, value: FactValue, provenance: Provenance) {
        self.record(&Record::Fact(Fact { key, site, value, provenance }));
    }

    /// Begins a step.
    pub fn begin_step(&mut self, step: u64, epoch: u32) {
        self.step.clear();
        self.step.step = step;
        self.step.epoch = epoch;
        self.broken = false;
        self.histograms.clear();
    }

    /// Whether each tensor that is read from now on also has its values counted, for plots: see [`Session::histograms`].
    pub const fn count_values(&mut self, wanted: bool) {
        self.counts_values = wanted;
    }

    /// The values of the step so far, each with the place of its tensor among the readings of [`Session::last_step`]. Empty unless
    /// [`Session::count_values`] asked for them.
    #[must_use]
    pub fn histograms(&self) -> &[(usize, SignedHistogram)] {
        &self.histograms
    }

    /// Whether readings per unit are due at this step.
    #[must_use]
    pub const fn units_due(&self) -> bool {
        self.options.units.is_due(self.step.step)
    }

    /// Whether updates are measured at this step, so that the old weights must be kept for it.
    #[must_use]
    pub const fn updates_due(&self) -> bool {
        self.options.updates.is_due(self.step.step)
    }

    /// Reads a tensor.
    pub fn read(&mut self, site: SiteId, role: Role, elements: Elements<'_>) -> &Reading {
        if self.counts_values {
            self.histograms.push((self.step.readings.len(), SignedHistogram::of(elements)));
        }
        self.take(site, role, barograph_stats::read(elements, reading_options(role)))
    }

    /// Takes in a reading that was made elsewhere with [`reading_options`]: on another thread, or where the tensor lives.
    pub fn take(&mut self, site: SiteId, role: Role, reading: Reading) -> &Reading {
        self.broken |= reading.non_finite() > 0 && matches!(role, Role::Weight | Role::Gradient | Role::Update);
        self.push(site, role, reading)
    }

    /// Gives the readings of this step at `site` another role: only what comes after a tensor shows that no activation
    /// function follows, and that what was taken for a pre-activation is the activation itself.
    pub fn relabel(&mut self, site: SiteId, from: Role, to: Role) {
        for entry in self.step.readings.iter_mut().filter(|entry| entry.site == site && entry.role == from) {
            entry.role = to;
        }
        for entry in self.step.units.iter_mut().filter(|entry| entry.site == site && entry.role == from) {
            entry.role = to;
        }
    }

    /// Reads an update, new weight minus old weight, in one pass over both.
    pub fn read_update(&mut self, site: SiteId, new: Elements<'_>, old: Elements<'_>) {
        let options = barograph_stats::Options { bound: None, histogram: true };
        match barograph_stats::read_update(new, old, options) {
            Ok(reading) => {
                self.broken |= reading.non_finite() > 0;
                self.push(site, Role::Update, reading);
            }
            Err(error) => self.drop_one(format!("update at {}: {error}", self.sites.path(site))),
        }
    }

    /// Reads a tensor `[batch, units, inner]` per unit.
    pub fn read_units(&mut self, site: SiteId, role: Role, elements: Elements<'_>, [batch, units, inner]: [usize; 3]) {
        match barograph_stats::read_units(elements, batch, units, inner, &mut self.scratch) {
            Ok(counts) => self.push_units(site, role, counts),
            Err(error) => self.drop_one(format!("units at {}: {error}", self.sites.path(site))),
        }
    }

    /// Reads a weight per unit: a unit is a column of `[inputs, units]` when `columns`, else a row of `[units, ...]`.
    pub fn read_weight_units(&mut self, site: SiteId, elements: Elements<'_>, units: usize, columns: bool) {
        let inputs = elements.len() / units.max(1);
        let (rows, width) = if columns { (inputs, units) } else { (units, inputs) };
        match barograph_stats::read_weight_units(elements, rows, width, columns, &mut self.scratch) {
            Ok(counts) => self.push_units(site, Role::Weight, counts),
            Err(error) => self.drop_one(format!("units at {}: {error}", self.sites.path(site))),
        }
    }

    /// Takes in a number of the step; the last of a kind counts.
    pub fn scalar(&mut self, scalar: Scalar, value: f64) {
        self.broken |= scalar == Scalar::Loss && !value.is_finite();
        match self.step.scalars.iter_mut().find(|(kind, _)| *kind == scalar) {
            Some((_, old)) => *old = value,
            None => self.step.scalars.push((scalar, value)),
        }
    }

    /// Whether anything read in this step so far is broken: the loss, a gradient, a weight or an update.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        self.broken
    }

    /// Ends the step: writes it down and has it judged.
    pub fn end_step(&mut self) -> StepOutcome {
        let begin = self.encoded.len();
        encode_step(&self.step, &mut self.encoded);
        self.log.append_encoded(&self.encoded[begin..]);
        self.unjudged.push(begin);
        let full = self.unjudged.len() >= MOST_UNJUDGED;
        let due = self.broken || full || self.judged.elapsed() >= self.options.judged_after;
        StepOutcome { findings: if due { self.settle() } else { Vec::new() }, broken: self.broken }
    }

    /// Has the steps judged that were not yet, and returns the findings that are new with them.
    pub fn settle(&mut self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for number in 0..self.unjudged.len() {
            let end = self.unjudged.get(number + 1).copied().unwrap_or(self.encoded.len());
            // What was just encoded can be decoded; a step that cannot is in the log, where a diagnosis will say so.
            if decode_step_into(&self.encoded[self.unjudged[number]..end], &mut self.decoded).is_ok() {
                findings.extend_from_slice(self.judge.see_step(&self.decoded));
            }
        }
        self.unjudged.clear();
        self.judged = Instant::now();
        self.encoded.clear();
        self.log_findings(&findings);
        findings
    }

    /// What was observed in the step that runs, or ended last.
    #[must_use]
    pub const fn last_step(&self) -> &StepRecord {
        &self.step
    }

    /// Ends an epoch. Returns the findings that are new with it.
    pub fn end_epoch(&mut self, epoch: EpochRecord) -> Vec<Finding> {
        self.record(&Record::Epoch(epoch))
    }

    /// Feeds rows to the reading of the data: `inputs` `[rows, features]`, their data-set row numbers, and the targets.
    ///
    /// Called with every batch of the first epoch, in the order of training; [`Session::end_data`] ends it.
    pub fn see_data(&mut self, inputs: &[f32], features: usize, rows: &[u64], targets: &TargetRows<'_>) {
        let data = self.data.get_or_insert_with(|| DataAccumulator::new(features, targets));
        if let Err(error) = data.see(inputs, rows, targets) {
            self.drop_one(format!("rows of the data: {error}"));
        }
    }

    /// Ends the reading of the data. Does nothing when no row was fed.
    pub fn end_data(&mut self) {
        if let Some(data) = self.data.take() {
            self.record(&Record::Data(data.finish()));
        }
    }

    /// Writes down at which step, and in which operation, the run broke.
    pub fn incident(&mut self, incident: Incident) -> Vec<Finding> {
        self.record(&Record::Incident(incident))
    }

    /// Writes down what trying a remedy showed.
    pub fn trial(&mut self, slug: &str, remedy: &str, trial: Trial) {
        self.record(&Record::Trial { slug: slug.to_owned(), remedy: remedy.to_owned(), trial });
    }

    /// Writes down that a callback or a person changed something.
    pub fn note(&mut self, text: impl Into<String>) {
        let step = self.step.step;
        self.record(&Record::Note { step, text: text.into() });
    }

    /// Every remedy of one cause, the most promising first. Empty for an unknown slug.
    #[must_use]
    pub fn remedies(&self, slug: &str) -> Vec<Remedy> {
        self.judge.remedies(slug, EvidenceMode::All)
    }

    /// Writes down that observations were left out, and why.
    pub fn dropped(&mut self, count: u64, reason: impl Into<String>) {
        let step = self.step.step;
        self.record(&Record::Dropped { step, count, reason: reason.into() });
    }

    /// The diagnosis as of now, without the steps that [`Session::settle`] has yet to have judged.
    #[must_use]
    pub fn diagnosis(&self, mode: EvidenceMode) -> Diagnosis {
        self.judge.diagnosis(mode)
    }

    /// Ends the run: asks the rules for what only the whole run shows. The log stays open for trials until [`Session::close`].
    pub fn end(&mut self, steps: u64, reason: RunEnd) -> Vec<Finding> {
        self.end_data();
        self.record(&Record::End { steps, reason });
        let findings = self.judge.finish().to_vec();
        self.log_findings(&findings);
        findings
    }

    /// Closes the log.
    pub fn close(&mut self) {
        self.log.close();
    }

    /// The log.
    #[must_use]
    pub const fn log(&self) -> &LogState {
        &self.log
    }

    /// Says once why the log was lost, if it was.
    pub fn log_trouble(&mut self) -> Option<String> {
        match &self.log {
            LogState::Lost { reason, .. } if !std::mem::replace(&mut self.lost_said, true) => Some(reason.clone()),
            _ => None,
        }
    }

    fn record(&mut self, record: &Record) -> Vec<Finding> {
        // The judge sees records in the order of the log.
        let mut findings = self.settle();
        self.log.append(record);
        let new = self.judge.see(record).to_vec();
        self.log_findings(&new);
        findings.extend(new);
        findings
    }

    fn log_findings(&mut self, findings: &[Finding]) {
        for finding in findings {
            let record = Record::Finding(finding.clone());
            self.log.append(&record);
            self.judge.see(&record);
        }
    }

    fn push(&mut self, site: SiteId, role: Role, reading: Reading) -> &Reading {
        self.step.readings.push(SiteReading { site, role, reading });
        let last = self.step.readings.len() - 1;
        &self.step.readings[last].reading
    }

    fn push_units(&mut self, site: SiteId, role: Role, counts: barograph_stats::UnitCounts) {
        let barograph_stats::UnitCounts { units, dead, constant, duplicates, non_finite, worst } = counts;
        self.step.units.push(UnitReading { site, role, units, dead, constant, duplicates, non_finite, worst });
    }

    fn drop_one(&mut self, reason: String) {
        self.dropped(1, reason);
    }
}
