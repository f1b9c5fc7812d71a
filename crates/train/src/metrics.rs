//! How good the answers are.
mod area;
mod confusion;
mod distance;
mod labelled;
mod of_recipe;
mod top;

use crate::metric::{MetricBatch, Metrics};
use crate::recipe::{LossTakes, Task};
use barograph_monitor::right_classes;
use barograph_vocab::Scalar;

/// What counts as a right answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scoring {
    /// What the network learns to answer.
    pub task: Task,
    /// Whether outputs are raw scores: then a single output says yes above 0, else above 0.5.
    pub logits: bool,
    /// Whether a target belongs to each answer; not where labels have no known place in time.
    pub aligned: bool,
}

impl Scoring {
    /// The scoring of a task with a loss.
    #[must_use]
    pub fn new(task: Task, takes: Option<LossTakes>) -> Self {
        Self { task, logits: takes == Some(LossTakes::Logits), aligned: takes != Some(LossTakes::StepLogits) }
    }

    /// The scalar that holds the score of the training rows.
    #[must_use]
    pub const fn scalar(&self) -> Scalar {
        match self.task {
            Task::Regression => Scalar::R2,
            _ => Scalar::Accuracy,
        }
    }

    /// The scalar that holds the score of the validation rows.
    #[must_use]
    pub const fn validation_scalar(&self) -> Scalar {
        match self.task {
            Task::Regression => Scalar::ValidationR2,
            _ => Scalar::ValidationAccuracy,
        }
    }

    /// Above which a single output says yes.
    fn threshold(self) -> f32 {
        if self.logits { 0.0 } else { 0.5 }
    }
}

/// The targets of a batch as numbers.
#[derive(Clone, Copy, Debug)]
pub enum Answers<'a> {
    /// A class number a row.
    Classes(&'a [i64]),
    /// `[rows, columns]`.
    Real(&'a [f32]),
}

/// Gathers a score over batches: accuracy, or the coefficient of determination R2.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Score {
    right: u64,
    answers: u64,
    residual: f64,
    /// Per column: count, sum and sum of squares of the targets.
    columns: Vec<[f64; 3]>,
    /// Of terms of the loss that have names: sum over the rows, and rows.
    terms: Vec<(String, [f64; 2])>,
    /// Of several outputs, by the name of the score.
    outputs: Vec<(String, Score)>,
    /// What users wrote.
    metrics: Metrics,
}

impl Score {
    /// Takes in the outputs `[rows, width]` of a batch. Returns the accuracy of this batch alone, where there is one.
    pub fn see(&mut self, scoring: Scoring, outputs: &[f32], width: usize, answers: Answers<'_>) -> Option<f64> {
        if !scoring.aligned {
            return None;
        }
        let (right, count) = match (scoring.task, answers) {
            (Task::Regression, Answers::Real(targets)) => {
                self.see_real(outputs, targets, width);
                return None;
            }
            (Task::Regression, Answers::Classes(classes)) => {
                let targets: Vec<f32> = classes.iter().map(|&class| class as f32).collect();
                self.see_real(outputs, &targets, width);
                return None;
            }
            (_, Answers::Classes(classes)) => (right_classes(outputs, width, classes, scoring.logits), classes.len()),
            (Task::Multiclass, Answers::Real(targets)) => {
                let rows = outputs.len() / width.max(1);
                right_answers(outputs, targets, width, targets.len() / rows.max(1))
            }
            (_, Answers::Real(targets)) => {
                let yes = |value: f32| value > scoring.threshold();
                let right =
                    outputs.iter().zip(targets).filter(|(output, target)| yes(**output) == (**target > 0.5)).count();
                (right, targets.len())
            }
        };
        self.right += right as u64;
        self.answers += count as u64;
        Some(right as f64 / count.max(1) as f64)
    }

    /// Takes in the value of a term of the loss over so many rows.
    pub(crate) fn see_term(&mut self, name: &str, value: f64, rows: usize) {
        let rows = rows as f64;
        match self.terms.iter_mut().find(|(known, _)| known == name) {
            Some((_, term)) => *term = [term[0] + value * rows, term[1] + rows],
            None => self.terms.push((name.to_owned(), [value * rows, rows])),
        }
    }

    /// Takes in a batch for the metrics that were given.
    pub(crate) fn see_metrics(&mut self, given: &Metrics, batch: &MetricBatch<'_>) {
        self.metrics.see(given, batch);
    }

