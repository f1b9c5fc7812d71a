//! Rows of another file are held out: never learned from, measured after every epoch, on the scale of those that are.
use barograph_train::data::{self, DataError, Dataset, HeldOut, RowSource, Targets};
use barograph_train::recipe::{LayerSpec, LossKind, Missing, Normalize, Recipe};
use barograph_train::{Metric, MetricBatch, Preprocessing, Trainer};
use barograph_vocab::Scalar;
use std::path::Path;

const RECIPE: &str = r#"
epochs = 4
[data]
file = "train.csv"
validation_file = "test.csv"
target = "kind"
normalize = "standard"
[[layers]]
kind = "dense"
units = 3
[loss]
kind = "cross_entropy"
[optimizer]
kind = "adam"
learning_rate = 0.1
"#;

/// Rows whose kind is told by their length, each so often.
fn csv(kinds: &[&str], each: usize) -> String {
    let rows = (0..each * kinds.len()).map(|row| {
        let kind = kinds[row % kinds.len()];
        format!("{},{}.5,{kind}", kind.len() * 10, row % 7)
    });
    rows.fold("length,noise,kind".to_owned(), |text, row| text + "\n" + &row) + "\n"
}

fn loaded(folder: &Path, text: &str, test: &str) -> Result<(Recipe, std::sync::Arc<dyn RowSource>), DataError> {
    std::fs::write(folder.join("train.csv"), csv(&["ox", "crow", "pigeon"], 20)).expect("written");
    std::fs::write(folder.join("test.csv"), test).expect("written");
    std::fs::write(folder.join("recipe.toml"), text).expect("written");
    let recipe = Recipe::load(&folder.join("recipe.toml")).expect("a recipe");
    let dataset = data::load(&recipe)?.dataset;
    Ok((recipe, dataset))
}

#[test]
fn a_recipe_names_a_file_of_its_own_for_the_rows_that_are_held_out() {
    let folder = tempfile::tempdir().expect("a folder");
    // A file without one of the classes numbers them otherwise, by itself.
    let (recipe, data) = loaded(folder.path(), RECIPE, &csv(&["pigeon", "ox"], 9)).expect("read");
    assert_eq!((data.rows(), data.split(0.0, 0).validation.len()), (78, 18));
    let outcome = Trainer::from_recipe(&recipe, &data).expect("a trainer").fit(&data).expect("trained");
    assert_eq!(outcome.steps, 8, "two steps an epoch, of the rows to learn from alone");
    let accuracy = outcome.last(Scalar::ValidationAccuracy).expect("validated");
    assert!(accuracy > 0.99, "{accuracy}");
    // Scales are those of the training rows, whatever the others are.
    let text = RECIPE.replace("validation_file = \"test.csv\"\n", "");
    let alone = Recipe::parse(&text, "alone.toml").expect("a recipe");
    let train = data::read(&folder.path().join("train.csv"), &alone).expect("read").dataset;
    let of = |recipe: &Recipe, data: &dyn RowSource| Preprocessing::fit(recipe, data).expect("fitted").inputs;
    assert_eq!(of(&recipe, &data), of(&alone, &train));
}

#[test]
fn what_does_not_fit_is_said_with_its_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = |test: &str| {
        let error = loaded(folder.path(), RECIPE, test).expect_err("refused").to_string();
        error.replace(&folder.path().display().to_string(), "FOLDER")
    };
    let both = Recipe::parse(&RECIPE.replace("target =", "validation = 0.2\ntarget ="), "both.toml");
    insta::assert_snapshot!(
        [
            refused(&csv(&["ox", "heron"], 3)),
            refused(&csv(&["ox"], 3).replace("noise", "loud")),
            refused("length,kind\n20,ox\n"),
            both.expect_err("one of them").to_string(),
        ]
        .join("\n")
    );
}

