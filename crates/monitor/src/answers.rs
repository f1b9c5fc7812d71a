//! What the outputs of a network say of one batch.
use crate::TargetRows;

/// What the outputs of a batch come down to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Answers {
    /// Mean over the batch of the sum of an output row, and the largest distance of one from 1; for two outputs or more.
    pub row_sums: Option<(f64, f64)>,
    /// Share of the rows (or of all yes/no answers) that are right, for targets that are classes.
    pub accuracy: Option<f64>,
    /// Coefficient of determination within the batch, for real targets that differ.
    pub r2: Option<f64>,
}

/// Reads the outputs `[rows, width]` of a batch. `logits` says whether a single output answers yes above 0, or else above 0.5.
#[must_use]
pub fn read_answers(outputs: &[f32], width: usize, targets: Option<TargetRows<'_>>, logits: bool) -> Answers {
    let row_sums = (width > 1).then(|| row_sums(outputs, width));
    let mut answers = Answers { row_sums, ..Answers::default() };
    match targets {
        Some(TargetRows::Classes { classes, .. }) if classes.len() * width == outputs.len() => {
            let right = right_classes(outputs, width, classes, logits);
            answers.accuracy = Some(right as f64 / classes.len().max(1) as f64);
        }
        Some(TargetRows::Real { values, .. }) if values.len() == outputs.len() => {
            if values.iter().all(|value| *value == 0.0 || *value == 1.0) {
                answers.accuracy = Some(right_yes_or_no(outputs, width, values, logits));
            } else {
                answers.r2 = r2(outputs, values, width);
            }
        }
        _ => {}
    }
    answers
}

/// The mean of the rows' sums, and the largest distance of one from 1.
#[must_use]
pub fn row_sums(values: &[f32], width: usize) -> (f64, f64) {
    let (mut total, mut worst, mut rows) = (0.0, 0.0_f64, 0.0);
    for row in values.chunks(width.max(1)) {
        let sum: f64 = row.iter().map(|&value| f64::from(value)).sum();
        total += sum;
        // `max` would pass over a NaN.
        worst = if (sum - 1.0).abs() <= worst { worst } else { (sum - 1.0).abs() };
        rows += 1.0;
    }
    (total / f64::max(rows, 1.0), worst)
}

/// Rows whose largest output (or whose single output, against its threshold) is that of their class.
#[must_use]
pub fn right_classes(outputs: &[f32], width: usize, classes: &[i64], logits: bool) -> usize {
    let answers = outputs.chunks(width.max(1)).map(|row| match row {
        [single] => i64::from(*single > threshold(logits)),
        _ => largest(row) as i64,
    });
    answers.zip(classes).filter(|(answer, class)| answer == *class).count()
}

/// Targets of zeros and ones: one of each row is a class in one-hot form, otherwise every element is an answer of its own.
fn right_yes_or_no(outputs: &[f32], width: usize, values: &[f32], logits: bool) -> f64 {
    let rows = outputs.chunks(width.max(1)).zip(values.chunks(width.max(1)));
    if width > 1 && values.chunks(width).all(|row| row.iter().sum::<f32>() == 1.0) {
        let right = rows.clone().filter(|(output, target)| largest(output) == largest(target)).count();
        return right as f64 / rows.len().max(1) as f64;
    }
    let right = outputs.iter().zip(values).filter(|(p, t)| (**p > threshold(logits)) == (**t > 0.5)).count();
    right as f64 / values.len().max(1) as f64
}

/// One less the squared error over the squared distance from the batch's own mean, summed over the columns.
fn r2(outputs: &[f32], values: &[f32], width: usize) -> Option<f64> {
    let rows = (values.len() / width.max(1)) as f64;
    let (mut residual, mut spread) = (0.0, 0.0);
    for column in 0..width {
        let of_column = |all: &'_ [f32]| -> Vec<f64> {
            all.iter().skip(column).step_by(width).map(|value| f64::from(*value)).collect()
        };
        let (p, t) = (of_column(outputs), of_column(values));
        let mean = t.iter().sum::<f64>() / rows;
        residual += p.iter().zip(&t).map(|(p, t)| (p - t).powi(2)).sum::<f64>();
        spread += t.iter().map(|t| (t - mean).powi(2)).sum::<f64>();
    }
    (spread > 0.0).then(|| 1.0 - residual / spread)
}

const fn threshold(logits: bool) -> f32 {
    if logits { 0.0 } else { 0.5 }
}

/// The place of the largest value; NaN is never the largest.
fn largest(row: &[f32]) -> usize {
    let mut best = 0;
    for (place, &value) in row.iter().enumerate() {
        if value > row[best] || row[best].is_nan() {
            best = place;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASSES: TargetRows<'_> = TargetRows::Classes { classes: &[1, 0], outputs: 2 };

    #[test]
    fn rows_that_are_distributions_sum_to_one() {
        let answers = read_answers(&[0.25, 0.75, 0.5, 0.5], 2, Some(CLASSES), false);
        assert_eq!(answers, Answers { row_sums: Some((1.0, 0.0)), accuracy: Some(1.0), r2: None });
    }

    #[test]
    fn one_hot_targets_are_classes_and_others_yes_or_no() {
        let real = |values, columns| Some(TargetRows::Real { values, columns });
        let accuracy = |outputs: &[f32], targets| read_answers(outputs, 2, targets, false).accuracy;
        assert_eq!(accuracy(&[0.4, 0.3, 0.1, 0.2], real(&[1.0, 0.0, 1.0, 0.0], 2)), Some(0.5));
        assert_eq!(accuracy(&[0.9, 0.8, 0.1, 0.2], real(&[1.0, 1.0, 0.0, 1.0], 2)), Some(0.75));
    }

    #[test]
    fn real_targets_have_an_r2_unless_they_are_constant() {
        let r2 =
            |outputs: &[f32], values| read_answers(outputs, 1, Some(TargetRows::Real { values, columns: 1 }), false).r2;
        assert_eq!(r2(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]), Some(1.0));
        assert_eq!(r2(&[2.0, 2.0, 2.0], &[1.0, 2.0, 3.0]), Some(0.0));
        assert_eq!(r2(&[1.0, 2.0], &[5.0, 5.0]), None);
    }

    #[test]
    fn targets_of_another_shape_are_left_alone() {
        let answers = read_answers(&[0.5; 6], 3, Some(TargetRows::Real { values: &[2.0, 3.0], columns: 1 }), false);
        assert_eq!((answers.accuracy, answers.r2), (None, None));
    }
}
