//! Regularizers and constraints give Keras' numbers (`tests/torch_reference/weights.py` made the file), and act in training.
use super::{Constraint, Regularizer, as_before, by_units};
use crate::data::{Dataset, Targets};
use crate::recipe::{ConstraintKind, LayerKind, LayerSpec, LossKind, Padding, Recipe, RecurrentSpec, RegularizerKind};
use crate::{Model, Network, Trainer};
use barograph_burn::{Parameters, cpu, from_slice, ops, to_vec};
use barograph_vocab::Scalar;
use burn::module::{ModuleVisitor, Param};
use burn::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Case {
    regularizer: Option<String>,
    constraint: Option<String>,
    shape: [usize; 2],
    weight: Vec<f32>,
    value: Option<f32>,
    gives: Vec<f32>,
}

/// The layer that a recipe makes of a dense layer with this key.
fn dense(key: &str, asked: &str) -> LayerKind {
    let text = format!("[[layers]]\nkind = \"dense\"\nunits = 4\n{key} = {asked}\n[loss]\nkind = \"mse\"\n");
    Recipe::parse(&text, "r.toml").unwrap_or_else(|error| panic!("{asked}: {error}")).layers.remove(0).kind
}

fn far(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(theirs).fold(0.0, |worst, (ours, theirs)| worst.max((ours - theirs).abs()))
}

#[test]
fn numbers_are_those_of_keras() {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../../tests/torch_reference/weights.json")).expect("cases");
    assert_eq!(cases.len(), 28);
    for case in cases {
        let weight = from_slice(case.weight, case.shape, &cpu(true)).require_grad();
        if let Some(asked) = &case.regularizer {
            let LayerKind::Dense { weights, .. } = dense("regularizer", asked) else { panic!("a dense layer") };
            let penalty = weights.regularizer.penalty(by_units(weight.clone(), 1));
            let value: f32 = penalty.clone().into_scalar();
            assert!((value - case.value.expect("a value")).abs() < 1e-6, "{asked}: {value}");
            let gradient = to_vec(&weight.grad(&penalty.backward()).expect("a gradient"));
            assert!(far(&gradient, &case.gives) < 1e-6, "{asked} {:?}: {gradient:?}", case.shape);
        }
        if let Some(asked) = &case.constraint {
            let LayerKind::Dense { weights, .. } = dense("constraint", asked) else { panic!("a dense layer") };
            let kept = weights.constraint.constrained(by_units(weight.clone().inner(), 1));
            let kept = to_vec(&as_before(kept, case.shape, 1));
            assert!(far(&kept, &case.gives) < 1e-6, "{asked} {:?}: {kept:?}", case.shape);
        }
    }
}

#[test]
fn a_weight_comes_back_in_the_layout_it_had() {
    let weight = from_slice((0..2 * 3 * 4 * 5).map(|value| value as f32).collect(), [2, 3, 4, 5], &cpu(false));
    for axis in 0..4 {
        let rows = by_units(weight.clone(), axis);
        assert_eq!(rows.dims()[0], weight.dims()[axis]);
        assert_eq!(to_vec(&as_before(rows, weight.dims(), axis)), to_vec(&weight), "axis {axis}");
    }
}

/// Every weight of a network by its site, with its shape.
fn weights(network: &Network) -> BTreeMap<String, (Vec<f32>, Vec<usize>)> {
    struct Values(Vec<Vec<f32>>);
    impl ModuleVisitor for Values {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(to_vec(&param.val()));
        }
    }
    let mut values = Values(Vec::new());
    network.visit(&mut values);
    let parameters = Parameters::of(network).renamed(|path| network.site_of(path));
    let named = parameters.list().iter().zip(values.0);
    named.map(|(parameter, values)| (parameter.path.clone(), (values, parameter.shape.clone()))).collect()
}

fn data(features: usize) -> Dataset {
    let number = |place: usize| ((place * 7919 + 13) % 101) as f32 / 50.0 - 1.0;
    let inputs = (0..24 * features).map(number).collect();
    let targets = Targets::Real { values: (0..24).map(|row| 3.0 * number(row * 5)).collect(), columns: 1 };
    Dataset::new(inputs, features, targets).expect("a data set")
}

fn recipe(layers: Vec<LayerSpec>) -> Recipe {
    let mut recipe = Recipe { layers, loss: LossKind::Mse.into(), epochs: 8, batch: 8, ..Recipe::default() };
    recipe.optimizer.learning_rate = 0.05;
    recipe
}

fn trained(recipe: &Recipe, features: usize) -> Network {
    let data = data(features);
    Trainer::from_recipe(recipe, &data).expect("a trainer").fit(&data).expect("trained").model
}

