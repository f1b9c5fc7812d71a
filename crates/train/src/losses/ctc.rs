//! Connectionist temporal classification (Graves et al., 2006): the likelihood of labels without knowing when each is said.
//!
//! Forward and backward variables are kept as logarithms, in double precision, and the derivative is the paper's equation 16:
//! `softmax(x) - posterior`. The labels have a blank before, between and after them; a path may pass over a blank only between two
//! different labels.
use super::TargetTensor;
use barograph_burn::ops::{self, RowValues};
use barograph_burn::to_vec;
use burn::prelude::*;

/// `-ln` of the probability that `[time, classes]` scores spell the labels, one term an example. Infinite, with a derivative of 0, where the
/// labels do not fit the time steps.
pub(super) fn of_logits(logits: Tensor<2>, targets: &TargetTensor, classes: usize, blank: usize) -> Tensor<2> {
    let labels = targets.rows();
    let blank = blank.min(classes.saturating_sub(1));
    ops::row_function("ctc", logits, |values, [rows, width]| {
        let mut terms = RowValues { values: Vec::with_capacity(rows), derivatives: Vec::with_capacity(values.len()) };
        for row in 0..rows {
            let scores = &values[row * width..(row + 1) * width];
            let labels = labels.get(row).map_or(&[][..], Vec::as_slice);
            match spelled(labels, classes, blank) {
                Some(labels) => one(scores, &labels, classes, blank, &mut terms),
                None => {
                    terms.values.push(f64::NAN);
                    terms.derivatives.extend(std::iter::repeat_n(f64::NAN, width));
                }
            }
        }
        terms
    })
}

/// Time steps that an alignment of the labels needs: one each, and one for the blank between two equal ones.
pub(crate) fn steps_needed(labels: &[usize]) -> usize {
    labels.len() + labels.windows(2).filter(|pair| pair[0] == pair[1]).count()
}

/// The labels of a row without what fills it up; `None` when one is no class.
pub(crate) fn spelled(row: &[f32], classes: usize, blank: usize) -> Option<Vec<usize>> {
    let labels = row.iter().filter(|&&label| label.is_nan() || (label >= 0.0 && label != blank as f32));
    let known = |label: &f32| (label.fract() == 0.0 && *label < classes as f32).then_some(*label as usize);
    labels.map(known).collect()
}

fn one(scores: &[f64], labels: &[usize], classes: usize, blank: usize, terms: &mut RowValues) {
    let time = scores.len() / classes.max(1);
    let log_p = log_softmax(scores, classes);
    // Blank, label, blank, label, ..., blank.
    let path: Vec<usize> =
        (0..=2 * labels.len()).map(|place| if place % 2 == 1 { labels[place / 2] } else { blank }).collect();
    let skips = |place: usize| place >= 2 && path[place] != blank && path[place] != path[place - 2];
    let length = path.len();
    let mut forward = vec![f64::NEG_INFINITY; time * length];
    for step in 0..time {
        for place in 0..length {
            let before = if step == 0 {
                if place < 2 { 0.0 } else { f64::NEG_INFINITY }
            } else {
                let last = &forward[(step - 1) * length..step * length];
                let [stay, next] =
                    [Some(place), place.checked_sub(1)].map(|at| at.map_or(f64::NEG_INFINITY, |at| last[at]));
                let skip = if skips(place) { last[place - 2] } else { f64::NEG_INFINITY };
                log_sum([stay, next, skip])
            };
            forward[step * length + place] = before + log_p[step * classes + path[place]];
        }
    }
    // `backward` leaves out the score of its own step.
    let mut backward = vec![f64::NEG_INFINITY; time * length];
    for step in (0..time).rev() {
        for place in 0..length {
            backward[step * length + place] = if step + 1 == time {
                if place + 2 >= length { 0.0 } else { f64::NEG_INFINITY }
            } else {
                let next = |at: usize| backward[(step + 1) * length + at] + log_p[(step + 1) * classes + path[at]];
                let go = if place + 1 < length { next(place + 1) } else { f64::NEG_INFINITY };
                let skip = if place + 2 < length && skips(place + 2) { next(place + 2) } else { f64::NEG_INFINITY };
                log_sum([next(place), go, skip])
            };
        }
    }
    let ends = |place: Option<usize>| {
        let last = time.checked_sub(1).zip(place);
        last.map_or(f64::NEG_INFINITY, |(step, place)| forward[step * length + place])
    };
    let total = log_sum([ends(length.checked_sub(1)), ends(length.checked_sub(2)), f64::NEG_INFINITY]);
    terms.values.push(-total);
    let mut derivative: Vec<f64> = log_p.iter().map(|log_p| log_p.exp()).collect();
    if total == f64::NEG_INFINITY {
        derivative.fill(0.0);
    } else {
        for step in 0..time {
            for (place, &class) in path.iter().enumerate() {
                let at = step * length + place;
                derivative[step * classes + class] -= (forward[at] + backward[at] - total).exp();
            }
        }
    }
    terms.derivatives.extend(derivative);
    // What does not make a whole time step is not looked at.
    terms.derivatives.extend(std::iter::repeat_n(0.0, scores.len() - time * classes));
}

/// The logarithm of the softmax of each time step.
fn log_softmax(scores: &[f64], classes: usize) -> Vec<f64> {
    let mut log_p = Vec::with_capacity(scores.len());
    for step in scores.chunks_exact(classes.max(1)) {
        let largest = step.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = step.iter().map(|&score| (score - largest).exp()).sum();
        log_p.extend(step.iter().map(|&score| score - largest - sum.ln()));
    }
    log_p
}

/// `ln(e^a + e^b + e^c)`; of three zeros it is the logarithm of 0.
fn log_sum(terms: [f64; 3]) -> f64 {
    let largest = terms.into_iter().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY && !terms.iter().any(|term| term.is_nan()) {
        return largest;
    }
    largest + terms.into_iter().map(|term| (term - largest).exp()).sum::<f64>().ln()
}

impl TargetTensor {
    /// The numbers of each row; a class is one.
    fn rows(&self) -> Vec<Vec<f32>> {
        match self {
            Self::Classes(classes) => classes.iter().map(|&class| vec![class as f32]).collect(),
            Self::Real(values) => {
                let columns = values.dims()[1].max(1);
                to_vec(values).chunks(columns).map(<[f32]>::to_vec).collect()
            }
        }
    }
}
