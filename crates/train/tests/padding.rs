//! What fills up a sequence changes nothing, and attention pays heed to another sequence as PyTorch's does.
use barograph_burn::{Scope, cpu, from_slice, to_vec};
use barograph_train::layers::{BatchNorm, Layer, MultiHeadAttention, Statistics};
use barograph_train::random::{Purpose, Random};
use barograph_train::recipe::{LayerKind, LayerSpec, LossKind, LossSpec, Recipe, RecurrentSpec, Shape, WeightSpec};
use barograph_train::{Loss, Model, Network, TargetTensor, load_weights, save_weights};
use burn::module::Param;
use burn::prelude::*;
use serde::Deserialize;

/// The network of these layers, with the weights of another one whose sequences are longer.
fn with_weights_of(other: &Network, layers: Vec<LayerSpec>, inputs: usize) -> Network {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("weights.safetensors");
    save_weights(&path, other, 0, 0).expect("saved");
    load_weights(&path, network(layers, inputs)).expect("loaded")
}

fn network(layers: Vec<LayerSpec>, inputs: usize) -> Network {
    let recipe = Recipe { layers, loss: LossKind::Mse.into(), seed: 4, ..Recipe::default() };
    Network::from_recipe(&recipe, inputs, &cpu(true)).expect("a network")
}

fn embedding() -> LayerSpec {
    match LayerSpec::embedding(9, 4).kind {
        LayerKind::Embedding { vocabulary, dimension, initializer, trainable, regularizer, constraint, .. } => {
            let mask_zero = true;
            LayerKind::Embedding { vocabulary, dimension, initializer, trainable, mask_zero, regularizer, constraint }
                .into()
        }
        _ => unreachable!("an embedding"),
    }
}

fn outputs(network: &Network, rows: &[Vec<f32>]) -> Vec<f32> {
    let x = from_slice(rows.concat(), [rows.len(), rows[0].len()], &cpu(true));
    to_vec(&network.forward(x))
}

fn assert_near(ours: &[f32], theirs: &[f32], what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let far = ours.iter().zip(theirs).fold(0.0_f32, |far, (ours, theirs)| far.max((ours - theirs).abs()));
    assert!(far < 1e-5, "{what}: {far}, {ours:?} and {theirs:?}");
}

fn recurrent(bidirectional: bool, return_sequences: bool) -> Vec<LayerSpec> {
    let spec = RecurrentSpec { units: 3, bidirectional, return_sequences, ..RecurrentSpec::default() };
    vec![
        LayerKind::Rnn { activation: barograph_train::recipe::Activation::Tanh, recurrent: spec }.into(),
        LayerKind::Lstm { forget_bias: 1.0, recurrent: spec }.into(),
        LayerKind::Gru { recurrent: spec }.into(),
    ]
}

#[test]
fn padding_leaves_no_trace_in_what_comes_out() {
    let pooled = |layer: LayerSpec| vec![embedding(), layer, LayerSpec::global_average_pool()];
    let mut cases: Vec<Vec<LayerSpec>> = Vec::new();
    for both in [false, true] {
        cases.extend(recurrent(both, false).into_iter().map(|layer| vec![embedding(), layer]));
        cases.extend(recurrent(both, true).into_iter().map(pooled));
    }
    cases.push(pooled(LayerSpec::multi_head_attention(2)));
    cases.push(pooled(LayerSpec::transformer_encoder(2)));
    cases.push(pooled(LayerSpec::residual([LayerSpec::dense(4)])));
    cases.push(pooled(LayerSpec::parallel([LayerSpec::dense(2), LayerSpec::multi_head_attention(2)])));
    for layers in cases {
        let kind = format!("{:?}", layers[1].kind);
        let long = network(layers.clone(), 6);
        let short = with_weights_of(&long, layers, 3);
        let (one, two) = (vec![3.0, 1.0, 8.0], vec![5.0, 5.0, 2.0]);
        let padded = |row: &[f32]| [row, &[0.0, 0.0, 0.0]].concat();
        let theirs = outputs(&short, &[one.clone(), two.clone()]);
        assert_near(&outputs(&long, &[padded(&one), padded(&two)]), &theirs, &kind);
        // Beside a longer sequence, too.
        let mixed = outputs(&long, &[padded(&one), vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]);
        assert_near(&mixed[..theirs.len() / 2], &theirs[..theirs.len() / 2], &kind);
    }
}

