//! The loop over epochs and steps.
use super::Asked;
use super::observe::{see_rows, start_session};
use super::rate::Rate;
use super::samples::Sampled;
use crate::averages::Averages;
use crate::backup::EpochPlace;
use crate::batches::{Batch, Rows};
use crate::callbacks::{self, Callback, RunInfo, StepStart};
use crate::checkpoint;
use crate::data::DataError;
use crate::engine::{Engine, Eyes, State, StepPlan, StepResult};
use crate::error::TrainError;
use crate::evaluate::{Validated, evaluate};
use crate::facts::{Extent, declare};
use crate::loader::{Batches, ahead};
use crate::loss_scaler::LossScaler;
use crate::model::Model;
use crate::optimizers::ScheduledOptimizer;
use crate::preprocessing::Preprocessing;
use crate::recipe::Recipe;
use crate::replay::replay;
use crate::schedules::Schedule;
use crate::snapshots::Snapshots;
use barograph_burn::{Observer, Parameters};
use barograph_monitor::Session;
use barograph_vocab::{EpochRecord, Finding, Incident, RunEnd, Scalar};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A run under way.
pub(super) struct Run<'a, M> {
    pub(super) engine: &'a Engine<'a>,
    pub(super) folder: Option<PathBuf>,
    pub(super) callbacks: Vec<Box<dyn Callback>>,
    pub(super) interrupt: Arc<AtomicBool>,
    /// Whether it waits after the step that was done.
    pub(super) paused: bool,
    pub(super) observer: Option<Observer>,
    pub(super) parameters: Parameters,
    /// Taken out only while a step runs.
    pub(super) state: Option<State<M>>,
    pub(super) start: State<M>,
    pub(super) best: Option<M>,
    pub(super) snapshots: Snapshots<M>,
    pub(super) rate: Rate,
    /// Batches of a step.
    pub(super) batches: u64,
    steps_per_epoch: u64,
    pub(super) step: u64,
    pub(super) epoch: EpochPlace,
    pub(super) losses: Vec<f32>,
    pub(super) history: Vec<EpochRecord>,
    incident: Option<Incident>,
    pub(super) warnings: Vec<String>,
    pub(super) samples: Vec<Sampled>,
}

impl EpochPlace {
    /// The mean loss is that of the steps that were taken.
    fn see(&mut self, result: &StepResult) {
        self.done += 1;
        if result.refused.is_none() {
            let rows = result.rows.len() as f64;
            self.loss += f64::from(result.loss) * rows;
            self.rows += rows;
        }
    }
}

impl<'a, M: Model> Run<'a, M> {
    pub(super) fn begin(asked: Asked<M>, engine: &'a Engine<'a>, validation_rows: usize) -> Result<Self, TrainError> {
        let recipe = engine.recipe;
        let mut callbacks: Vec<_> =
            recipe.callbacks.iter().map(|spec| callbacks::from_spec(spec, asked.folder.as_deref())).collect();
        callbacks.extend(asked.callbacks);
        let batches = callbacks.iter().map(|callback| callback.batches_per_step()).max().unwrap_or(1).max(1);
        let steps_per_epoch = steps_per_epoch(engine.rows.len(), recipe, batches);
        let total = steps_per_epoch * recipe.epochs;
        let model = asked.model;
        let parameters = Parameters::of(&model).renamed(|path| model.site_of(path));
        let mut hooks: Vec<_> = LossScaler::of(recipe).into_iter().collect();
        hooks.extend(callbacks.iter().filter_map(|callback| callback.gradient_hook()));
        hooks.extend(asked.hooks);
        let optimizer = ScheduledOptimizer::new(&recipe.optimizer);
        let state = State { model, optimizer, hooks, averages: Averages::default() };
        // Weights, at most two moments of them, and slow weights.
        let tensors = if recipe.optimizer.lookahead_steps.is_some() { 4 } else { 3 };
        let state_bytes = tensors * 4 * parameters.elements() as u64;
        let cap = recipe.observe.snapshot_memory_mb * 1_000_000;
        let takes_snapshots = asked.observed || callbacks.iter().any(|callback| callback.wants_snapshots());
        let every = if takes_snapshots { recipe.observe.snapshot_every } else { Some(0) };
        let schedule = Schedule::new(recipe.schedule.clone(), steps_per_epoch, total);
        let mut run = Self {
            engine,
            folder: asked.folder,
            callbacks,
            interrupt: asked.interrupt,
            paused: false,
            observer: None,
            parameters,
            start: state.clone(),
            state: Some(state),
            best: None,
            snapshots: Snapshots::new(every, state_bytes, cap / 2),
            rate: Rate::new(recipe.optimizer.learning_rate, schedule),
            batches,
            steps_per_epoch,
            step: 0,
            epoch: EpochPlace::default(),
            losses: Vec::with_capacity(usize::try_from(total).unwrap_or(0).min(1 << 20)),
            history: Vec::new(),
            incident: None,
            warnings: Vec::new(),
            samples: Vec::new(),
        };
        if asked.resume {
            run.resume(asked.observed)?;
        } else {
            run.begin_at_the_start(asked.observed, validation_rows)?;
        }
        Ok(run)
    }

