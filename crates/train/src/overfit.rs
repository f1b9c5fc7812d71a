//! Whether a network can learn one batch by heart.
use crate::averages::Averages;
use crate::batches::Batch;
use crate::engine::{Engine, Eyes, State};
use crate::error::TrainError;
use crate::metrics::{Answers, Score};
use crate::model::Model;
use crate::optimizers::ScheduledOptimizer;
use crate::progress::{Progress, Tell};
use crate::recipe::{LayerKind, LayerSpec, PenaltySpec, Recipe, RegularizerKind};
use crate::subject::Subject;
use barograph_burn::separate;

/// Share of the first loss below which a batch counts as learned by heart (our choice: what is left is no more than how far one goes).
const LEARNED: f64 = 0.01;

/// Steps without a new lowest loss, as a share of all that are allowed, after which there is no point in going on (our choice).
const PATIENCE: f64 = 0.25;

/// Share of the first loss by which it must have fallen to count as learning at all (our choice).
const LEAST_FALL: f64 = 0.05;

/// Pairs of contradicting rows that are named (our choice).
const PAIRS: usize = 3;

/// How [`overfit`] goes about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OverfitOptions {
    /// Most steps, 1 or more. Default 1,000.
    pub steps: u64,
    /// Share of the first loss that must be reached, between 0 and 1. Default 0.01.
    pub share: f64,
}

impl Default for OverfitOptions {
    fn default() -> Self {
        Self { steps: 1_000, share: LEARNED }
    }
}

/// The result of [`overfit`].
#[derive(Clone, Debug, PartialEq)]
pub struct Overfit {
    /// Rows of the batch.
    pub rows: usize,
    /// The loss of each step, before the update.
    pub losses: Vec<f64>,
    /// The loss that had to be reached.
    pub goal: f64,
    /// Whether it was.
    pub passed: bool,
    /// What to look at if it was not, the likeliest first; one sentence each.
    pub advice: Vec<String>,
}

impl Overfit {
    /// The lowest loss; NaN if none was finite.
    #[must_use]
    pub fn lowest(&self) -> f64 {
        self.losses.iter().copied().fold(f64::NAN, f64::min)
    }
}

/// Trains a copy of the model on the first batch alone until its loss is close to 0.
///
/// A network that cannot learn a handful of rows by heart will not learn the whole data set: something in model, loss, targets or optimizer is
/// wrong (A. Karpathy, A Recipe for Training Neural Networks, 2019). The recipe's optimizer and learning rate are used; its schedule and its
/// penalty are not, for both stand in the way of a loss of 0. Dropout does too: see [`without_regularization`].
///
/// # Errors
/// For a setting out of range, and as a training: when model and data do not fit together.
pub fn overfit<M: Model>(subject: &Subject<'_, M>, options: &OverfitOptions) -> Result<Overfit, TrainError> {
    overfit_with(subject, options, &mut |_| {})
}

/// As [`overfit`]; `tell` hears of each step.
///
/// # Errors
/// As [`overfit`].
pub fn overfit_with<M: Model>(
    subject: &Subject<'_, M>,
    options: &OverfitOptions,
    tell: Tell<'_>,
) -> Result<Overfit, TrainError> {
    let OverfitOptions { steps, share } = *options;
    if steps < 1 || !(0.0 < share && share < 1.0) {
        return Err(TrainError::Setting(format!(
            "a batch is learned in 1 step or more, to a share of its first loss between 0 and 1; not {steps} and {share}"
        )));
    }
    let recipe = Recipe { penalty: PenaltySpec::default(), ..subject.recipe.clone() };
    let learned = |engine: &Engine<'_>| learn(engine, separate(subject.model), options, tell);
    Subject { recipe: &recipe, ..*subject }.with_engine(learned)
}

fn learn<M: Model>(
    engine: &Engine<'_>,
    model: M,
    options: &OverfitOptions,
    tell: Tell<'_>,
) -> Result<Overfit, TrainError> {
    let optimizer = ScheduledOptimizer::new(&engine.recipe.optimizer);
    let mut state = State { model, optimizer, hooks: Vec::new(), averages: Averages::default() };
    let first = engine.endless_plans().next();
    let places = first.map(|plan| plan.places).unwrap_or_default();
    let batch = engine.rows.gather(&places)?;
    let patience = ((options.steps as f64 * PATIENCE) as usize).max(1);
    let (mut losses, mut goal) = (Vec::<f64>::new(), f64::NAN);
    let (mut lowest, mut since) = (f64::INFINITY, 0);
    for (step, plan) in (0..options.steps).zip(engine.endless_plans()) {
        let plan = crate::engine::StepPlan { step, epoch: 0, places: places.clone(), ..plan };
        let (next, result) = engine.step(state, &plan, batch.clone(), Eyes::default(), &mut Score::default());
        state = next;
        let loss = f64::from(result.loss);
        losses.push(loss);
        tell(Progress { done: step + 1, of: options.steps, what: "learning one batch", loss: Some(loss) });
        if step == 0 {
            // A loss that begins below 0 has no natural end; it must come down by as much.
            goal = if loss >= 0.0 { options.share * loss } else { loss - (1.0 - options.share) * loss.abs() };
        }
        since += 1;
        if loss < lowest {
            (lowest, since) = (loss, 0);
        }
        if !loss.is_finite() || loss <= goal || since >= patience {
            break;
        }
    }
    let passed = losses.last().is_some_and(|&loss| loss <= goal);
    let advice = if passed { Vec::new() } else { advice(engine, &batch, &losses) };
    Ok(Overfit { rows: batch.len(), losses, goal, passed, advice })
}