/// The gradient of the first weight.
struct First<'a>(&'a burn::tensor::Gradients, &'a mut Vec<f32>);

impl burn::module::ModuleVisitor for First<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.1.is_empty() {
            *self.1 = param.val().grad(self.0).map(|gradient| to_vec(&gradient)).unwrap_or_default();
        }
    }
}

#[test]
fn nothing_is_learned_from_padding() {
    let layers = vec![embedding(), LayerSpec::lstm(3)];
    let network = network(layers, 5);
    let x = from_slice(vec![3.0, 1.0, 0.0, 0.0, 0.0], [1, 5], &cpu(true));
    let gradients = network.forward(x).sum().backward();
    let mut found = Vec::new();
    burn::module::Module::visit(&network, &mut First(&gradients, &mut found));
    let row = |number: usize| &found[number * 4..(number + 1) * 4];
    assert!(row(0).iter().all(|gradient| *gradient == 0.0), "{:?}", row(0));
    assert!(row(3).iter().any(|gradient| *gradient != 0.0));
}

#[test]
fn masking_marks_steps_by_their_value_and_may_meet_sequences_that_are_all_padding() {
    let masking = LayerKind::Masking { value: -1.0 };
    let layers =
        vec![LayerSpec::reshape([3, 2]), masking.into(), LayerSpec::multi_head_attention(1), LayerSpec::gru(2)];
    let network = network(layers, 6);
    let rows = [vec![0.5, -1.0, 0.2, 0.1, -1.0, -1.0], vec![-1.0; 6]];
    let ours = outputs(&network, &rows);
    assert!(ours.iter().all(|value| value.is_finite()), "{ours:?}");
    // A recurrent layer that never saw a step is where it began.
    assert_eq!(ours[2..], [0.0, 0.0]);
}

#[test]
fn a_loss_for_each_step_leaves_padding_out() {
    let device = cpu(true);
    let scores = |values: &[f32], steps: usize| from_slice(values.to_vec(), [1, steps * 2], &device);
    let loss = |kind: LossKind, outputs: Tensor<2>, targets: Vec<f32>, mask: Option<Vec<f32>>| -> f32 {
        let _scope = Scope::default().enter();
        let columns = targets.len();
        Scope::set_mask(mask.map(|mask| {
            let time = mask.len();
            from_slice(mask, [1, time], &device)
        }));
        let targets = TargetTensor::Real(from_slice(targets, [1, columns], &device));
        LossSpec::from(kind).loss(outputs, &targets).into_scalar()
    };
    let (long, mask) = ([0.3, -0.2, 1.5, 0.4, 9.0, 9.0], Some(vec![1.0, 1.0, 0.0]));
    let masked = loss(LossKind::CrossEntropy, scores(&long, 3), vec![0.0, 1.0, 1.0], mask.clone());
    let short = loss(LossKind::CrossEntropy, scores(&long[..4], 2), vec![0.0, 1.0], None);
    assert!((masked - short).abs() < 1e-6, "{masked} {short}");
    let masked = loss(LossKind::Mse, scores(&long, 3), vec![0.0; 6], mask);
    let short = loss(LossKind::Mse, scores(&long[..4], 2), vec![0.0; 4], None);
    assert!((masked - short).abs() < 1e-6, "{masked} {short}");
}

#[derive(Deserialize)]
struct Attention {
    weights: std::collections::BTreeMap<String, [Vec<f32>; 2]>,
    queries: Vec<f32>,
    memory: Vec<f32>,
    mask: Vec<f32>,
    output: Vec<f32>,
    factors: Vec<f32>,
    queries_gradient: Vec<f32>,
    memory_gradient: Vec<f32>,
}