    /// Opens the log, says what is known beforehand, and keeps the recipe beside it.
    fn begin_at_the_start(&mut self, observed: bool, validation_rows: usize) -> Result<(), TrainError> {
        let recipe = self.engine.recipe;
        if observed {
            let mut session = start_session(recipe, self.folder.as_deref())?;
            let (parameters, rows) = (self.parameters.elements(), self.engine.rows.len());
            let extent = Extent { parameters, rows, validation_rows, steps: self.steps_per_epoch * recipe.epochs };
            declare(&mut session, self.engine, &self.start.model.facts(), &extent);
            self.observer = Some(Observer::new(session));
        }
        self.folder.as_deref().map_or(Ok(()), |folder| checkpoint::prepare(folder, recipe))
    }

    /// Keeps what was done to the data beside the log.
    pub(super) fn keep(&mut self, preprocessing: &Preprocessing) {
        if let Some(Err(error)) = self.folder.as_ref().map(|folder| preprocessing.save(folder)) {
            self.warnings.push(error.to_string());
        }
    }

    /// Trains to the end. Returns why it ended.
    pub(super) fn train(&mut self, validation: &Rows<'_>) -> RunEnd {
        let (engine, folder) = (self.engine, self.folder.clone());
        let recipe @ Recipe { name, epochs, .. } = engine.recipe;
        let (steps_per_epoch, inputs) = (self.steps_per_epoch, engine.rows.features());
        let info = RunInfo { name, folder: folder.as_deref(), epochs: *epochs, steps_per_epoch, recipe, inputs };
        let actions = self.ask(|callback| callback.train_begin(&info));
        let mut end = self.perform(actions);
        while end.is_none() && self.epoch.number < *epochs {
            end = self.run_epoch(validation);
        }
        end.unwrap_or(RunEnd::Completed)
    }

    /// Runs an epoch. Returns why the run ends, if it does.
    fn run_epoch(&mut self, validation: &Rows<'_>) -> Option<RunEnd> {
        let (recipe, rows) = (self.engine.recipe, self.engine.rows);
        let epoch = self.epoch.number;
        // An epoch that is resumed in its middle began long ago.
        if self.epoch.done == 0 {
            let actions = self.ask(|callback| callback.epoch_begin(epoch));
            if let Some(end) = self.perform(actions) {
                return Some(end);
            }
        }
        let order = rows.order_in(recipe, epoch);
        let step = rows_per_step(recipe, self.batches);
        let places = order.chunks(step).take(self.steps_per_epoch as usize);
        let places: Vec<_> = places.skip(self.epoch.done as usize).collect();
        let end = std::thread::scope(|scope| {
            let mut batches = Batches::start(scope, rows, places.clone(), ahead(recipe, rows));
            places.iter().find_map(|places| self.run_step(places, batches.next()?))
        });
        if end.is_some() {
            return end;
        }
        let mut scalars = vec![(Scalar::Loss, self.epoch.loss / self.epoch.rows)];
        scalars.extend(self.epoch.score.value().map(|score| (self.engine.scoring.scalar(), score)));
        let mut named = self.epoch.score.named("");
        if validation.len() > 0 && recipe.validates(epoch) {
            match self.validate(epoch, validation) {
                Ok(measured) => {
                    scalars.extend(measured.scalars);
                    named.extend(measured.named);
                }
                Err(end) => return Some(end),
            }
        } else if let Some(end) = self.show_samples(epoch) {
            return Some(end);
        }
        self.epoch = EpochPlace { number: epoch + 1, ..EpochPlace::default() };
        self.end_epoch(&EpochRecord { epoch: epoch as u32, steps: self.step, scalars, named })
    }

    /// What the rows that are held out show; or why the run ends.
    fn validate(&mut self, epoch: u64, validation: &Rows<'_>) -> Result<Validated, RunEnd> {
        let actions = self.ask(|callback| callback.validation_begin(epoch));
        if let Some(end) = self.perform(actions) {
            return Err(end);
        }
        let measured = self.state.as_ref().map(|state| evaluate(self.engine, &state.model, validation));
        let measured = measured.transpose().map_err(|error| self.lose_data(&error))?.unwrap_or_default();
        if let Some(end) = self.show_samples(epoch) {
            return Err(end);
        }
        let actions = self.ask(|callback| callback.validation_end(epoch, &measured.scalars));
        self.perform(actions).map_or(Ok(measured), Err)
    }