#[test]
fn constraints_hold_after_every_update_in_every_kind_of_layer() {
    let constraint = ConstraintKind::MaxNorm { max: 0.5 };
    let conv = LayerKind::Conv1d {
        channels: 4,
        kernel: 3,
        stride: 1,
        padding: Padding::Same,
        activation: crate::recipe::Activation::Relu,
        weights: crate::recipe::WeightSpec { bias_constraint: ConstraintKind::NonNegative, ..Default::default() },
    };
    let recurrent = RecurrentSpec { units: 3, recurrent_constraint: ConstraintKind::NonNegative, ..Default::default() };
    let layers = vec![
        LayerSpec::reshape([3, 2]),
        LayerSpec::from(conv).with_constraint(constraint),
        LayerKind::Gru { recurrent }.into(),
        LayerSpec::residual([LayerSpec::dense(3).with_constraint(constraint)]),
        LayerSpec::dense(1),
    ];
    let weights = weights(&trained(&recipe(layers), 6));
    let longest = |site: &str, axis: usize| {
        let (values, shape) = &weights[site];
        let rows: Vec<f32> = match shape[..] {
            [inputs, units] => {
                to_vec(&by_units(from_slice(values.clone(), [inputs, units], &cpu(false)), axis).square().sum_dim(1))
            }
            [units, inputs, kernel] => to_vec(
                &by_units(from_slice(values.clone(), [units, inputs, kernel], &cpu(false)), axis).square().sum_dim(1),
            ),
            _ => panic!("another shape: {shape:?}"),
        };
        rows.into_iter().fold(0.0, f32::max).sqrt()
    };
    assert!(longest("conv1.weight", 0) <= 0.5 + 1e-6);
    assert!(longest("residual1.dense1.weight", 1) <= 0.5 + 1e-6);
    assert!(weights["gru1.forward.recurrent_weight"].0.iter().all(|&weight| weight >= 0.0));
    assert!(weights["conv1.bias"].0.iter().all(|&bias| bias >= 0.0));
    // Nothing was asked of the others.
    assert!(weights["gru1.forward.input_weight"].0.iter().any(|&weight| weight < 0.0));
    assert!(longest("dense1.weight", 1) > 0.5);
}

#[test]
fn the_loss_holds_what_regularizers_add() {
    let plain = recipe(vec![LayerSpec::dense(1)]);
    let mut penalized = plain.clone();
    penalized.layers[0] = LayerSpec::dense(1).with_regularizer(RegularizerKind::L1 { factor: 0.5 });
    let data = data(2);
    let first = |recipe: &Recipe| {
        let mut once = recipe.clone();
        (once.epochs, once.batch) = (1, 24);
        Trainer::from_recipe(&once, &data).expect("a trainer").fit(&data).expect("trained").last(Scalar::Loss)
    };
    let network = Network::from_recipe(&plain, 2, &cpu(true)).expect("a network");
    let sum: f32 = weights(&network)["dense1.weight"].0.iter().map(|weight| weight.abs()).sum();
    let added = first(&penalized).expect("a loss") - first(&plain).expect("a loss");
    assert!((added - 0.5 * f64::from(sum)).abs() < 1e-5, "{added} {sum}");
    // An L1 strong enough leaves next to nothing of a weight.
    penalized.epochs = 60;
    let left =
        weights(&trained(&penalized, 2))["dense1.weight"].0.iter().fold(0.0, |largest: f32, w| largest.max(w.abs()));
    assert!(left < 0.15, "{left}");
}

#[test]
fn code_may_bring_its_own() {
    let recipe = recipe(vec![LayerSpec::dense(2), LayerSpec::dense(1)]);
    let data = data(3);
    let tied = |weight: Tensor<2>| weight.clone().mean_dim(1).expand(weight.dims());
    let trainer = Trainer::from_recipe(&recipe, &data)
        .expect("a trainer")
        .regularizer("dense2.weight", |weight| ops::mul_scalar(ops::sum(ops::square(weight)), 1e-3))
        .constraint("dense1.weight", tied);
    let network = trainer.fit(&data).expect("trained").model;
    let (values, _) = &weights(&network)["dense1.weight"];
    assert_eq!((values[0], values[1]), (values[2], values[3]));
    let wrong = Trainer::from_recipe(&recipe, &data).expect("a trainer").constraint("dense1.wieght", tied);
    let error = wrong.fit(&data).err().expect("an error").to_string();
    assert!(error.contains("did you mean \"dense1.weight\"?"), "{error}");
}
