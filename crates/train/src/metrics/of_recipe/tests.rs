//! Held against scikit-learn, by `reference.py` in this folder.
use super::*;
use crate::metric::MetricBatch;
use crate::metrics::{Answers, Score};
use crate::recipe::Task;

const OF_CLASSES: [MetricKind; 4] = [MetricKind::Precision, MetricKind::Recall, MetricKind::F1, MetricKind::Auc];

const OF_NUMBERS: [MetricKind; 5] =
    [MetricKind::Mae, MetricKind::Mse, MetricKind::Rmse, MetricKind::MaxError, MetricKind::Mape];

fn scoring(task: Task) -> Scoring {
    Scoring { task, logits: true, aligned: true }
}

/// What the metrics say of batches of seven rows, with the state of those before carried over as a backup does.
fn measured(
    kinds: &[MetricKind],
    scoring: Scoring,
    scaling: &Scaling,
    outputs: &[f32],
    width: usize,
    targets: Answers<'_>,
) -> Vec<(String, f64)> {
    const ROWS: usize = 7;
    let given = Metrics::of_recipe(kinds, "a_", scoring, scaling);
    let mut score = Score::default();
    for (number, outputs) in outputs.chunks(ROWS * width).enumerate() {
        let rows = outputs.len() / width;
        let targets = match targets {
            Answers::Classes(classes) => Answers::Classes(&classes[number * ROWS..number * ROWS + rows]),
            Answers::Real(values) => {
                let columns = values.len() / 40;
                Answers::Real(&values[number * ROWS * columns..(number * ROWS + rows) * columns])
            }
        };
        score.see_metrics(&given, &MetricBatch { outputs, width, targets });
        score = serde_json::from_str(&serde_json::to_string(&score).unwrap()).unwrap();
    }
    // A backup holds what was gathered until the next batch; one without rows brings it back.
    score.see_metrics(&given, &MetricBatch { outputs: &[], width, targets: Answers::Classes(&[]) });
    score.named("")
}

#[track_caller]
fn assert_close(found: &[(String, f64)], kinds: &[MetricKind], expected: &[f64]) {
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, kinds.iter().map(|kind| format!("a_{}", kind.name())).collect::<Vec<_>>());
    for ((name, found), expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 2e-5 * expected.abs().max(1.0), "{name}: {found}, not {expected}");
    }
}

#[test]
fn several_classes() {
    let place = |place: usize, class: usize| (place as f64 * 1.7 + class as f64 * 0.9).sin() as f32;
    let row = |row: usize| (0..4).map(move |class| place(row, class) - if class == 3 { 9.0 } else { 0.0 });
    let outputs: Vec<f32> = (0..40).flat_map(row).collect();
    let classes: Vec<i64> = (0..40).map(|row| row * 7 % 3).collect();
    let task = scoring(Task::Multiclass);
    let found = measured(&OF_CLASSES, task, &Scaling::default(), &outputs, 4, Answers::Classes(&classes));
    assert_close(&found, &OF_CLASSES, &[0.323_965, 0.298_535, 0.289_352, 0.478_056]);
    // The same, where each row is a sequence of one time step.
    let steps: Vec<f32> = classes.iter().map(|&class| class as f32).collect();
    assert_eq!(measured(&OF_CLASSES, task, &Scaling::default(), &outputs, 4, Answers::Real(&steps)), found);
}

#[test]
fn yes_or_no() {
    let outputs: Vec<f32> = (0..40).map(|row| ((f64::from(row) * 1.3).sin() * 10.0).round() as f32 / 10.0).collect();
    let classes: Vec<i64> = (0..40).map(|row| i64::from(row % 5 < 2)).collect();
    let (task, answers) = (scoring(Task::Binary), Answers::Classes(&classes));
    let found = measured(&OF_CLASSES, task, &Scaling::default(), &outputs, 1, answers);
    assert_close(&found, &OF_CLASSES, &[0.75, 0.9375, 0.833_333, 0.964_844]);
    // Two outputs whose difference is the one above. At 0 the first class is said in either case.
    let two: Vec<f32> = outputs.iter().flat_map(|score| [1.0 - score / 2.0, 1.0 + score / 2.0]).collect();
    assert_close(
        &measured(&OF_CLASSES, task, &Scaling::default(), &two, 2, answers),
        &OF_CLASSES,
        &[0.75, 0.9375, 0.833_333, 0.964_844],
    );
}

