//! The area under the curve of true against false positives.
use super::Scoring;
use super::labelled::{Labelled, flagged, labelled};
use crate::metric::{Metric, MetricBatch};
use crate::recipe::Task;

/// Every score of an epoch, class by class, and whether it should have been high.
#[derive(Clone, Debug)]
pub(super) struct Area {
    name: String,
    scoring: Scoring,
    classes: Vec<Vec<(f32, bool)>>,
}

impl Area {
    pub(super) const fn new(name: String, scoring: Scoring) -> Self {
        Self { name, scoring, classes: Vec::new() }
    }

    fn add(&mut self, class: usize, score: f32, right: bool) {
        if class >= self.classes.len() {
            self.classes.resize_with(class + 1, Vec::new);
        }
        self.classes[class].push((score, right));
    }

    fn add_question(&mut self, Labelled { scores, class }: Labelled<'_>) {
        match scores {
            [single] => self.add(0, *single, class == 1),
            // Of two classes, how much more the second one is spoken for.
            [no, yes] if self.scoring.task == Task::Binary => self.add(0, yes - no, class == 1),
            // Scores of different rows compare as probabilities only.
            scores => {
                let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let sum: f32 = scores.iter().map(|score| (score - largest).exp()).sum();
                for (other, &score) in scores.iter().enumerate() {
                    let score = if self.scoring.logits { (score - largest).exp() / sum } else { score };
                    self.add(other, score, other == class);
                }
            }
        }
    }
}

impl Metric for Area {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn see(&mut self, batch: &MetricBatch<'_>) {
        if self.scoring.task == Task::Multilabel {
            flagged(self.scoring, batch).for_each(|(label, score, right)| self.add(label, score, right));
        } else {
            for question in labelled(self.scoring, batch) {
                self.add_question(question);
            }
        }
    }

    fn value(&self) -> Option<f64> {
        let areas: Vec<f64> = self.classes.iter().filter_map(|scores| area(scores)).collect();
        (!areas.is_empty()).then(|| areas.iter().sum::<f64>() / areas.len() as f64)
    }

    fn state(&self) -> String {
        serde_json::to_string(&bits(&self.classes)).unwrap_or_default()
    }

    fn restore(&mut self, state: &str) {
        let classes: Vec<Vec<(u32, bool)>> = serde_json::from_str(state).unwrap_or_default();
        let of = |scores: Vec<(u32, bool)>| {
            scores.into_iter().map(|(score, right)| (f32::from_bits(score), right)).collect()
        };
        self.classes = classes.into_iter().map(of).collect();
    }
}

/// JSON has no NaN, so that scores are kept as bits.
fn bits(classes: &[Vec<(f32, bool)>]) -> Vec<Vec<(u32, bool)>> {
    classes.iter().map(|scores| scores.iter().map(|(score, right)| (score.to_bits(), *right)).collect()).collect()
}

/// The chance that a right one has a higher score than a wrong one, equal scores counting half (Mann and Whitney 1947). `None` where there
/// are not both; NaN where a score is.
fn area(scores: &[(f32, bool)]) -> Option<f64> {
    let right = scores.iter().filter(|(_, right)| *right).count() as f64;
    let wrong = scores.len() as f64 - right;
    if right == 0.0 || wrong == 0.0 {
        return None;
    }
    if scores.iter().any(|(score, _)| score.is_nan()) {
        return Some(f64::NAN);
    }
    let mut sorted = scores.to_vec();
    sorted.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let (mut wrong_below, mut wins) = (0.0, 0.0);
    // Both zeros are one score.
    for equal in sorted.chunk_by(|(a, _), (b, _)| a == b) {
        let right_here = equal.iter().filter(|(_, right)| *right).count() as f64;
        let wrong_here = equal.len() as f64 - right_here;
        wins += right_here * (wrong_below + 0.5 * wrong_here);
        wrong_below += wrong_here;
    }
    Some(wins / (right * wrong))
}
