//! Tries remedies: a short run with the remedy, beside the run as it was.
use crate::averages::Averages;
use crate::batches::Rows;
use crate::data::{DataError, RowSource};
use crate::engine::{Engine, Eyes, State, StepPlan};
use crate::error::TrainError;
use crate::losses::OutputLosses;
use crate::metrics::{Score, Scoring};
use crate::optimizers::ScheduledOptimizer;
use crate::outcome::Outcome;
use crate::prepare::prepare;
use crate::recipe::Recipe;
use crate::schedules::Schedule;
use crate::{Model, Network};
use barograph_burn::{device_of, separate};
use barograph_vocab::{Remedy, Severity, Trial};

/// What a loss must have come down to, as a share of where the trial began, for a remedy to count as working (our choice: noise
/// alone moves the mean of 20 steps by a few percent).
const FALLEN: f64 = 0.9;

/// Steps of a trial: enough to see a trend, few enough to wait for (our choice).
pub const TRIAL_STEPS: u64 = 200;

/// What a trial is held against.
pub(crate) struct Baseline<M> {
    /// The state before the first step.
    pub(crate) start: State<M>,
    /// The last good snapshot, if there is one, with its step.
    pub(crate) good: Option<(u64, State<M>)>,
    /// The loss of every step.
    pub(crate) losses: Vec<f32>,
    /// Batches of a step.
    pub(crate) batches: u64,
}

/// Tries a remedy for a recipe's run and says what it showed. `None` when the remedy cannot be written as edits, changes the loss of a recipe
/// that has several or of a training whose loss is written in Rust, or takes away a weight that something written in Rust is for.
///
/// The loss, regularizers, constraints, initializers, gradient hooks and auxiliary losses that the trainer was given are those of the trial.
///
/// A remedy of the optimizer, of clipping, or of the schedule starts from the last good snapshot. Any other changes the network, its data or
/// its loss, and starts from the beginning with the same seed.
///
/// # Errors
/// When the repaired recipe is wrong, or a file of data can no longer be read.
pub fn try_remedy(
    outcome: &Outcome<Network>,
    recipe: &Recipe,
    data: &dyn RowSource,
    remedy: &Remedy,
) -> Result<Option<Trial>, TrainError> {
    // What a remedy says of the one loss is not said of one of several.
    let is_of_one_loss = remedy.change.iter().any(|edit| edit.key.starts_with("loss."));
    let parts = &outcome.given().parts;
    let has_one_loss = recipe.outputs.is_empty() && parts.is_loss_of(recipe);
    if remedy.change.is_empty() || (is_of_one_loss && !has_one_loss) {
        return Ok(None);
    }
    let repaired = recipe.repaired(&remedy.change)?;
    let keeps_network = remedy.change.iter().all(|edit| {
        let table = edit.key.split('.').next().unwrap_or_default();
        matches!(table, "optimizer" | "clip" | "schedule")
    });
    let takes = if has_one_loss { Some(repaired.loss.kind.takes()) } else { parts.loss.describe().takes };
    let prepared = prepare(data, &repaired, takes)?;
    let rows = Rows::new(&prepared.rows, prepared.training);
    let scoring = Scoring::new(prepared.task, takes);
    let features = prepared.rows.features();
    let network = match keeps_network {
        true => separate(&outcome.baseline.start.model),
        false => Network::from_recipe(&repaired, features, &repaired.open_device(true)?)?,
    };
    let Ok((network, rules, auxiliary)) = parts.given_to(network, features, repaired.seed) else { return Ok(None) };
    let outputs = crate::check::outputs(&network, features);
    let device = device_of(&network, true);
    let of_recipe = match parts.is_loss_of(recipe) {
        true => Some(OutputLosses::of_recipe(&repaired, &network, &prepared.rows)?),
        false => None,
    };
    let (recipe_of_trial, loss) = (&repaired, of_recipe.as_deref().unwrap_or(parts.loss.as_ref()));
    let engine = Engine { recipe: recipe_of_trial, loss, rows: &rows, scoring, outputs, device, rules, auxiliary };
    crate::check::check_outputs(&engine, &prepared.rows)?;
    // A snapshot is good only from before the first sign of trouble.
    let findings = outcome.diagnosis().map(|diagnosis| diagnosis.findings).unwrap_or_default();
    let trouble =
        findings.iter().filter(|finding| finding.severity >= Severity::Warning).map(|finding| finding.step).min();
    let (from_step, state) = match &outcome.baseline.good {
        Some((step, state)) if keeps_network && trouble.is_none_or(|trouble| *step <= trouble) => {
            // The rate is given at each step; moments stay, unless the optimizer is another one.
            let same = repaired.optimizer.with_learning_rate(0.0) == recipe.optimizer.with_learning_rate(0.0);
            let optimizer = if same { state.optimizer.clone() } else { ScheduledOptimizer::new(&repaired.optimizer) };
            (*step, State { optimizer, ..state.clone() })
        }
        _ => (
            0,
            State {
                model: network,
                optimizer: ScheduledOptimizer::new(&repaired.optimizer),
                hooks: outcome.baseline.start.hooks.clone(),
                averages: Averages::default(),
            },
        ),
    };
    let losses = run(&engine, state, from_step, outcome.baseline.batches)?;
    let comparable = repaired.loss == recipe.loss && repaired.outputs == recipe.outputs && repaired.data == recipe.data;
    Ok(Some(judge(from_step, &losses, &outcome.baseline.losses, comparable)))
}

