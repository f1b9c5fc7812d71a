//! Whether the right class is among those with the highest scores.
use super::Scoring;
use super::labelled::labelled;
use crate::metric::{Metric, MetricBatch};

/// Classes that may be named.
const NAMED: usize = 5;

/// The share of answers whose right class is among the five with the highest scores; a class with an equal score does not stand before it.
#[derive(Clone, Debug)]
pub(super) struct TopFive {
    name: String,
    scoring: Scoring,
    right: u64,
    all: u64,
}

impl TopFive {
    pub(super) const fn new(name: String, scoring: Scoring) -> Self {
        Self { name, scoring, right: 0, all: 0 }
    }
}

impl Metric for TopFive {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn see(&mut self, batch: &MetricBatch<'_>) {
        for question in labelled(self.scoring, batch) {
            let own = question.scores.get(question.class).copied().filter(|score| !score.is_nan());
            // What is not a number stands before everything, so that it helps nobody.
            let before = |own: f32| question.scores.iter().filter(|score| score.is_nan() || **score > own).count();
            self.right += u64::from(own.is_some_and(|own| before(own) < NAMED));
            self.all += 1;
        }
    }

    fn value(&self) -> Option<f64> {
        (self.all > 0).then(|| self.right as f64 / self.all as f64)
    }

    fn state(&self) -> String {
        serde_json::to_string(&(self.right, self.all)).unwrap_or_default()
    }

    fn restore(&mut self, state: &str) {
        (self.right, self.all) = serde_json::from_str(state).unwrap_or_default();
    }
}