#[test]
fn code_brings_a_data_set_of_its_own_too() {
    let line = |x: Vec<f32>, offset: f32| {
        let values = x.iter().map(|x| 2.0 * x + offset).collect();
        Dataset::new(x, 1, Targets::Real { values, columns: 1 }).expect("a data set")
    };
    let recipe =
        Recipe { layers: vec![LayerSpec::dense(1)], loss: LossKind::Mse.into(), epochs: 2, ..Recipe::default() };
    let train = || line((0..40_u8).map(f32::from).collect(), 0.0);
    let losses = |offset| {
        let data = HeldOut::new(train(), line(vec![1.0, 2.0], offset)).expect("they fit");
        let outcome = Trainer::from_recipe(&recipe, &data).expect("a trainer").fit(&data).expect("trained");
        [Scalar::Loss, Scalar::ValidationLoss].map(|scalar| outcome.last(scalar).expect("a loss"))
    };
    let (near, far) = (losses(0.0), losses(1000.0));
    assert_eq!(near[0], far[0], "nothing is learned from them");
    assert!(far[1] > near[1] + 1e5, "{near:?} {far:?}");
}

#[test]
fn another_data_set_is_measured_as_validation_measures() {
    let folder = tempfile::tempdir().expect("a folder");
    let (recipe, data) = loaded(folder.path(), RECIPE, &csv(&["pigeon", "ox"], 9)).expect("read");
    let outcome = Trainer::from_recipe(&recipe, &data).expect("a trainer").metric(Rows(0)).fit(&data).expect("trained");
    let test = data::read(&folder.path().join("test.csv"), &recipe).expect("read").dataset;
    assert_eq!(test.class_names().len(), 2, "by itself it numbers its classes otherwise");
    let evaluation = outcome.evaluate(&test).expect("measured");
    assert_eq!(evaluation.rows, 18);
    assert_eq!(Some(evaluation.loss), outcome.last(Scalar::ValidationLoss));
    let accuracy = outcome.last(Scalar::ValidationAccuracy).map(|accuracy| (Scalar::Accuracy, accuracy));
    assert_eq!(evaluation.score, accuracy);
    assert_eq!(evaluation.named, [("rows".to_owned(), 18.0)]);
    let narrow = Dataset::new(vec![0.0], 1, Targets::Classes(vec![0])).expect("a data set");
    let error = outcome.evaluate(&narrow).expect_err("another number of columns").to_string();
    assert!(error.contains("1 input value") && error.contains('2'), "{error}");
    let none = Dataset::new(Vec::new(), 2, Targets::Classes(Vec::new())).expect("a data set");
    assert!(outcome.evaluate(&none).is_err());
}

/// Counts rows.
#[derive(Clone)]
struct Rows(usize);

impl Metric for Rows {
    fn name(&self) -> String {
        "rows".to_owned()
    }

    fn see(&mut self, batch: &MetricBatch<'_>) {
        self.0 += batch.rows();
    }

    fn value(&self) -> Option<f64> {
        Some(self.0 as f64)
    }
}

#[test]
fn predictions_are_filled_in_scaled_and_made_some_rows_at_a_time() {
    let mut x: Vec<f32> = (0..40_u8).map(f32::from).collect();
    let values = x.iter().map(|x| 3.0 * x + 100.0).collect();
    x[7] = f32::NAN;
    let data = Dataset::new(x, 1, Targets::Real { values, columns: 1 }).expect("a data set");
    let mut recipe =
        Recipe { layers: vec![LayerSpec::dense(1)], loss: LossKind::Mse.into(), epochs: 200, ..Recipe::default() };
    (recipe.data.normalize, recipe.data.normalize_target) = (Normalize::Standard, Normalize::Standard);
    (recipe.data.missing, recipe.optimizer.learning_rate) = (Missing::Mean, 0.05);
    let outcome = Trainer::from_recipe(&recipe, &data).expect("a trainer").fit(&data).expect("trained");
    let many: Vec<f32> = (0..3000_u16).map(|row| f32::from(row % 40)).collect();
    let answers = outcome.predict(&many, 1);
    assert_eq!(answers.len(), 3000);
    for (x, y) in many.iter().zip(&answers) {
        assert!((y - (3.0 * x + 100.0)).abs() < 2.0, "{x}: {y}");
    }
    // What is missing counts as the mean of the training rows.
    let mean = outcome.predict(&[f32::NAN], 1)[0];
    assert!((mean - 160.0).abs() < 4.0, "{mean}");
}
