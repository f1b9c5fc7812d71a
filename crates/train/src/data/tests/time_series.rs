//! Windows over a time series.
use super::*;
use crate::prepare::prepare;

use std::collections::BTreeSet;

/// Rows `0..count` whose columns are the row's number, its tenfold and its hundredfold.
fn series(count: usize) -> String {
    let mut text = "date,load,heat,price\n".to_owned();
    for row in 0..count {
        let _ = writeln!(text, "d{row},{row},{row}0,{row}00");
    }
    text
}

fn windows(inputs: &[&str], target: &[&str], [length, ahead, horizon, stride]: [u64; 4]) -> Recipe {
    let mut recipe = recipe(inputs, target, LossKind::Mse, 1);
    recipe.data.examples = Examples::Windows { length, ahead, horizon, stride };
    recipe
}

/// Inputs and targets of a window.
fn window(source: &dyn RowSource, number: usize) -> (Vec<f32>, Vec<f32>) {
    let mut inputs = Vec::new();
    source.inputs(&[number], &mut inputs).expect("read");
    match source.targets(&[number]).expect("read") {
        Targets::Real { values, .. } => (inputs, values),
        Targets::Classes(classes) => (inputs, classes.into_iter().map(|class| class as f32).collect()),
    }
}

#[test]
fn a_window_holds_its_past_and_what_comes_after() {
    let folder = Folder::with("a.csv", series(10));
    let open = |recipe: &Recipe| read(&folder.file, recipe).expect("read").dataset;
    let next = open(&windows(&["load", "heat"], &["load"], [3, 1, 1, 1]));
    assert_eq!((next.rows(), next.features()), (7, 6));
    assert_eq!(window(&next, 6), (vec![6.0, 60.0, 7.0, 70.0, 8.0, 80.0], vec![9.0]));
    assert_eq!(next.feature_name(0), "load[-2]");
    assert_eq!(next.feature_name(5), "heat[0]");

    let far = open(&windows(&["load"], &["load", "price"], [2, 3, 2, 2]));
    assert_eq!(far.rows(), 3, "the last begins at row 4 and answers rows 8 and 9");
    assert_eq!(window(&far, 2), (vec![4.0, 5.0], vec![8.0, 800.0, 9.0, 900.0]));

    let now = open(&windows(&["load", "heat"], &["price"], [4, 0, 1, 3]));
    assert_eq!(now.rows(), 3);
    assert_eq!(window(&now, 2), (vec![6.0, 60.0, 7.0, 70.0, 8.0, 80.0, 9.0, 90.0], vec![900.0]));

    let past = open(&windows(&["!date"], &["price"], [1, 1, 1, 1]));
    assert_eq!(window(&past, 0), (vec![0.0, 0.0, 0.0], vec![100.0]), "the past of the target is an input");
}

