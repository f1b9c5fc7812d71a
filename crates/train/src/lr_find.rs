//! The learning rate range test: which rates a model can be trained with, found in a short run without a trace.
use crate::averages::Averages;
use crate::engine::{Eyes, State};
use crate::error::TrainError;
use crate::metrics::Score;
use crate::model::Model;
use crate::optimizers::ScheduledOptimizer;
use crate::progress::{Progress, Tell};
use crate::subject::Subject;
use barograph_burn::separate;

/// The first of so many parts of the test is left out of suggestions, as in fastai: its average has not settled.
const LEFT_OUT: usize = 10;

/// Steps at the end that are not looked at for suggestions, as in fastai: the loss is on its way up there.
const LAST: usize = 5;

/// Steps below which nothing is suggested (our choice).
const FEWEST: usize = 8;

/// Share of the loss by which it must have fallen before anything is suggested (our choice).
const LEAST_FALL: f64 = 0.01;

/// Of fastai's `slide`: the width of its interval in steps.
const SLIDE_WIDTH: usize = 15;

/// Of fastai's `slide`: the difference of slopes that counts as flat.
const SLIDE_FLAT: f64 = 0.005;

/// How [`lr_find`] goes about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LrFindOptions {
    /// The learning rate of the first step, above 0. Default 1e-7.
    pub lowest: f64,
    /// The learning rate of the last step, above `lowest`. Default 10.
    pub highest: f64,
    /// Steps, 2 or more. Default 100.
    pub steps: usize,
    /// Weight of a new loss in the smoothed one, above 0 and up to 1, which smooths nothing. Default 0.05.
    pub smoothing: f64,
    /// The multiple of the lowest smoothed loss at which the test ends, above 1. Default 4.
    pub diverged: f64,
}

impl Default for LrFindOptions {
    fn default() -> Self {
        Self { lowest: 1e-7, highest: 10.0, steps: 100, smoothing: 0.05, diverged: 4.0 }
    }
}

impl LrFindOptions {
    fn check(&self) -> Result<(), TrainError> {
        let Self { lowest, highest, steps, smoothing, diverged } = *self;
        let problem = if !(0.0 < lowest && lowest < highest && highest.is_finite()) {
            format!("the rates rise from lowest to highest, above 0; not from {lowest} to {highest}")
        } else if steps < 2 {
            format!("a test takes 2 steps or more; not {steps}")
        } else if !(0.0 < smoothing && smoothing <= 1.0) {
            format!("smoothing is the weight of a new loss, above 0 and up to 1; not {smoothing}")
        } else if !(diverged > 1.0 && diverged.is_finite()) {
            format!("diverged is a multiple of the lowest loss, above 1; not {diverged}")
        } else {
            return Ok(());
        };
        Err(TrainError::Setting(problem))
    }

    /// The rate of each step: each is the one before times the same factor.
    fn rates(&self) -> impl Iterator<Item = f64> {
        let Self { lowest, highest, steps, .. } = *self;
        (0..steps).map(move |step| lowest * (highest / lowest).powf(step as f64 / (steps - 1) as f64))
    }
}

/// The result of [`lr_find`].
#[derive(Clone, Debug, PartialEq)]
pub struct LearningRates {
    /// The learning rate of each step, rising.
    pub rates: Vec<f64>,
    /// The loss of each step, before the update. The last one is not finite if `stopped` says so.
    pub losses: Vec<f64>,
    /// The smoothed loss of each step with a finite loss.
    pub smoothed: Vec<f64>,
    /// Rates by rule.
    pub suggestions: Suggestions,
    /// Why the test ended.
    pub stopped: Stopped,
}

impl LearningRates {
    /// The rate at the valley, the rule to begin with; `None` where the loss did not fall during the test.
    #[must_use]
    pub const fn suggestion(&self) -> Option<f64> {
        self.suggestions.valley
    }
}

/// Learning rates that may be used; all `None` where the loss did not fall during the test.
///
/// All are read off the smoothed loss, as fastai does it (<https://docs.fast.ai/callback.schedule.html#lrfinder>).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Suggestions {
    /// Half way along the longest stretch over which the loss falls: a rate that trains well, far from too high.
    pub valley: Option<f64>,
    /// Where the loss falls fastest per factor of the rate: a good start for training with a constant rate.
    pub steep: Option<f64>,
    /// A tenth of the rate at which the loss is lowest: about the highest that is safe, as the peak of a schedule.
    pub minimum: Option<f64>,
    /// The left end of an interval that slides down from the highest rates until the loss has the same slope at both its ends: it
    /// depends on noise and on the unit of the loss, so trust it least.
    pub slide: Option<f64>,
}