/// What may be wrong, by what the losses and the rows look like.
fn advice(engine: &Engine<'_>, batch: &Batch, losses: &[f64]) -> Vec<String> {
    let rate = engine.recipe.optimizer.learning_rate;
    let (first, last) = (losses.first().copied().unwrap_or(f64::NAN), losses.last().copied().unwrap_or(f64::NAN));
    let lowest = losses.iter().copied().fold(f64::NAN, f64::min);
    let mut advice = Vec::new();
    if batch.inputs.iter().any(|value| !value.is_finite()) {
        advice.push("a row of the batch has an input that is not finite; see barograph check".to_owned());
    } else if !last.is_finite() {
        advice.push(format!(
            "the loss was {last} at step {}: lower the learning rate from {rate}, and see barograph train for the operation that broke",
            losses.len() - 1
        ));
    }
    let pairs = contradictions(batch);
    if !pairs.is_empty() {
        advice.push(format!(
            "rows with the same inputs have different targets ({}): no network can tell them apart",
            pairs.join(", ")
        ));
    }
    if first - lowest < LEAST_FALL * first.abs() {
        advice.push(
            "the loss hardly moved: look for frozen layers, gradients of zero (barograph train says which), a loss that does not fit the last layer (barograph check), or a rate that is far too low (barograph lr-find)"
                .to_owned(),
        );
    } else if last.is_finite() && last > 1.5 * lowest {
        advice.push(format!(
            "the loss went up again from {lowest:.3e}: the learning rate of {rate} is too high for this batch"
        ));
    } else if last.is_finite() {
        advice.push(format!(
            "the loss fell from {first:.3e} to {lowest:.3e} and then no more: the network may be too small for {} rows, its last layer may not reach the targets (barograph check), or the rate of {rate} may be too low (barograph lr-find)",
            batch.len()
        ));
    }
    advice
}

/// Rows with equal inputs and different targets, by their numbers in the data set.
fn contradictions(batch: &Batch) -> Vec<String> {
    let row = |at: usize| &batch.inputs[at * batch.features..(at + 1) * batch.features];
    let columns = batch.columns();
    let differ = |a: usize, b: usize| match batch.answers() {
        Answers::Classes(classes) => classes[a] != classes[b],
        Answers::Real(values) => values[a * columns..(a + 1) * columns] != values[b * columns..(b + 1) * columns],
    };
    let pairs = (0..batch.len()).flat_map(|a| (a + 1..batch.len()).map(move |b| (a, b)));
    pairs
        .filter(|&(a, b)| row(a) == row(b) && differ(a, b))
        .take(PAIRS)
        .map(|(a, b)| format!("{} and {}", batch.numbers[a], batch.numbers[b]))
        .collect()
}

/// The recipe without what keeps a loss from 0: dropout, penalties and regularizers, weight decay, smoothed labels. And what was taken out, in
/// words.
#[must_use]
pub fn without_regularization(recipe: &Recipe) -> (Recipe, Vec<String>) {
    let mut plain = recipe.clone();
    let mut has_dropout = drop_dropout(&mut plain.layers);
    let mut has_regularizers = drop_regularizers(&mut plain.layers);
    let mut is_smoothed = recipe.loss.label_smoothing != 0.0;
    for output in &mut plain.outputs {
        has_dropout |= drop_dropout(&mut output.layers);
        has_regularizers |= drop_regularizers(&mut output.layers);
        is_smoothed |= output.loss.label_smoothing != 0.0;
        output.loss.label_smoothing = 0.0;
    }
    plain.penalty = PenaltySpec::default();
    plain.optimizer.weight_decay = 0.0;
    plain.loss.label_smoothing = 0.0;
    let found = [
        ("dropout", has_dropout),
        ("penalties on weights", has_regularizers || plain.penalty != recipe.penalty),
        ("weight decay", recipe.optimizer.weight_decay != 0.0),
        ("label smoothing", is_smoothed),
    ];
    let out = found.into_iter().filter(|(_, was_there)| *was_there).map(|(name, _)| name.to_owned()).collect();
    (plain, out)
}

/// Takes out the regularizers of all layers. Returns whether there was one.
fn drop_regularizers(layers: &mut [LayerSpec]) -> bool {
    let mut found = false;
    let mut take = |kind: &mut RegularizerKind| {
        found |= *kind != RegularizerKind::None;
        *kind = RegularizerKind::None;
    };
    let mut inside = false;
    for layer in layers {
        if let Some(weights) = layer.weights_mut() {
            take(&mut weights.regularizer);
            take(&mut weights.bias_regularizer);
            take(&mut weights.activity_regularizer);
        }
        match &mut layer.kind {
            LayerKind::Embedding { regularizer, .. } => take(regularizer),
            LayerKind::Rnn { recurrent, .. } | LayerKind::Lstm { recurrent, .. } | LayerKind::Gru { recurrent } => {
                take(&mut recurrent.recurrent_regularizer);
            }
            _ => {}
        }
        inside |= drop_regularizers(layer.kind.layers_mut());
    }
    found || inside
}

/// Sets every dropout rate to 0. Returns whether there was another one.
fn drop_dropout(layers: &mut [LayerSpec]) -> bool {
    let mut found = false;
    for layer in layers {
        let rate = match &mut layer.kind {
            LayerKind::Dropout { rate } => rate,
            LayerKind::TransformerEncoder { block } | LayerKind::TransformerDecoder { block } => &mut block.dropout,
            kind => {
                found |= drop_dropout(kind.layers_mut());
                continue;
            }
        };
        found |= *rate != 0.0;
        *rate = 0.0;
    }
    found
}

#[cfg(test)]
mod tests;