    fn end_epoch(&mut self, record: &EpochRecord) -> Option<RunEnd> {
        let findings = self.observe(|session| {
            if record.epoch == 0 {
                session.end_data();
            }
            session.end_epoch(record.clone())
        });
        self.history.push(record.clone());
        let mut actions = self.ask(|callback| callback.epoch_end(record));
        for finding in findings.unwrap_or_default() {
            actions.extend(self.ask(|callback| callback.finding(&finding)));
        }
        self.ask_for_trouble();
        self.perform(actions)
    }

    /// A file of data that could be read before, and now cannot, ends the run; what was trained until then is kept.
    fn lose_data(&mut self, error: &DataError) -> RunEnd {
        let text = format!("the run ended because rows could not be read: {error}");
        self.observe(|session| session.note(text.as_str()));
        self.warnings.push(text);
        RunEnd::Failed
    }

    /// Runs a step with the rows at these places. Returns why the run ends, if it does.
    fn run_step(&mut self, places: &[usize], batch: Result<Batch, DataError>) -> Option<RunEnd> {
        let batch = match batch {
            Ok(batch) => batch,
            Err(error) => return Some(self.lose_data(&error)),
        };
        let (step, epoch) = (self.step, self.epoch.number);
        let start = StepStart { step, epoch, learning_rate: self.rate.at(step) };
        let actions = self.ask(|callback| callback.step_begin(&start));
        if let Some(end) = self.perform(actions) {
            return Some(end);
        }
        let (learning_rate, momentum) = (self.rate.at(step), self.rate.momentum(step));
        let counts_values = self.callbacks.iter().any(|callback| callback.wants_histograms(step));
        self.observe(|session| session.count_values(counts_values));
        let plan = StepPlan { step, epoch, places: places.to_vec(), learning_rate, momentum };
        let (result, findings) = self.step(&plan, batch);
        self.epoch.see(&result);
        let actions = self.report_step(&plan, &result, &findings);
        let end = self.perform(actions).or_else(|| self.wait_while_paused());
        end.or_else(|| self.interrupt.load(Ordering::Relaxed).then_some(RunEnd::Interrupted))
    }

    fn step(&mut self, plan: &StepPlan, batch: Batch) -> (StepResult, Vec<Finding>) {
        let Some(state) = self.state.take() else { unreachable!("the state is put back after every step") };
        self.snapshots.before(plan.step, &state);
        if plan.epoch == 0 {
            self.observe(|session| see_rows(session, &batch, self.engine, &state.model));
        }
        let observer = self.observer.clone();
        let eyes = Eyes { observer: observer.as_ref().map(|observer| (observer, &mut self.parameters)), trace: None };
        let (state, result) = self.engine.step(state, plan, batch, eyes, &mut self.epoch.score);
        self.state = Some(state);
        self.step += 1;
        self.losses.push(result.loss);
        self.snapshots.after(plan.clone(), result.loss.to_bits());
        let outcome = self.observe(|session| {
            if let Some(reason) = &result.refused {
                session.note(reason.as_str());
            }
            session.end_step()
        });
        let Some(mut outcome) = outcome else { return (result, Vec::new()) };
        if outcome.broken && self.incident.is_none() {
            outcome.findings.extend(self.find_incident(plan.step));
        }
        (result, outcome.findings)
    }

    /// Repeats the steps up to the one that broke, and reports its first bad operation.
    fn find_incident(&mut self, step: u64) -> Vec<Finding> {
        let Some(incident) = replay(self.engine, &self.snapshots, &self.parameters, step) else { return Vec::new() };
        self.incident = Some(incident.clone());
        if let Some(folder) = &self.folder
            && let Some((state, steps)) = self.snapshots.nearest(step)
            && let Some((plan, _)) = steps.last()
            && let Ok(batch) = self.engine.rows.gather(&plan.places)
            && let Err(error) = checkpoint::save_incident(folder, &state.model, &batch)
        {
            self.warnings.push(format!("the incident's batch was not kept: {error}"));
        }
        self.observe(|session| session.incident(incident)).unwrap_or_default()
    }

    pub(super) fn observe<R>(&self, work: impl FnOnce(&mut Session) -> R) -> Option<R> {
        self.observer.as_ref().map(|observer| observer.with(work))
    }
}

/// Rows of one step that has so many batches.
pub(crate) fn rows_per_step(recipe: &Recipe, batches: u64) -> usize {
    usize::try_from(recipe.batch.saturating_mul(batches)).unwrap_or(usize::MAX)
}

/// Steps of one epoch over so many rows, each step having so many batches.
pub(crate) fn steps_per_epoch(rows: usize, recipe: &Recipe, batches: u64) -> u64 {
    let (step, batch) = (rows_per_step(recipe, batches), rows_per_step(recipe, 1));
    // What does not fill a batch is left out where layers read on: it has no place in it.
    let rows = if recipe.is_stateful() && rows >= batch { rows - rows % batch } else { rows };
    let steps = if recipe.data.drop_last && rows >= step { rows / step } else { rows.div_ceil(step) };
    steps as u64
}