#[test]
fn attention_to_another_sequence_matches_torch() {
    let case: Attention = serde_json::from_str(include_str!("torch_reference/attention.json")).expect("a case");
    let device = cpu(true);
    let mut random = Random::new(0, Purpose::Weight, 0, 0);
    let shape = Shape::Sequence([3, 6]);
    let mut layer = MultiHeadAttention::new(shape, 2, false, &WeightSpec::default(), &mut random, &device);
    for (name, dense) in [
        ("query", &mut layer.query),
        ("key", &mut layer.key),
        ("value", &mut layer.value),
        ("output", &mut layer.output),
    ] {
        let [weight, bias] = case.weights[name].clone();
        dense.weight = Param::from_tensor(from_slice(weight, [6, 6], &device));
        dense.bias = Some(Param::from_tensor(from_slice(bias, [6], &device)));
    }
    let queries = from_slice(case.queries, [2, 3, 6], &device).require_grad();
    let memory = from_slice(case.memory, [2, 5, 6], &device).require_grad();
    let output = layer.attend_to("cross", &queries, &memory, Some(from_slice(case.mask, [2, 5], &device)));
    assert_near(&to_vec(&output), &case.output, "output");
    let gradients = (output * from_slice(case.factors, [2, 3, 6], &device)).sum().backward();
    assert_near(&to_vec(&queries.grad(&gradients).expect("a gradient")), &case.queries_gradient, "queries");
    assert_near(&to_vec(&memory.grad(&gradients).expect("a gradient")), &case.memory_gradient, "memory");
}

#[derive(Deserialize)]
struct MaskedNorm {
    x: Vec<f32>,
    mask: Vec<f32>,
    trained: Vec<f32>,
    evaluated: Vec<f32>,
    mean: Vec<f32>,
    variance: Vec<f32>,
}

#[test]
fn batch_norm_leaves_padding_out_of_its_statistics_as_keras_does() {
    let case: MaskedNorm = serde_json::from_str(include_str!("keras_reference/batch_norm.json")).expect("a case");
    let device = cpu(true);
    let norm = BatchNorm::new(Shape::Sequence([4, 2]), 0.3, 1e-5, true, &device);
    let layer = Layer::BatchNorm(norm.clone());
    let Layer::BatchNorm(inside) = &layer else { unreachable!("a batch norm") };
    let run = |training: bool| {
        let _scope = Scope { training, ..Scope::default() }.enter();
        Scope::set_mask(Some(from_slice(case.mask.clone(), [3, 4], &device)));
        to_vec(&layer.forward("norm", from_slice(case.x.clone(), [3, 8], &device)))
    };
    assert_near(&run(true), &case.trained, "in training");
    let statistics = inside.statistics();
    assert_near(&statistics.mean, &case.mean, "running mean");
    // Keras keeps the variance of the batch itself; torch and we, that of what the batch was drawn from, here by 7 steps.
    let drawn_from = |variance: &f32| 0.7 + (variance - 0.7) * 7.0 / 6.0;
    assert_near(&statistics.variance, &case.variance.iter().map(drawn_from).collect::<Vec<_>>(), "running variance");
    inside.set_statistics(Statistics { mean: case.mean.clone(), variance: case.variance.clone() });
    assert_near(&run(false), &case.evaluated, "in evaluation");
    // A batch without a single step says nothing of the data.
    let _scope = Scope { training: true, ..Scope::default() }.enter();
    Scope::set_mask(Some(from_slice(vec![0.0; 12], [3, 4], &device)));
    let padding = to_vec(&layer.forward("norm", from_slice(vec![0.0; 24], [3, 8], &device)));
    assert!(padding.iter().all(|value| *value == 0.0), "{padding:?}");
    assert_eq!(inside.statistics().mean, case.mean);
    assert_eq!(norm.statistics().mean, [0.0, 0.0], "a clone has statistics of its own");
}
