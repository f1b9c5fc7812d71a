//! The fit loop.
use crate::batches::{Batch, Rows};
use crate::callbacks::{self, Action, Callback, RunInfo, StepReport};
use crate::check;
use crate::checkpoint;
use crate::clip::Clipped;
use crate::data::{Dataset, Scaling};
use crate::engine::{Engine, Eyes, State, StepPlan, StepResult};
use crate::error::TrainError;
use crate::evaluate::evaluate;
use crate::facts::{Extent, declare};
use crate::gradient_hook::GradientHook;
use crate::losses::Loss;
use crate::metrics::{Answers, Score, Scoring};
use crate::model::Model;
use crate::optimizers::ScheduledOptimizer;
use crate::outcome::Outcome;
use crate::prepare::{Prepared, prepare};
use crate::recipe::Recipe;
use crate::replay::replay;
use crate::schedules::Schedule;
use crate::snapshots::Snapshots;
use crate::trial::Baseline;
use barograph_burn::{Observer, Parameters, cpu};
use barograph_monitor::{Cadence, Options, Session};
use barograph_vocab::{EpochRecord, Finding, Incident, RunEnd, Scalar};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Trains a model on a data set, observed.
///
/// ```
/// use barograph_train::{Network, Trainer, data::{Dataset, Targets}, recipe::{LayerSpec, LossKind, Recipe}};
/// let recipe = Recipe { layers: vec![LayerSpec::dense(1)], loss: LossKind::Mse.into(), epochs: 3, ..Recipe::default() };
/// let data = Dataset::new(vec![0.0, 1.0, 2.0, 3.0], 1, Targets::Real { values: vec![1.0, 3.0, 5.0, 7.0], columns: 1 })?;
/// let outcome = Trainer::from_recipe(&recipe, &data)?.fit(&data)?;
/// assert_eq!(outcome.steps, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Trainer<M> {
    recipe: Recipe,
    model: M,
    loss: Box<dyn Loss>,
    hooks: Vec<Box<dyn GradientHook>>,
    callbacks: Vec<Box<dyn Callback>>,
    folder: Option<PathBuf>,
    interrupt: Arc<AtomicBool>,
    observed: bool,
}

impl Trainer<crate::Network> {
    /// Trains the network of a recipe with the loss and the callbacks of that recipe.
    ///
    /// # Errors
    /// When the layers do not fit the data or each other.
    pub fn from_recipe(recipe: &Recipe, data: &Dataset) -> Result<Self, TrainError> {
        let model = crate::Network::from_recipe(recipe, data.features(), &cpu(true))?;
        let loss = recipe.loss;
        Ok(Self::new(model, loss).recipe(recipe.clone()))
    }
}

impl<M: Model> Trainer<M> {
    /// Trains `model` with `loss`, and the defaults of a recipe for all else.
    #[must_use]
    pub fn new(model: M, loss: impl Loss + 'static) -> Self {
        Self {
            recipe: Recipe::default(),
            model,
            loss: Box::new(loss),
            hooks: Vec::new(),
            callbacks: Vec::new(),
            folder: None,
            interrupt: Arc::default(),
            observed: true,
        }
    }

    /// Takes epochs, batch, seed, optimizer, penalty, clipping, schedule, callbacks and observation from a recipe. Its layers, loss
    /// and data file are not used.
    #[must_use]
    pub fn recipe(mut self, recipe: Recipe) -> Self {
        self.recipe = recipe;
        self
    }

    /// Adds a callback; they are asked in the order in which they were added, after those of the recipe.
    #[must_use]
    pub fn callback(mut self, callback: impl Callback + 'static) -> Self {
        self.callbacks.push(Box::new(callback));
        self
    }

    /// Adds something that changes gradients before they are read.
    #[must_use]
    pub fn gradient_hook(mut self, hook: impl GradientHook + 'static) -> Self {
        self.hooks.push(Box::new(hook));
        self
    }

    /// Writes the run log, checkpoints and the model to this folder.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Ends the run as interrupted, with its log closed and a checkpoint kept, after the step during which this becomes true.
    #[must_use]
    pub fn interrupt(mut self, flag: Arc<AtomicBool>) -> Self {
        self.interrupt = flag;
        self
    }

    /// Trains without a session: nothing is read, judged or logged. The weights come out the same to the last bit.
    #[must_use]
    pub fn unobserved(mut self) -> Self {
        self.observed = false;
        self
    }

