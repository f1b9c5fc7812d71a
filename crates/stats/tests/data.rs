//! Inputs and targets over an epoch.
use barograph_stats::Options;
use barograph_stats::{
    Columns, Elements, ElementsError, NeighbourSample, SAMPLE_ROWS, TargetBatch, Targets, reference,
};
use proptest::prelude::*;

/// Numbers that look random and are the same everywhere.
fn noise(at: usize) -> f64 {
    let mixed = (at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((mixed ^ (mixed >> 29)) >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
}

/// Rows of twenty values, of which about so many in a hundred are not finite.
fn table(bad: u32) -> impl Strategy<Value = Vec<Vec<f64>>> {
    let value = prop_oneof![
        80 => -1e3..1e3,
        20 => Just(7.0),
        bad => prop_oneof![Just(f64::NAN), Just(f64::NEG_INFINITY)],
    ];
    prop::collection::vec(prop::collection::vec(value, 20), 0..40)
}

proptest! {
    #[test]
    fn columns_agree_with_readings_of_each_column(
        features in 1_usize..17,
        rows in prop_oneof![table(0), table(1), table(20)],
        batch in 1_usize..9,
    ) {
        let mut columns = Columns::new(features);
        let flat: Vec<f64> = rows.iter().flat_map(|row| row[..features].iter().copied()).collect();
        let numbers: Vec<u64> = (100..100 + rows.len() as u64).collect();
        for (values, numbers) in flat.chunks(batch * features).zip(numbers.chunks(batch)) {
            columns.add(Elements::contiguous(values), numbers).unwrap();
        }
        let summary = columns.summary();
        let whole = reference::read(&flat, Options::default());
        prop_assert!((summary.rms - whole.rms()).abs() <= 1e-9 * whole.rms());
        prop_assert_eq!(summary.abs_max, whole.abs_max);
        let bad: Vec<u64> = rows.iter().zip(&numbers)
            .filter(|(row, _)| row[..features].iter().any(|x| !x.is_finite())).map(|(_, number)| *number).collect();
        prop_assert_eq!(summary.bad_rows, bad.len() as u64);
        prop_assert_eq!(&summary.bad_row_examples, &bad[..bad.len().min(16)]);
        let mut constant = 0;
        for feature in 0..features {
            let column: Vec<f64> = rows.iter().map(|row| row[feature]).collect();
            let reading = reference::read(&column, Options::default());
            prop_assert!((summary.means[feature] - reading.mean).abs() <= 1e-9 * reading.abs_max);
            prop_assert!((summary.scales[feature] - reading.std()).abs() <= 1e-9 * reading.abs_max);
            prop_assert_eq!(summary.bad_column_examples.contains(&(feature as u32)), reading.non_finite() > 0);
            constant += u32::from(reading.finite() >= 2 && reading.min == reading.max);
        }
        prop_assert_eq!(summary.constant, constant);
    }

    #[test]
    fn targets_agree_with_readings(values in prop::collection::vec(-1e3..1e3, 0..60), batch in 1_usize..9) {
        let numbers: Vec<u64> = (0..values.len() as u64).collect();
        let mut targets = Targets::real(1);
        for (values, numbers) in values.chunks(batch).zip(numbers.chunks(batch)) {
            targets.add_real(Elements::contiguous(values), numbers).unwrap();
        }
        let (summary, reading) = (targets.summary(), reference::read(&values, Options::default()));
        prop_assert_eq!((summary.min, summary.max), (reading.min, reading.max));
        prop_assert!((summary.mean - reading.mean).abs() <= 1e-9 * reading.abs_max);
        prop_assert!((summary.std - reading.std()).abs() <= 1e-9 * reading.abs_max);
    }
}

#[test]
fn a_large_mean_does_not_drown_a_columns_spread() {
    let values: Vec<f64> = (0..1000).map(|at| 1e9 + f64::from(at % 2)).collect();
    let mut columns = Columns::new(1);
    columns.add(Elements::contiguous(&values), &vec![0; 1000]).unwrap();
    let summary = columns.summary();
    assert_eq!((summary.scale_min, summary.scale_median, summary.mean_abs_max), (0.5, 0.5, 1e9 + 0.5));
}

#[test]
fn an_epoch_is_forgotten() {
    let mut columns = Columns::new(1);
    columns.add(Elements::contiguous(&[f32::NAN, 3.0]), &[5, 6]).unwrap();
    assert_eq!(columns.rows(), 2);
    columns.clear();
    assert_eq!(columns.summary(), Columns::new(1).summary());
    let mut targets = Targets::classes(Some(2));
    targets.add_classes(&[7, -1, 1], &[1, 2, 3]);
    assert_eq!(targets.summary().out_of_range_examples, [1, 2]);
    targets.clear();
    assert_eq!(targets.summary(), Targets::classes(Some(2)).summary());
}

#[test]
fn sorted_classes_show_in_repeated_neighbours() {
    let classes: Vec<i64> = (0..1000).map(|row| row / 100).collect();
    let rows: Vec<u64> = (0..1000).collect();
    let mut sorted = Targets::classes(Some(10));
    sorted.add_classes(&classes, &rows);
    let summary = sorted.summary();
    assert_eq!(summary.repeated, 990.0 / 999.0);
    assert!((summary.repeated_expected - 99.0 / 999.0).abs() < 1e-12);
    assert_eq!((summary.distinct, summary.whole, summary.class_counts), (10, true, vec![100; 10]));

    let shuffled: Vec<i64> = (0..1000).map(|row| ((noise(row) + 0.5) * 10.0) as i64).collect();
    let mut random = Targets::classes(Some(10));
    random.add_classes(&shuffled, &rows);
    let summary = random.summary();
    assert!((summary.repeated - summary.repeated_expected).abs() < 0.03);
}

#[test]
fn one_hot_rows_count_as_classes() {
    let rows: Vec<u64> = (0..300).collect();
    let one_hot: Vec<f32> =
        (0..300).flat_map(|row| (0..3).map(move |class| f32::from(u8::from(row / 100 == class)))).collect();
    let mut targets = Targets::real(3);
    targets.add_real(Elements::contiguous(&one_hot), &rows).unwrap();
    let summary = targets.summary();
    assert!(summary.repeated > 0.99 && (summary.repeated_expected - 99.0 / 299.0).abs() < 1e-12);
    assert_eq!((summary.distinct, summary.whole, summary.integer, summary.columns), (2, true, false, 3));
}

#[test]
fn non_finite_targets_are_named() {
    let mut targets = Targets::real(2);
    targets.add_real(Elements::contiguous(&[1.5_f32, f32::NAN, 2.0, 3.0]), &[8, 9]).unwrap();
    let summary = targets.summary();
    assert_eq!((summary.bad_rows, summary.bad_row_examples, summary.whole), (1, vec![8], false));
    let refused = targets.add_real(Elements::contiguous(&[1.0_f32; 3]), &[1, 2]);
    assert_eq!(refused, Err(ElementsError::WrongLength { elements: 3, expected: 4 }));
    assert!(targets.add_real(Elements::contiguous(&[1.0_f32; 2]), &[1]).is_ok(), "usable after an error");
}

/// Inputs of two features, of which the first decides; the second is constant.
fn inputs(rows: usize) -> Vec<f32> {
    (0..rows).flat_map(|row| [noise(row) as f32, 5.0]).collect()
}

fn sample_of(inputs: &[f32], targets: TargetBatch<'_>, columns: usize) -> NeighbourSample {
    let rows = inputs.len() / 2;
    let mut sample = NeighbourSample::new(2, columns);
    let numbers: Vec<u64> = (0..rows as u64).collect();
    sample.add(Elements::contiguous(inputs), targets, &numbers).unwrap();
    sample
}

#[test]
fn neighbours_know_what_the_inputs_decide() {
    let inputs = inputs(1000);
    let classes: Vec<i64> = (0..1000).map(|row| i64::from(noise(row) > 0.0)).collect();
    let sample = sample_of(&inputs, TargetBatch::Classes(&classes), 1);
    assert_eq!(sample.len(), SAMPLE_ROWS);
    assert!(sample.skill().unwrap() > 0.9);
    let real: Vec<f64> = (0..1000).flat_map(|row| [noise(row) * 3.0, noise(row).powi(2)]).collect();
    assert!(sample_of(&inputs, TargetBatch::Real(Elements::contiguous(&real)), 2).skill().unwrap() > 0.9);
}

#[test]
fn neighbours_know_nothing_of_unrelated_targets() {
    let inputs = inputs(1000);
    let classes: Vec<i64> = (0..1000).map(|row| i64::from(noise(row + 5000) > 0.0)).collect();
    assert!(sample_of(&inputs, TargetBatch::Classes(&classes), 1).skill().unwrap() < 0.25);
    let real: Vec<f64> = (0..1000).map(|row| noise(row + 5000)).collect();
    assert!(sample_of(&inputs, TargetBatch::Real(Elements::contiguous(&real)), 1).skill().unwrap() < 0.0);
    assert_eq!(sample_of(&inputs, TargetBatch::Classes(&[1; 1000]), 1).skill(), None, "nothing to tell");
    assert_eq!(sample_of(&[5.0; 2000], TargetBatch::Classes(&classes), 1).skill(), Some(0.0), "nothing to tell by");
    assert_eq!(sample_of(&inputs[..20], TargetBatch::Classes(&classes[..10]), 1).skill(), None, "too few rows");
}

#[test]
fn the_sample_does_not_depend_on_order_or_repetition() {
    let inputs = inputs(1000);
    let classes: Vec<i64> = (0..1000).map(|row| i64::from(noise(row) > 0.2)).collect();
    let forward = sample_of(&inputs, TargetBatch::Classes(&classes), 1);
    let mut backward = NeighbourSample::new(2, 1);
    for _ in 0..2 {
        for row in (0..1000).rev() {
            let values = &inputs[row * 2..][..2];
            backward
                .add(Elements::contiguous(values), TargetBatch::Classes(&classes[row..=row]), &[row as u64])
                .unwrap();
        }
    }
    assert_eq!((forward.len(), forward.skill()), (backward.len(), backward.skill()));
}

#[test]
fn rows_that_are_not_finite_stay_out_of_the_sample() {
    let mut inputs = inputs(100);
    inputs[0] = f32::NAN;
    assert_eq!(sample_of(&inputs, TargetBatch::Classes(&[1; 100]), 1).len(), 99);
    let mut sample = NeighbourSample::new(2, 1);
    let refused = sample.add(Elements::contiguous(&inputs), TargetBatch::Classes(&[1; 99]), &[0; 100]);
    assert!(refused.is_err() && sample.is_empty());
}