impl Suggestions {
    /// Each rule that found a rate: its name, the rate, and what it stands for.
    pub fn each(&self) -> impl Iterator<Item = (&'static str, f64, &'static str)> {
        let all = [
            ("valley", self.valley, "amid the longest fall of the loss"),
            ("steep", self.steep, "where the loss falls fastest"),
            ("minimum", self.minimum, "a tenth of the rate at the lowest loss"),
            ("slide", self.slide, "found by a sliding interval; trust it least"),
        ];
        all.into_iter().filter_map(|(name, rate, meaning)| Some((name, rate?, meaning)))
    }
}

/// Why a learning rate test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// The highest rate was reached.
    Highest,
    /// The smoothed loss rose to a multiple of its lowest.
    Diverged,
    /// A loss was NaN or infinite.
    NotFinite,
}

impl Stopped {
    /// In words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Highest => "the highest rate was reached",
            Self::Diverged => "the loss diverged",
            Self::NotFinite => "the loss was not finite",
        }
    }

    /// In one word, for programs: `highest`, `diverged` or `not finite`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Highest => "highest",
            Self::Diverged => "diverged",
            Self::NotFinite => "not finite",
        }
    }
}

/// Trains a copy of the model for some steps while the learning rate rises from `lowest` to `highest`, and looks at what the loss does.
///
/// The rate of step `i` is `lowest * (highest / lowest)^(i / (steps - 1))`; schedules and callbacks of the recipe are not asked. The smoothed
/// loss is an exponential average, corrected for its beginning as in Adam. The test ends when it exceeds the lowest one by `diverged - 1`
/// times its size, that is at `diverged` times the lowest one for a positive loss, and at once when a loss is not finite.
///
/// The model and its running statistics stay as they are, to the last bit.
///
/// Source: L. N. Smith, Cyclical Learning Rates for Training Neural Networks, <https://arxiv.org/abs/1506.01186> (2015), with a rate that
/// grows exponentially and a smoothed loss as in fastai.
///
/// # Errors
/// For a setting out of range, and as a training: when model and data do not fit together.
pub fn lr_find<M: Model>(subject: &Subject<'_, M>, options: &LrFindOptions) -> Result<LearningRates, TrainError> {
    lr_find_with(subject, options, &mut |_| {})
}

/// As [`lr_find`]; `tell` hears of each step.
///
/// # Errors
/// As [`lr_find`].
pub fn lr_find_with<M: Model>(
    subject: &Subject<'_, M>,
    options: &LrFindOptions,
    tell: Tell<'_>,
) -> Result<LearningRates, TrainError> {
    options.check()?;
    subject.with_engine(|engine| {
        let optimizer = ScheduledOptimizer::new(&engine.recipe.optimizer);
        let mut state =
            State { model: separate(subject.model), optimizer, hooks: Vec::new(), averages: Averages::default() };
        let mut test = RangeTest::new(options);
        for (rate, mut plan) in options.rates().zip(engine.endless_plans()) {
            plan.learning_rate = rate;
            let batch = engine.rows.gather(&plan.places)?;
            let (next, result) = engine.step(state, &plan, batch, Eyes::default(), &mut Score::default());
            state = next;
            let loss = f64::from(result.loss);
            tell(Progress {
                done: plan.step + 1,
                of: options.steps as u64,
                what: &format!("rate {rate:.1e}"),
                loss: Some(loss),
            });
            if !test.goes_on(rate, loss) {
                break;
            }
        }
        Ok(test.result())
    })
}

/// What a test has seen so far.
struct RangeTest {
    smoothing: f64,
    diverged: f64,
    average: f64,
    lowest: f64,
    rates: Vec<f64>,
    losses: Vec<f64>,
    smoothed: Vec<f64>,
    stopped: Stopped,
}

impl RangeTest {
    fn new(options: &LrFindOptions) -> Self {
        Self {
            smoothing: options.smoothing,
            diverged: options.diverged,
            average: 0.0,
            lowest: f64::INFINITY,
            rates: Vec::new(),
            losses: Vec::new(),
            smoothed: Vec::new(),
            stopped: Stopped::Highest,
        }
    }