/// The losses of a trial.
fn run<M: Model>(
    engine: &Engine<'_>,
    mut state: State<M>,
    from_step: u64,
    batches: u64,
) -> Result<Vec<f32>, DataError> {
    let recipe = engine.recipe;
    let steps_per_epoch = crate::trainer::steps_per_epoch(engine.rows.len(), recipe, batches);
    let rows_per_step = crate::trainer::rows_per_step(recipe, batches);
    let total = steps_per_epoch * recipe.epochs;
    let schedule = Schedule::new(recipe.schedule.clone(), steps_per_epoch, total);
    let steps = TRIAL_STEPS.min(total.saturating_sub(from_step)).max(1);
    let mut losses = Vec::new();
    let mut order = (u64::MAX, Vec::new());
    for step in from_step..from_step + steps {
        let (epoch, place) = (step / steps_per_epoch, (step % steps_per_epoch) as usize);
        if order.0 != epoch {
            order = (epoch, engine.rows.order_in(recipe, epoch));
        }
        let places = order.1.chunks(rows_per_step).nth(place).unwrap_or_default().to_vec();
        let learning_rate = recipe.optimizer.learning_rate * schedule.factor(step);
        let plan = StepPlan { step, epoch, places, learning_rate, momentum: schedule.momentum(step) };
        let batch = engine.rows.gather(&plan.places)?;
        let (next, result) = engine.step(state, &plan, batch, Eyes::default(), &mut Score::default());
        state = next;
        losses.push(result.loss);
        if !result.loss.is_finite() {
            break;
        }
    }
    Ok(losses)
}

/// Holds the losses with the remedy against those without it, at the same steps.
fn judge(from_step: u64, losses: &[f32], before: &[f32], comparable: bool) -> Trial {
    let tenth = (losses.len() / 10).max(1);
    let finite = losses.iter().all(|loss| loss.is_finite());
    let loss_first = mean(&losses[..tenth]);
    let loss_last = mean(&losses[losses.len() - tenth..]);
    let end = from_step as usize + losses.len();
    let without = before.get(end.saturating_sub(tenth).min(before.len())..end.min(before.len())).unwrap_or_default();
    let loss_without = if without.len() < tenth { f64::NAN } else { mean(without) };
    let better = !comparable || !loss_without.is_finite() || loss_last < loss_without;
    // A remedy that first throws the loss up and then brings it half way down has not helped.
    let start = losses.first().map_or(f64::NAN, |&loss| f64::from(loss)).min(loss_first);
    let works = finite && loss_last < FALLEN * start && better;
    Trial { from_step, steps: losses.len() as u64, finite, loss_first, loss_last, loss_without, works }
}

fn mean(losses: &[f32]) -> f64 {
    losses.iter().map(|&loss| f64::from(loss)).sum::<f64>() / losses.len().max(1) as f64
}