    /// The score of one of several outputs.
    pub(crate) fn of_output(&mut self, name: String) -> &mut Self {
        let at = self.outputs.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
            self.outputs.push((name, Self::default()));
            self.outputs.len() - 1
        });
        &mut self.outputs[at].1
    }

    /// Means of the terms of the loss, scores of the outputs, and metrics, by name: `species_loss`, `species_accuracy`; with `prefix` before them.
    #[must_use]
    pub fn named(&self, prefix: &str) -> Vec<(String, f64)> {
        let terms = self.terms.iter().map(|(name, [sum, rows])| (format!("{prefix}{name}_loss"), sum / rows.max(1.0)));
        let scores = self.outputs.iter().filter_map(|(name, score)| Some((format!("{prefix}{name}"), score.value()?)));
        let of_outputs = self.outputs.iter().flat_map(|(_, score)| score.metrics.values());
        let metrics = of_outputs.chain(self.metrics.values()).map(|(name, value)| (format!("{prefix}{name}"), value));
        terms.chain(scores).chain(metrics).collect()
    }

    /// The score: accuracy from 0 to 1, or R2, which is 1 for perfect answers, 0 for the mean and negative below. `None` before
    /// anything was seen, or for constant targets.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        if self.answers > 0 {
            return Some(self.right as f64 / self.answers as f64);
        }
        let spread: f64 = self.columns.iter().map(|[count, sum, squares]| squares - sum * sum / count.max(1.0)).sum();
        (spread > 0.0).then(|| 1.0 - self.residual / spread)
    }

    fn see_real(&mut self, outputs: &[f32], targets: &[f32], width: usize) {
        self.columns.resize(width, [0.0; 3]);
        for (output, target) in outputs.chunks(width.max(1)).zip(targets.chunks(width.max(1))) {
            for ((column, &p), &t) in self.columns.iter_mut().zip(output).zip(target) {
                let t = f64::from(t);
                self.residual += (f64::from(p) - t).powi(2);
                *column = [column[0] + 1.0, column[1] + t, column[2] + t * t];
            }
        }
    }
}

/// How many classes are right, and of how many, where targets come as numbers: a class for each of several time steps (below 0: none is
/// known), or the share of each class, of which the largest is meant.
fn right_answers(outputs: &[f32], targets: &[f32], width: usize, columns: usize) -> (usize, usize) {
    if columns == width {
        let classes: Vec<i64> = targets.chunks(width.max(1)).map(|row| largest(row) as i64).collect();
        return (right_classes(outputs, width, &classes, false), classes.len());
    }
    let known = targets.iter().filter(|&&class| class >= 0.0).count();
    let classes: Vec<i64> = targets.iter().map(|&class| if class >= 0.0 { class as i64 } else { -1 }).collect();
    (right_classes(outputs, width / columns.max(1), &classes, false), known)
}

/// The place of the largest value.
fn largest(row: &[f32]) -> usize {
    row.iter().enumerate().fold(0, |best, (place, value)| if *value > row[best] { place } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accuracy_counts_right_classes_over_all_batches() {
        let scoring = Scoring::new(Task::Multiclass, Some(LossTakes::Logits));
        let mut score = Score::default();
        let first = score.see(scoring, &[0.1, 0.9, 2.0, -1.0], 2, Answers::Classes(&[1, 1]));
        assert_eq!(first, Some(0.5));
        score.see(scoring, &[f32::NAN, 1.0, 3.0, 4.0], 2, Answers::Classes(&[1, 1]));
        assert_eq!(score.value(), Some(0.75));
    }

    #[test]
    fn a_single_output_says_yes_above_its_threshold() {
        let accuracy = |logits, output| {
            let scoring = Scoring { task: Task::Binary, logits, aligned: true };
            Score::default().see(scoring, &[output], 1, Answers::Classes(&[1]))
        };
        assert_eq!(accuracy(true, 0.2), Some(1.0));
        assert_eq!(accuracy(false, 0.2), Some(0.0));
    }

    #[test]
    fn r2_is_one_for_perfect_answers_and_zero_for_the_mean() {
        let scoring = Scoring::new(Task::Regression, None);
        let r2 = |outputs: &[f32]| {
            let mut score = Score::default();
            score.see(scoring, outputs, 1, Answers::Real(&[1.0, 2.0, 3.0]));
            score.value()
        };
        assert_eq!(r2(&[1.0, 2.0, 3.0]), Some(1.0));
        assert_eq!(r2(&[2.0, 2.0, 2.0]), Some(0.0));
        assert!(r2(&[3.0, 2.0, 1.0]).is_some_and(|r2| r2 < 0.0));
    }
}