    /// Trains.
    ///
    /// # Errors
    /// When the data set is empty, a class has no output, or the folder cannot be used. A loss that becomes NaN is not an error: it
    /// is in the outcome.
    pub fn fit(self, data: &Dataset) -> Result<Outcome<M>, TrainError> {
        let Self { recipe, model, loss, hooks, callbacks, folder, interrupt, observed } = self;
        let takes = loss.describe().takes;
        let Prepared { data, task, training, validation, inputs, targets } = prepare(data, &recipe, takes)?;
        check::check_inputs(&model, &data, &training, &validation)?;
        let (training, validation) = (Rows::new(&data, training), Rows::new(&data, validation));
        let scoring = Scoring::new(task, takes);
        let outputs = check::outputs(&model, data.features());
        let engine =
            Engine { recipe: &recipe, loss: loss.as_ref(), rows: &training, scoring, outputs, device: cpu(true) };
        check::check_outputs(&engine, &data)?;
        let asked = Asked { model, hooks, callbacks, folder, interrupt, observed };
        let mut run = Run::begin(asked, &engine, validation.len())?;
        let end = run.train(&validation);
        Ok(run.end(end, inputs, targets))
    }
}

/// What was asked of a trainer, besides the recipe and the loss.
struct Asked<M> {
    model: M,
    hooks: Vec<Box<dyn GradientHook>>,
    callbacks: Vec<Box<dyn Callback>>,
    folder: Option<PathBuf>,
    interrupt: Arc<AtomicBool>,
    observed: bool,
}

/// A run under way.
struct Run<'a, M> {
    engine: &'a Engine<'a>,
    name: String,
    folder: Option<PathBuf>,
    callbacks: Vec<Box<dyn Callback>>,
    interrupt: Arc<AtomicBool>,
    observer: Option<Observer>,
    parameters: Parameters,
    /// Taken out only while a step runs.
    state: Option<State<M>>,
    start: State<M>,
    best: Option<M>,
    snapshots: Snapshots<M>,
    schedule: Schedule,
    steps_per_epoch: u64,
    /// What callbacks made of the base learning rate.
    rate: f64,
    step: u64,
    losses: Vec<f32>,
    history: Vec<EpochRecord>,
    incident: Option<Incident>,
    warnings: Vec<String>,
}

impl<'a, M: Model> Run<'a, M> {
    fn begin(asked: Asked<M>, engine: &'a Engine<'a>, validation_rows: usize) -> Result<Self, TrainError> {
        let recipe = engine.recipe;
        let steps_per_epoch = steps_per_epoch(engine.rows.len(), recipe);
        let total = steps_per_epoch * recipe.epochs;
        let model = asked.model;
        let parameters = Parameters::of(&model).renamed(|path| model.site_of(path));
        let state = State { optimizer: ScheduledOptimizer::new(&recipe.optimizer), hooks: asked.hooks, model };
        let observer = match asked.observed {
            true => Some(Observer::new(start_session(recipe, asked.folder.as_deref())?)),
            false => None,
        };
        if let Some(observer) = &observer {
            let facts = state.model.facts();
            let (parameters, rows) = (parameters.elements(), engine.rows.len());
            let extent = Extent { parameters, rows, validation_rows, steps: total };
            observer.with(|session| declare(session, engine, &facts, &extent));
        }
        if let Some(folder) = &asked.folder {
            checkpoint::prepare(folder, recipe)?;
        }
        let mut callbacks: Vec<_> =
            recipe.callbacks.iter().map(|spec| callbacks::from_spec(spec, asked.folder.as_deref())).collect();
        callbacks.extend(asked.callbacks);
        // Weights, at most two moments of them, and slow weights.
        let tensors = if recipe.optimizer.lookahead_steps.is_some() { 4 } else { 3 };
        let state_bytes = tensors * 4 * parameters.elements() as u64;
        let cap = recipe.observe.snapshot_memory_mb * 1_000_000;
        let every = if asked.observed { recipe.observe.snapshot_every } else { Some(0) };
        Ok(Self {
            engine,
            name: recipe.name.clone(),
            folder: asked.folder,
            callbacks,
            interrupt: asked.interrupt,
            observer,
            parameters,
            start: state.clone(),
            state: Some(state),
            best: None,
            snapshots: Snapshots::new(every, state_bytes, cap / 2),
            schedule: Schedule::new(recipe.schedule.clone(), steps_per_epoch, total),
            steps_per_epoch,
            rate: recipe.optimizer.learning_rate,
            step: 0,
            losses: Vec::with_capacity(usize::try_from(total).unwrap_or(0).min(1 << 20)),
            history: Vec::new(),
            incident: None,
            warnings: Vec::new(),
        })
    }

