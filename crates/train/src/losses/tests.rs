//! The losses give torch's values and gradients. `tests/torch_reference/losses.py` made the file.
use super::{Loss, TargetTensor};
use crate::data::{Dataset, Targets};
use crate::recipe::{LayerSpec, LossKind, LossSpec, Recipe};
use crate::{TrainError, Trainer};
use barograph_burn::{cpu, from_slice, to_vec};
use burn::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    loss: String,
    outputs: Vec<Vec<f32>>,
    classes: Option<Vec<i64>>,
    targets: Option<Vec<Vec<f32>>>,
    value: f64,
    gradient: Vec<f64>,
}

/// Largest difference from torch's double precision, relative to the largest magnitude, or to 1 where all are smaller.
const TOLERANCE: f64 = 2e-6;

fn spec(table: &str) -> LossSpec {
    let text = format!("[[layers]]\nkind = \"dense\"\nunits = 4\n[loss]\n{table}\n");
    Recipe::parse(&text, "r.toml").unwrap_or_else(|error| panic!("{table}: {error}")).loss
}

fn rows(values: &[Vec<f32>]) -> Tensor<2> {
    from_slice(values.concat(), [values.len(), values[0].len()], &cpu(true))
}

fn value_and_gradient(loss: &LossSpec, outputs: &[Vec<f32>], targets: &TargetTensor) -> (f64, Vec<f32>) {
    let x = rows(outputs).require_grad();
    let loss = loss.loss(x.clone(), targets);
    let value: f32 = loss.clone().into_scalar();
    (f64::from(value), to_vec(&x.grad(&loss.backward()).expect("a gradient")))
}

fn difference(ours: &[f32], theirs: &[f64], least: f64) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let scale = theirs.iter().fold(least, |largest, value| largest.max(value.abs()));
    let worst = |worst: f64, (ours, theirs): (&f32, &f64)| {
        let distance = (f64::from(*ours) - theirs).abs();
        // A NaN is as far away as can be.
        if distance <= worst { worst } else { distance }
    };
    ours.iter().zip(theirs).fold(0.0, worst) / scale
}

#[test]
fn values_and_gradients_match_torch() {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../../tests/torch_reference/losses.json")).expect("cases");
    let far: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let targets = match (&case.classes, &case.targets) {
                (Some(classes), _) => TargetTensor::Classes(classes.clone()),
                (None, Some(targets)) => TargetTensor::Real(rows(targets)),
                (None, None) => panic!("{} has no targets", case.name),
            };
            let (value, gradient) = value_and_gradient(&spec(&case.loss), &case.outputs, &targets);
            let of_value = difference(&[value as f32], &[case.value], 1.0);
            let of_gradient = difference(&gradient, &case.gradient, 0.01);
            let is_near = of_value <= TOLERANCE && of_gradient <= TOLERANCE;
            (!is_near).then(|| format!("{}: value {of_value:.1e}, gradient {of_gradient:.1e}", case.name))
        })
        .collect();
    assert!(far.is_empty(), "far from torch: {far:#?}");
}

#[test]
fn every_loss_is_finite_at_scores_far_out() {
    let outputs = [vec![1e4, -1e4, 0.0, 1e4], vec![-1e4, 1e4, 1e4, 0.0], vec![0.0; 4]];
    let classes = TargetTensor::Classes(vec![1, 0, 3]);
    let flags = TargetTensor::Real(rows(&[vec![0.0, 1.0, 0.0, 0.0], vec![1.0, 0.0, 0.0, 0.0], vec![0.0; 4]]));
    for kind in <LossKind as crate::recipe::Kind>::all() {
        let outputs: Vec<Vec<f32>> = match (kind, kind.takes()) {
            // The rate e^10000 is no number in single precision, nor is the logarithm of a negative rate.
            (LossKind::PoissonLog | LossKind::Poisson | LossKind::NaiveCrossEntropy, _) => continue,
            (_, crate::recipe::LossTakes::Distribution | crate::recipe::LossTakes::Probabilities) => {
                vec![vec![0.0, 0.0, 0.0, 1.0], vec![1.0, 0.0, 0.0, 0.0], vec![0.25; 4]]
            }
            _ => outputs.to_vec(),
        };
        let loss = match kind {
            LossKind::Ctc { .. } => LossKind::Ctc { classes: 2, blank: 0 }.into(),
            kind => LossSpec::from(kind),
        };
        let targets = match kind.wants() {
            crate::recipe::LossWants::Classes => &classes,
            _ => &flags,
        };
        let (value, gradient) = value_and_gradient(&loss, &outputs, targets);
        assert!(
            value.is_finite() && gradient.iter().all(|value| value.is_finite()),
            "{}: {value} {gradient:?}",
            kind.name()
        );
    }
}