    /// Takes the loss of a step in. Returns whether there is a point in going on.
    fn goes_on(&mut self, rate: f64, loss: f64) -> bool {
        self.rates.push(rate);
        self.losses.push(loss);
        // Every comparison with NaN is false, so that only asking for it stops a test that has one.
        if !loss.is_finite() {
            self.stopped = Stopped::NotFinite;
            return false;
        }
        self.average += self.smoothing * (loss - self.average);
        let smoothed = self.average / (1.0 - (1.0 - self.smoothing).powf(self.losses.len() as f64));
        self.smoothed.push(smoothed);
        if smoothed > self.lowest + (self.diverged - 1.0) * self.lowest.abs() {
            self.stopped = Stopped::Diverged;
            return false;
        }
        self.lowest = self.lowest.min(smoothed);
        true
    }

    fn result(self) -> LearningRates {
        let Self { rates, losses, smoothed, stopped, .. } = self;
        LearningRates { suggestions: suggest(&rates, &losses, &smoothed), rates, losses, smoothed, stopped }
    }
}

fn suggest(rates: &[f64], losses: &[f64], smoothed: &[f64]) -> Suggestions {
    let first = smoothed.len() / LEFT_OUT;
    let end = smoothed.len().saturating_sub(LAST).max(first);
    if end - first < FEWEST || !fell(losses, smoothed, first) {
        return Suggestions::default();
    }
    let (rates, smoothed) = (&rates[first..end], &smoothed[first..end]);
    let lowest = least(smoothed);
    Suggestions {
        valley: Some(rates[valley(smoothed)]),
        steep: Some(rates[steepest(smoothed)]),
        minimum: Some(rates[lowest] / 10.0),
        slide: Some(rates[slide(smoothed)]),
    }
}

/// Whether the loss fell by more than it varies from batch to batch at the low rates of the beginning.
fn fell(losses: &[f64], smoothed: &[f64], first: usize) -> bool {
    let beginning = &losses[..first.max(2).min(losses.len())];
    let count = beginning.len() as f64;
    let mean = beginning.iter().sum::<f64>() / count;
    let deviation = (beginning.iter().map(|loss| (loss - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0)).sqrt();
    let low = smoothed.iter().copied().fold(f64::INFINITY, f64::min);
    mean - low > deviation.max(LEAST_FALL * mean.abs())
}

/// Where the smallest value stands, the first of several.
fn least(values: &[f64]) -> usize {
    let better = |best: usize, at: usize| if values[at] < values[best] { at } else { best };
    (1..values.len()).fold(0, better)
}

/// Where the loss falls most from one rate to the next. Rates rise by one factor, so that it does not matter.
fn steepest(losses: &[f64]) -> usize {
    let slopes: Vec<f64> = losses.windows(2).map(|pair| pair[1] - pair[0]).collect();
    least(&slopes)
}

/// Half way along the longest sequence of falling losses, which may skip steps in between.
///
/// The rule of fastai (`fastai.callback.schedule.valley`): the longest decreasing subsequence is found, its length is counted back from
/// its end, and the answer lies in the middle of that stretch.
fn valley(losses: &[f64]) -> usize {
    let mut longest = vec![1_usize; losses.len()];
    for at in 0..losses.len() {
        let before = (0..at).filter(|&earlier| losses[earlier] > losses[at]).map(|earlier| longest[earlier]).max();
        longest[at] += before.unwrap_or(0);
    }
    let end = (1..losses.len()).fold(0, |best, at| if longest[at] > longest[best] { at } else { best });
    let start = end + 1 - longest[end];
    start + (end - start) / 2
}

/// Slides an interval down from the end while the slopes at its two ends differ; its left end is the answer.
///
/// The rule of fastai (`fastai.callback.schedule.slide`), there after Novetta's.
fn slide(losses: &[f64]) -> usize {
    let slopes = slopes(losses);
    let mut right = losses.len() - 1;
    let mut left = right.saturating_sub(SLIDE_WIDTH);
    let mut found = left;
    while (slopes[right] - slopes[left]).abs() > SLIDE_FLAT {
        found = left;
        let Some(next) = left.checked_sub(1) else { break };
        (left, right) = (next, right - 1);
    }
    found
}

/// Central differences, one-sided ones at both ends, as `numpy.gradient` has them.
fn slopes(values: &[f64]) -> Vec<f64> {
    let last = values.len() - 1;
    let slope = |at: usize| {
        let (before, after) = (at.saturating_sub(1), (at + 1).min(last));
        (values[after] - values[before]) / (after - before).max(1) as f64
    };
    (0..=last).map(slope).collect()
}

#[cfg(test)]
mod tests;