    fn train(&mut self, validation: &Rows<'_>) -> RunEnd {
        let (name, folder) = (self.name.clone(), self.folder.clone());
        let (epochs, steps_per_epoch) = (self.engine.recipe.epochs, self.steps_per_epoch);
        let info = RunInfo { name: &name, folder: folder.as_deref(), epochs, steps_per_epoch };
        let actions = self.ask(|callback| callback.train_begin(&info));
        if let Some(end) = self.perform(actions) {
            return end;
        }
        for epoch in 0..epochs {
            let actions = self.ask(|callback| callback.epoch_begin(epoch));
            let end = self.perform(actions).or_else(|| self.epoch(epoch, validation));
            if let Some(end) = end {
                return end;
            }
        }
        RunEnd::Completed
    }

    /// Runs an epoch. Returns why the run ends, if it does.
    fn epoch(&mut self, epoch: u64, validation: &Rows<'_>) -> Option<RunEnd> {
        let recipe = self.engine.recipe;
        let order = self.engine.rows.order(recipe.seed, epoch, recipe.data.shuffle);
        let (mut score, mut loss, mut rows) = (Score::default(), 0.0, 0.0);
        for places in order.chunks(recipe.batch as usize).take(self.steps_per_epoch as usize) {
            let learning_rate = self.rate * self.schedule.factor(self.step);
            let momentum = self.schedule.momentum(self.step);
            let plan = StepPlan { step: self.step, epoch, places: places.to_vec(), learning_rate, momentum };
            let (result, findings) = self.step(&plan, &mut score);
            loss += f64::from(result.loss) * result.rows as f64;
            rows += result.rows as f64;
            let actions = self.report_step(&plan, &result, &findings);
            if self.interrupt.load(Ordering::Relaxed) {
                return Some(RunEnd::Interrupted);
            }
            if let Some(end) = self.perform(actions) {
                return Some(end);
            }
        }
        let mut scalars = vec![(Scalar::Loss, loss / rows)];
        scalars.extend(score.value().map(|score| (self.engine.scoring.scalar(), score)));
        if validation.len() > 0 {
            scalars.extend(
                self.state.as_ref().map(|state| evaluate(self.engine, &state.model, validation)).unwrap_or_default(),
            );
        }
        self.end_epoch(&EpochRecord { epoch: epoch as u32, steps: self.step, scalars })
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
        for number in 0..self.callbacks.len() {
            self.warnings.extend(self.callbacks[number].trouble());
        }
        self.perform(actions)
    }

    fn step(&mut self, plan: &StepPlan, score: &mut Score) -> (StepResult, Vec<Finding>) {
        let Some(state) = self.state.take() else { unreachable!("the state is put back after every step") };
        if self.observer.is_some() {
            self.snapshots.before(plan.step, &state);
        }
        if plan.epoch == 0 {
            self.observe_rows(plan);
        }
        let observer = self.observer.clone();
        let eyes = Eyes { observer: observer.as_ref().map(|observer| (observer, &mut self.parameters)), trace: None };
        let (state, result) = self.engine.step(state, plan, eyes, score);
        self.state = Some(state);
        self.step += 1;
        self.losses.push(result.loss);
        let outcome = self.observe(|session| {
            if let Clipped::Refused(_) = result.clipped {
                session.note("a gradient is not finite, so clipping refused the step and no weight changed");
            }
            session.end_step()
        });
        let Some(mut outcome) = outcome else { return (result, Vec::new()) };
        self.snapshots.after(plan.clone(), result.loss.to_bits());
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
            && let Err(error) = checkpoint::save_incident(folder, &state.model, &self.engine.rows.gather(&plan.places))
        {
            self.warnings.push(format!("the incident's batch was not kept: {error}"));
        }
        self.observe(|session| session.incident(incident)).unwrap_or_default()
    }

    fn observe_rows(&self, plan: &StepPlan) {
        let batch = self.engine.rows.gather(&plan.places);
        self.observe(|session| see_rows(session, &batch, self.engine.outputs));
    }

    fn report_step(&mut self, plan: &StepPlan, result: &StepResult, findings: &[Finding]) -> Vec<Action> {
        let report = StepReport {
            step: plan.step,
            epoch: plan.epoch,
            loss: f64::from(result.loss),
            accuracy: result.accuracy,
            learning_rate: plan.learning_rate,
        };
        let mut actions = self.ask(|callback| callback.step_end(&report));
        for finding in findings {
            actions.extend(self.ask(|callback| callback.finding(finding)));
        }
        actions
    }