#[test]
fn classes_that_do_not_count_leave_no_trace() {
    let loss = LossSpec { class_weights: vec![0.0, 1.0, 1.0, 1.0], ..LossKind::CrossEntropy.into() };
    let outputs = [vec![1.0, 2.0, 0.5, 0.0], vec![3.0, -1.0, 0.0, 0.0]];
    let (with, gradient) = value_and_gradient(&loss, &outputs, &TargetTensor::Classes(vec![2, 0]));
    let (without, _) =
        value_and_gradient(&LossKind::CrossEntropy.into(), &outputs[..1], &TargetTensor::Classes(vec![2]));
    assert!((with - without).abs() < 1e-6, "{with} {without}");
    assert_eq!(gradient[4..], [0.0; 4]);
    let (nothing, gradient) = value_and_gradient(&loss, &outputs[1..], &TargetTensor::Classes(vec![0]));
    assert_eq!((nothing, gradient), (0.0, vec![0.0; 4]));
}

#[test]
fn labels_that_cannot_be_spelled_are_infinitely_unlikely() {
    let loss: LossSpec = LossKind::Ctc { classes: 2, blank: 0 }.into();
    // Two equal labels need a blank between them, and there are but two time steps.
    let (value, gradient) = value_and_gradient(&loss, &[vec![0.0; 4]], &TargetTensor::Real(rows(&[vec![1.0, 1.0]])));
    assert_eq!((value, gradient), (f64::INFINITY, vec![0.0; 4]));
}

/// A recipe on sequences of three time steps with two features.
fn on_sequences(units: u64, loss: LossKind) -> Recipe {
    let layers = vec![LayerSpec::reshape([3, 2]), LayerSpec::dense(units)];
    Recipe { layers, loss: loss.into(), epochs: 30, batch: 4, ..Recipe::default() }
}

fn trained(recipe: &Recipe, targets: Vec<f32>, columns: usize) -> Result<(f64, Option<f64>), TrainError> {
    let rows = targets.len() / columns;
    let inputs = (0..rows * 6).map(|place| ((place * 37 + 11) % 17) as f32 / 17.0).collect();
    let data = Dataset::new(inputs, 6, Targets::Real { values: targets, columns })?;
    let outcome = Trainer::from_recipe(recipe, &data)?.fit(&data)?;
    let last = |scalar| outcome.last(scalar);
    Ok((last(barograph_vocab::Scalar::Loss).expect("a loss"), last(barograph_vocab::Scalar::Accuracy)))
}

#[test]
fn every_time_step_may_have_a_class_of_its_own() {
    let recipe = on_sequences(4, LossKind::CrossEntropy);
    let (loss, accuracy) = trained(&recipe, vec![0.0, 1.0, -1.0, 3.0, -1.0, -1.0], 3).expect("trained");
    assert!(
        loss.is_finite() && accuracy.is_some_and(|accuracy| (0.0..=1.0).contains(&accuracy)),
        "{loss} {accuracy:?}"
    );
    let error = trained(&recipe, vec![0.0, 1.0, 4.0], 3).expect_err("a class without an output").to_string();
    assert!(error.contains("row 0 of the data set has class 4 at time step 2"), "{error}");
}

#[test]
fn labels_are_checked_before_the_first_step() {
    let ctc = |classes| on_sequences(3, LossKind::Ctc { classes, blank: 0 });
    let (loss, accuracy) = trained(&ctc(3), vec![1.0, 2.0, 1.0, -1.0], 2).expect("trained");
    assert!(loss.is_finite() && accuracy.is_none(), "{loss} {accuracy:?}");
    for (classes, labels, says) in [
        (3, vec![1.0, 1.0, 2.0], "row 0 of the data set has labels that need 4 time steps"),
        (3, vec![1.0, 5.0, -1.0], "labels that are no classes from 0 to 2"),
        (4, vec![1.0, 2.0, -1.0], "no whole number of time steps of 4 scores"),
    ] {
        let error = trained(&ctc(classes), labels, 3).expect_err(says).to_string();
        assert!(error.contains(says), "{error}");
    }
}
