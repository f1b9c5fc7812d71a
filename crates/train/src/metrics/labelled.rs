//! Outputs beside what is right, for measures of classes.
use super::{Answers, Scoring, largest};
use crate::metric::MetricBatch;
use crate::recipe::Task;

/// A question with one right class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Labelled<'a> {
    /// A score for each class; for yes or no, one alone.
    pub(super) scores: &'a [f32],
    /// The right class.
    pub(super) class: usize,
}

impl Labelled<'_> {
    /// The class that the scores speak for. A NaN is never the largest.
    pub(super) fn said(&self, scoring: Scoring) -> usize {
        match self.scores {
            [single] => usize::from(*single > scoring.threshold()),
            scores => {
                let size = |class: usize| if scores[class].is_nan() { f32::NEG_INFINITY } else { scores[class] };
                (1..scores.len()).fold(0, |best, class| if size(class) > size(best) { class } else { best })
            }
        }
    }
}

/// Every question of a batch whose class is known: one a row, or one for each of several time steps.
pub(super) fn labelled<'a>(scoring: Scoring, batch: &MetricBatch<'a>) -> Vec<Labelled<'a>> {
    if !scoring.aligned || scoring.task == Task::Regression || batch.width == 0 {
        return Vec::new();
    }
    let of = |(scores, class): (&'a [f32], i64)| Some(Labelled { scores, class: usize::try_from(class).ok()? });
    match batch.targets {
        Answers::Classes(classes) => {
            batch.outputs.chunks(batch.width).zip(classes.iter().copied()).filter_map(of).collect()
        }
        Answers::Real(targets) => {
            let columns = targets.len() / batch.rows().max(1);
            if columns == batch.width && columns > 1 {
                // The share of each class.
                let shares = targets.chunks(columns).map(|row| largest(row) as i64);
                return batch.outputs.chunks(batch.width).zip(shares).filter_map(of).collect();
            }
            let classes = targets.iter().map(|&class| if class >= 0.0 { class as i64 } else { -1 });
            batch.outputs.chunks((batch.width / columns.max(1)).max(1)).zip(classes).filter_map(of).collect()
        }
    }
}

/// For labels of which any number can be right: the place of each, its score, and whether it is right.
pub(super) fn flagged(scoring: Scoring, batch: &MetricBatch<'_>) -> impl Iterator<Item = (usize, f32, bool)> {
    let targets = match batch.targets {
        Answers::Real(targets) if scoring.task == Task::Multilabel => targets,
        _ => &[],
    };
    let width = batch.width.max(1);
    let pairs = batch.outputs.iter().zip(targets).enumerate();
    pairs.map(move |(place, (score, target))| (place % width, *score, *target > 0.5))
}