    fn ask(&mut self, mut question: impl FnMut(&mut dyn Callback) -> Action) -> Vec<Action> {
        let answers = self.callbacks.iter_mut().map(|callback| question(callback.as_mut()));
        answers.filter(|action| *action != Action::Continue).collect()
    }

    /// Performs what callbacks asked for, in the order of [`Action`]. Returns why the run ends, if it does.
    fn perform(&mut self, mut actions: Vec<Action>) -> Option<RunEnd> {
        if actions.is_empty() {
            return None;
        }
        actions.sort_by_key(Action::strength);
        let base = self.rate;
        let mut end = None;
        for action in actions {
            match action {
                Action::Continue => {}
                Action::KeepBest => self.best = self.state.as_ref().map(|state| state.model.clone()),
                Action::Checkpoint { file, remove } => self.checkpoint(&file, &remove),
                Action::ScaleLearningRate { factor, floor } => {
                    self.rate = self.rate.min((base * factor).max(floor));
                    let rate = self.rate;
                    self.observe(|session| {
                        session.note(format!("a callback set the learning rate from {base} to {rate}"));
                    });
                }
                Action::Stop { reason, restore_best, failed } => {
                    if let (true, Some(best), Some(state)) = (restore_best, self.best.clone(), &mut self.state) {
                        state.model = best;
                    }
                    self.observe(|session| session.note(reason));
                    end.get_or_insert(if failed { RunEnd::Failed } else { RunEnd::Stopped });
                }
            }
        }
        end
    }

    fn checkpoint(&mut self, file: &str, remove: &[String]) {
        let (Some(folder), Some(state)) = (&self.folder, &self.state) else { return };
        if let Err(error) = checkpoint::save(folder, file, &state.model, self.step, self.engine.recipe.hash()) {
            self.warnings.push(error.to_string());
            // Older checkpoints are only deleted once the new one is safe.
            return;
        }
        checkpoint::remove(folder, remove);
    }

    fn observe<R>(&self, work: impl FnOnce(&mut Session) -> R) -> Option<R> {
        self.observer.as_ref().map(|observer| observer.with(work))
    }

    fn end(mut self, end: RunEnd, inputs: Scaling, targets: Scaling) -> Outcome<M> {
        let steps = self.step;
        self.observe(|session| session.end(steps, end));
        for callback in &mut self.callbacks {
            callback.train_end(end);
            self.warnings.extend(callback.trouble());
        }
        if end == RunEnd::Interrupted {
            self.checkpoint("interrupted.safetensors", &[]);
        }
        let Some(state) = self.state.take() else { unreachable!("the state is put back after every step") };
        if let Some(folder) = &self.folder
            && let Err(error) = checkpoint::save_model(folder, &state.model, steps, self.engine.recipe.hash())
        {
            self.warnings.push(error.to_string());
        }
        let good = self.snapshots.oldest().map(|(step, state)| (step, state.clone()));
        let baseline = Baseline { start: self.start, good, losses: self.losses };
        Outcome {
            model: state.model,
            steps,
            end,
            history: self.history,
            folder: self.folder,
            warnings: self.warnings,
            observer: self.observer,
            inputs,
            targets,
            baseline,
        }
    }
}

/// Shows a session the rows of a batch.
pub(crate) fn see_rows(session: &mut Session, batch: &Batch, outputs: usize) {
    let targets = match batch.answers() {
        Answers::Classes(classes) => barograph_monitor::TargetRows::Classes { classes, outputs },
        Answers::Real(values) => barograph_monitor::TargetRows::Real { values, columns: batch.columns() },
    };
    session.see_data(&batch.inputs, batch.features, &batch.numbers, &targets);
}

/// Steps of one epoch over so many rows.
pub(crate) fn steps_per_epoch(rows: usize, recipe: &Recipe) -> u64 {
    let (rows, batch) = (rows as u64, recipe.batch);
    if recipe.data.drop_last && rows >= batch { rows / batch } else { rows.div_ceil(batch) }
}

fn start_session(recipe: &Recipe, folder: Option<&Path>) -> Result<Session, TrainError> {
    let started = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let options = Options {
        name: recipe.name.clone(),
        folder: folder.map(Path::to_owned),
        log_cap: recipe.observe.log_cap_mb.saturating_mul(1_000_000),
        updates: Cadence { first: 5, every: recipe.observe.updates_every },
        units: Cadence { first: 5, every: recipe.observe.units_every },
        started,
        ..Options::default()
    };
    Ok(Session::start(options)?)
}