#[test]
fn several_labels() {
    let outputs: Vec<f32> = (0..120).map(|place| (f64::from(place) * 0.7).cos() as f32).collect();
    let targets: Vec<f32> = (0..120u8).map(|place| f32::from(u8::from(place % 7 < 3))).collect();
    let task = scoring(Task::Multilabel);
    let found = measured(&OF_CLASSES, task, &Scaling::default(), &outputs, 3, Answers::Real(&targets));
    assert_close(&found, &OF_CLASSES, &[0.443_783, 0.556_645, 0.485_454, 0.519_608]);
}

#[test]
fn numbers_in_the_unit_of_their_targets() {
    let outputs: Vec<f32> = (0..80).map(|place| (f64::from(place) * 0.9).sin() as f32 * 3.0).collect();
    let targets: Vec<f32> = (0..80).map(|place| (f64::from(place) * 0.4).cos() as f32 * 3.0 + 4.0).collect();
    let task = scoring(Task::Regression);
    let expected = [4.234_321, 24.458_296, 4.945_533, 9.977_688, 116.688_564];
    let plain = Scaling::default();
    assert_close(&measured(&OF_NUMBERS, task, &plain, &outputs, 2, Answers::Real(&targets)), &OF_NUMBERS, &expected);
    let scaling = Scaling { scale: vec![0.25, 2.0], shift: vec![-1.0, 3.0] };
    let scaled = |values: &[f32]| {
        let mut values = values.to_vec();
        scaling.apply(&mut values);
        values
    };
    let (outputs, targets) = (scaled(&outputs), scaled(&targets));
    assert_close(&measured(&OF_NUMBERS, task, &scaling, &outputs, 2, Answers::Real(&targets)), &OF_NUMBERS, &expected);
}

#[test]
fn the_five_best_are_enough() {
    let kinds = [MetricKind::TopFiveAccuracy];
    // Of seven classes the scores fall from the first to the last; the right class is each in turn.
    let outputs: Vec<f32> = (0..280u16).map(|place| -f32::from(place % 7)).collect();
    let classes: Vec<i64> = (0..40).map(|row| row % 7).collect();
    let found =
        measured(&kinds, scoring(Task::Multiclass), &Scaling::default(), &outputs, 7, Answers::Classes(&classes));
    assert_close(&found, &kinds, &[30.0 / 40.0]);
}

#[test]
fn what_is_not_finite_is_never_a_good_answer() {
    let nan = f32::NAN;
    let outputs = [0.0, nan, nan, nan, 0.0, nan];
    let of = |kind| {
        let given = Metrics::of_recipe(&[kind], "", scoring(Task::Multiclass), &Scaling::default());
        let mut score = Score::default();
        score.see_metrics(&given, &MetricBatch { outputs: &outputs, width: 3, targets: Answers::Classes(&[2, 2]) });
        score.named("").first().map(|(_, value)| *value)
    };
    // Where there is one class alone, it is not told from others.
    let found = [MetricKind::F1, MetricKind::TopFiveAccuracy, MetricKind::Auc].map(of);
    assert_eq!(found, [Some(0.0), Some(0.0), None]);
    let given = Metrics::of_recipe(&OF_NUMBERS, "", scoring(Task::Regression), &Scaling::default());
    let mut score = Score::default();
    for outputs in [[1.0, nan], [5.0, 6.0]] {
        score.see_metrics(&given, &MetricBatch { outputs: &outputs, width: 1, targets: Answers::Real(&[1.0, 2.0]) });
    }
    assert!(score.named("").iter().all(|(_, value)| value.is_nan()), "{:?}", score.named(""));
}

#[test]
fn answers_that_are_not_known_are_left_out() {
    let given = Metrics::of_recipe(&[MetricKind::Recall], "", scoring(Task::Multiclass), &Scaling::default());
    let mut score = Score::default();
    // One row of three time steps with two classes each; the last one only fills up.
    let (outputs, targets) = ([0.0, 1.0, 1.0, 0.0, 1.0, 0.0], [1.0, 0.0, -1.0]);
    score.see_metrics(&given, &MetricBatch { outputs: &outputs, width: 6, targets: Answers::Real(&targets) });
    assert_eq!(score.named(""), [("recall".to_owned(), 1.0)]);
}