#[test]
fn what_no_window_can_be_made_of_is_said() {
    let folder = Folder::with("a.csv", series(10));
    let said = |mut recipe: Recipe, validation: f64| {
        recipe.data.validation = validation;
        folder.without_folder(&read(&folder.file, &recipe).expect_err("impossible").to_string())
    };
    let mut labels = windows(&["load"], &["date"], [2, 1, 2, 1]);
    labels.loss = LossKind::CrossEntropy.into();
    let said = [
        said(windows(&["load"], &["load"], [9, 1, 2, 1]), 0.0),
        said(windows(&["load"], &["load"], [6, 1, 1, 1]), 0.5),
        said(windows(&["price"], &["price"], [3, 0, 1, 1]), 0.0),
        said(labels, 0.0),
    ]
    .join("\n");
    insta::assert_snapshot!(said);
    let text = "[data]\nimage = [1, 2, 2]\nexamples = { kind = \"windows\" }\n[[layers]]\nkind = \"dense\"\nunits = 1\n[loss]\nkind = \"mse\"\n";
    insta::assert_snapshot!(Recipe::parse(text, "a.toml").expect_err("wrong"), @"a.toml:3: data.examples (windows) has no length; add length = ...");
    let text = text.replace("\"windows\"", "\"windows\", length = 2");
    insta::assert_snapshot!(Recipe::parse(&text, "a.toml").expect_err("wrong"), @r#"a.toml:2: data.image does not go with examples of the kind "windows": their shape is known; take it out"#);
}

#[test]
fn scales_are_those_of_a_column_and_come_from_before_the_cut() {
    let folder = Folder::with("a.csv", series(102));
    let mut recipe = windows(&["load", "heat"], &["price"], [2, 1, 1, 1]);
    recipe.data.validation = 0.5;
    recipe.data.normalize = Normalize::MinMax;
    recipe.data.normalize_target = Normalize::MinMax;
    let data = read(&folder.file, &recipe).expect("read").dataset;
    let prepared = prepare(&data, &recipe, None).expect("ready");
    let last = *prepared.training.last().expect("some");
    assert_eq!((prepared.validation[0], last), (50, 47), "window 47 ends with row 49, and 50 begins with row 50");
    let rows = last as f32 + 1.0;
    assert_eq!(prepared.rows.inputs.scale, [1.0 / rows, 0.1 / rows, 1.0 / rows, 0.1 / rows]);
    assert_eq!(prepared.rows.targets.scale.len(), 1);
    let (inputs, _) = window(&prepared.rows, last);
    assert!(inputs.iter().all(|value| (0.0..=1.0).contains(value)), "{inputs:?}");
    let (inputs, targets) = window(&prepared.rows, 98);
    assert!(inputs[0] > 1.9 && targets[0] > 1.9, "the future was not looked at: {inputs:?} {targets:?}");
}

#[test]
fn windows_of_a_streamed_file_are_the_same() {
    let folder = Folder::with("a.csv", series(40));
    let recipe = windows(&["load", "heat"], &["price"], [5, 2, 2, 3]);
    let memory = read(&folder.file, &recipe).expect("read").dataset;
    let mut streamed = recipe.clone();
    streamed.data.stream = true;
    let disk = read(&folder.file, &streamed).expect("read").dataset;
    assert!(disk.is_slow());
    for number in (0..memory.rows()).rev() {
        assert_eq!(window(&disk, number), window(&memory, number));
    }
}

#[test]
fn rules_see_what_is_wrong_with_windows() {
    let mut text = "load,price\n".to_owned();
    for row in 0..100 {
        let _ = writeln!(text, "0.000{},{}", row % 7, row % 5);
    }
    let folder = Folder::with("a.csv", text);
    let mut recipe = windows(&["load"], &["price"], [3, 1, 1, 1]);
    recipe.layers.insert(0, LayerSpec::flatten());
    let found = super::streaming::found(&folder.file, &recipe);
    assert!(found.iter().any(|name| name == "inputs-nearly-constant"), "{found:?}");
}

proptest! {
    #[test]
    fn no_row_of_a_window_that_is_held_out_is_seen_in_training(
        rows in 1..120_usize, length in 1..6_usize, ahead in 0..4_usize, horizon in 1..4_usize, stride in 1..5_usize, share in 0.0..0.9_f64,
    ) {
        let data = Dataset::new(vec![0.0; rows], 1, Targets::Real { values: vec![0.0; rows], columns: 1 }).expect("it fits");
        let mut recipe = Recipe::default();
        recipe.data.validation = share;
        let shape = WindowShape { length, target: length - 1 + ahead, horizon, stride };
        let Ok(windows) = Windows::over(Arc::new(data), shape, "row", Path::new("a.csv"), &recipe) else { return Ok(()) };
        let Split { train, validation } = windows.split(share, 3);
        prop_assert!(!train.is_empty());
        let touched = |numbers: &[u32]| -> BTreeSet<usize> {
            let targets = length - 1 + ahead;
            let begin = |number: &u32| *number as usize * stride;
            numbers.iter().map(begin).flat_map(|at| (at..at + length).chain(at + targets..at + targets + horizon)).collect()
        };
        let (seen, held_out) = (touched(&train), touched(&validation));
        prop_assert!(seen.last() < held_out.first() || held_out.is_empty());
        prop_assert!(held_out.last().is_none_or(|last| *last < rows));
        prop_assert!(seen.last().is_none_or(|last| *last < rows));
    }
}
