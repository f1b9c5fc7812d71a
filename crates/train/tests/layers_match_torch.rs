//! Our layers compute what PyTorch's do, and so do their gradients.
//!
//! `torch_reference/layers.py` made the file of inputs, weights, outputs and gradients.
use barograph_burn::{ModulePath, Scope, cpu, from_slice, to_vec};
use barograph_train::recipe::{
    Activation, DataSpec, LayerKind, LayerSpec, LossKind, Merge, NormPlace, Padding, Recipe, RecurrentSpec,
    TransformerSpec, WeightSpec,
};
use barograph_train::{Model, Network, load_weights};
use burn::module::{Module, ModuleVisitor, Param};
use burn::prelude::*;
use burn::tensor::Gradients;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeMap;

const REFERENCE: &[u8] = include_bytes!("torch_reference/layers.safetensors");

/// Largest difference from torch, relative to the largest magnitude of the tensor.
const TOLERANCE: f32 = 1e-4;

fn reference() -> SafeTensors<'static> {
    SafeTensors::deserialize(REFERENCE).expect("a whole file")
}

fn floats(tensor: &TensorView<'_>) -> Vec<f32> {
    tensor.data().chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().expect("four"))).collect()
}

/// Layers that make up the case, the last of which is compared, and the image that each row is.
type Case = (&'static str, Vec<LayerSpec>, Option<[u64; 3]>);

fn on_row(name: &'static str, layer: impl Into<LayerSpec>) -> Case {
    (name, vec![layer.into().named("layer")], None)
}

fn on_image(name: &'static str, image: [u64; 3], layer: impl Into<LayerSpec>) -> Case {
    (name, vec![layer.into().named("layer")], Some(image))
}

fn on_sequence(name: &'static str, [time, features]: [u64; 2], layer: impl Into<LayerSpec>) -> Case {
    (name, vec![LayerSpec::reshape([time, features]), layer.into().named("layer")], None)
}

fn convolutions() -> Vec<Case> {
    let (activation, weights) = (Activation::Linear, WeightSpec::default());
    let one = |name, kernel, stride, padding| {
        let layer = LayerKind::Conv1d { channels: 4, kernel, stride, padding, activation, weights };
        on_sequence(name, [7, 3], layer)
    };
    let transposed = |name, kernel, stride, padding| {
        let layer = LayerKind::Conv2dTranspose { channels: 2, kernel, stride, padding, activation, weights };
        on_image(name, [3, 4, 5], layer)
    };
    vec![
        one("conv1d_same", 3, 1, Padding::Same),
        one("conv1d_valid", 3, 2, Padding::Valid),
        one("conv1d_even", 4, 2, Padding::Same),
        transposed("conv2d_transpose_same", 3, 2, Padding::Same),
        transposed("conv2d_transpose_wide", 5, 2, Padding::Same),
        transposed("conv2d_transpose_valid", 3, 2, Padding::Valid),
        transposed("conv2d_transpose_sparse", 2, 3, Padding::Same),
    ]
}

fn norms() -> Vec<Case> {
    let group = |groups| LayerKind::GroupNorm { groups, epsilon: 1e-5, trainable: true };
    let rms = LayerKind::RmsNorm { epsilon: 1e-5, trainable: true };
    vec![
        on_image("group_norm_image", [6, 2, 3], group(3)),
        on_sequence("group_norm_sequence", [4, 6], group(2)),
        on_sequence("layer_norm_sequence", [4, 6], LayerSpec::layer_norm()),
        on_sequence("rms_norm_sequence", [4, 6], rms.clone()),
        on_row("rms_norm_row", rms),
    ]
}

fn simple() -> Vec<Case> {
    let image = [4, 2, 3];
    vec![
        on_row("embedding", LayerSpec::embedding(7, 3)),
        on_sequence("dense_sequence", [5, 4], LayerSpec::dense(6)),
        on_sequence("position_embedding", [5, 4], LayerSpec::position_embedding()),
        on_image("global_average_pool_image", image, LayerKind::GlobalAveragePool),
        on_sequence("global_average_pool_sequence", [5, 4], LayerKind::GlobalAveragePool),
        on_image("global_max_pool_image", image, LayerKind::GlobalMaxPool),
        on_sequence("global_max_pool_sequence", [5, 4], LayerKind::GlobalMaxPool),
        on_image("prelu_image", image, LayerKind::Prelu { slope: 0.25, trainable: true }),
        on_row("leaky_relu", LayerKind::LeakyRelu { slope: 0.3 }),
        on_row("glu_row", LayerKind::Glu),
        on_image("glu_image", image, LayerKind::Glu),
        on_sequence("glu_sequence", [5, 4], LayerKind::Glu),
    ]
}

fn recurrent() -> Vec<Case> {
    let spec = |bidirectional, return_sequences| RecurrentSpec {
        units: 5,
        bidirectional,
        return_sequences,
        ..RecurrentSpec::default()
    };
    let rnn = |name, both, all| {
        on_sequence(name, [6, 4], LayerKind::Rnn { activation: Activation::Tanh, recurrent: spec(both, all) })
    };
    let lstm =
        |name, both, all| on_sequence(name, [6, 4], LayerKind::Lstm { forget_bias: 1.0, recurrent: spec(both, all) });
    let gru = |name, both, all| on_sequence(name, [6, 4], LayerKind::Gru { recurrent: spec(both, all) });
    vec![
        rnn("rnn_1_last", false, false),
        rnn("rnn_1_sequences", false, true),
        rnn("rnn_2_last", true, false),
        rnn("rnn_2_sequences", true, true),
        lstm("lstm_1_last", false, false),
        lstm("lstm_1_sequences", false, true),
        lstm("lstm_2_last", true, false),
        lstm("lstm_2_sequences", true, true),
        gru("gru_1_last", false, false),
        gru("gru_1_sequences", false, true),
        gru("gru_2_last", true, false),
        gru("gru_2_sequences", true, true),
    ]
}

fn attention() -> Vec<Case> {
    let heads = |name, causal| {
        let layer = LayerKind::MultiHeadAttention { heads: 2, causal, weights: WeightSpec::default() };
        on_sequence(name, [5, 6], layer)
    };
    let block = |norm, activation| TransformerSpec {
        heads: 2,
        hidden: Some(8),
        norm,
        activation,
        ..TransformerSpec::default()
    };
    let encoder = |name, norm, activation| {
        on_sequence(name, [5, 6], LayerKind::TransformerEncoder { block: block(norm, activation) })
    };
    let decoder = |name, norm, activation| {
        on_sequence(name, [5, 6], LayerKind::TransformerDecoder { block: block(norm, activation) })
    };
    vec![
        heads("multi_head_attention_whole", false),
        heads("multi_head_attention_causal", true),
        encoder("transformer_encoder_pre", NormPlace::Pre, Activation::Relu),
        encoder("transformer_encoder_post", NormPlace::Post, Activation::Gelu),
        decoder("transformer_decoder_pre", NormPlace::Pre, Activation::Gelu),
        decoder("transformer_decoder_post", NormPlace::Post, Activation::Relu),
    ]
}

fn blocks() -> Vec<Case> {
    let relu = LayerSpec::dense(7).with_activation(Activation::Relu);
    let conv = |channels, kernel, activation| {
        let (padding, weights) = (Padding::Same, WeightSpec::default());
        LayerSpec::from(LayerKind::Conv2d { channels, kernel, stride: 1, padding, activation, weights })
    };
    let branch = LayerSpec::sequential([conv(4, 3, Activation::Tanh), conv(1, 1, Activation::Linear)]);
    let branches = [conv(2, 1, Activation::Linear), branch, LayerSpec::reshape([3, 4, 4])];
    let sum = LayerKind::Parallel { merge: Merge::Add, layers: vec![LayerSpec::dense(6), LayerSpec::dense(6)] };
    vec![
        on_row("residual_row", LayerSpec::residual([relu, LayerSpec::dense(5)])),
        on_image("parallel_image", [3, 4, 4], LayerSpec::parallel(branches)),
        on_sequence("parallel_sum", [5, 4], sum),
    ]
}

fn usual() -> Vec<Case> {
    let image = [3, 5, 6];
    let conv = |name, kernel, stride, padding| {
        let (activation, weights) = (Activation::Linear, WeightSpec::default());
        on_image(name, image, LayerKind::Conv2d { channels: 4, kernel, stride, padding, activation, weights })
    };
    let gated = |name, merge| {
        let layers = vec![LayerSpec::dense(4).with_activation(Activation::Silu), LayerSpec::dense(4)];
        on_row(name, LayerKind::Parallel { merge, layers })
    };
    vec![
        on_row("dense_row", LayerSpec::dense(4).with_activation(Activation::Tanh)),
        conv("conv2d_same", 3, 1, Padding::Same),
        conv("conv2d_even", 4, 1, Padding::Same),
        conv("conv2d_valid", 3, 2, Padding::Valid),
        on_image("max_pool2d", image, LayerSpec::max_pool2d(2)),
        on_image("max_pool2d_overlapping", image, LayerKind::MaxPool2d { size: 3, stride: Some(1) }),
        on_image("avg_pool2d", image, LayerSpec::avg_pool2d(2)),
        on_image("avg_pool2d_overlapping", image, LayerKind::AvgPool2d { size: 3, stride: Some(2) }),
        on_sequence("max_pool1d", [7, 3], LayerSpec::max_pool1d(2)),
        on_sequence("max_pool1d_overlapping", [7, 3], LayerKind::MaxPool1d { size: 3, stride: Some(1) }),
        on_sequence("avg_pool1d", [7, 3], LayerSpec::avg_pool1d(2)),
        on_sequence("avg_pool1d_overlapping", [7, 3], LayerKind::AvgPool1d { size: 3, stride: Some(1) }),
        on_row("rrelu_evaluated", LayerKind::RRelu { lower: 0.1, upper: 0.4 }),
        on_row("threshold", LayerKind::Threshold { threshold: 0.3, value: -1.5 }),
        gated("parallel_multiply", Merge::Multiply),
        gated("parallel_average", Merge::Average),
        gated("parallel_maximum", Merge::Maximum),
        on_row("layer_norm_row", LayerSpec::layer_norm()),
    ]
}

fn batch_norms() -> Vec<Case> {
    vec![
        on_row("batch_norm_row", LayerSpec::batch_norm()),
        on_image("batch_norm_image", [4, 2, 3], LayerSpec::batch_norm()),
        on_sequence("batch_norm_sequence", [5, 4], LayerSpec::batch_norm()),
    ]
}

/// Writes the weights of a case to a file as a checkpoint has them, and loads them into the network.
fn network(name: &str, layers: Vec<LayerSpec>, image: Option<[u64; 3]>, inputs: usize) -> Network {
    let data = DataSpec { image, ..DataSpec::default() };
    let recipe = Recipe { layers, data, loss: LossKind::Mse.into(), ..Recipe::default() };
    let network = Network::from_recipe(&recipe, inputs, &cpu(true)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let reference = reference();
    let prefix = format!("{name}/weight/");
    let weights = reference.tensors().into_iter().filter_map(|(path, tensor)| {
        let view = TensorView::new(Dtype::F32, tensor.shape().to_vec(), tensor.data()).expect("a tensor");
        Some((path.strip_prefix(&prefix)?.to_owned(), view))
    });
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("weights.safetensors");
    std::fs::write(&path, safetensors::serialize(weights, None).expect("tensors")).expect("written");
    load_weights(&path, network).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The gradient of each weight, by its site.
struct Collector<'a> {
    network: &'a Network,
    gradients: &'a Gradients,
    path: ModulePath,
    found: BTreeMap<String, Vec<f32>>,
}

impl ModuleVisitor for Collector<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.leave();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = param.val().grad(self.gradients).map(|gradient| to_vec(&gradient)).unwrap_or_default();
        self.found.insert(self.network.site_of(&self.path.dotted()), gradient);
    }
}

/// The largest difference relative to the largest magnitude, and to `floor` where that is larger.
fn difference(name: &str, ours: &[f32], theirs: &[f32], floor: f32) -> f32 {
    assert_eq!(ours.len(), theirs.len(), "{name}: another number of values");
    assert!(ours.iter().all(|value| value.is_finite()), "{name} is not finite: {ours:?}");
    let scale = largest(theirs).max(floor);
    ours.iter().zip(theirs).fold(0.0, |worst: f32, (ours, theirs)| worst.max((ours - theirs).abs() / scale))
}

fn largest(values: &[f32]) -> f32 {
    values.iter().fold(f32::MIN_POSITIVE, |largest, value| largest.max(value.abs()))
}

/// A bias of all keys shifts every score of a query alike, which a softmax does not see: its gradient is 0 but for rounding, and
/// is held to the size of the gradient of the keys' weight.
fn floor(path: &str, gradients: &BTreeMap<String, Vec<f32>>) -> f32 {
    let weight = path.strip_suffix("key.bias").map(|start| &gradients[&format!("{start}key.weight")]);
    weight.map_or(0.0, |weight| largest(weight))
}

fn compare((name, layers, image): Case) -> f32 {
    let reference = reference();
    let tensor = |part: &str| {
        let tensor = reference.tensor(&format!("{name}/{part}")).unwrap_or_else(|_| panic!("{name} has no {part}"));
        (floats(&tensor), [tensor.shape()[0], tensor.shape()[1]])
    };
    let (inputs, shape) = tensor("input");
    let network = network(name, layers, image, shape[1]);
    let x = from_slice(inputs, shape, &cpu(true)).require_grad();
    let y = network.forward(x.clone());
    let (output, outputs) = tensor("output");
    assert_eq!(y.dims(), outputs, "{name}: another shape");
    let mut worst = difference(&format!("{name}, output"), &to_vec(&y), &output, 0.0);
    let (factors, _) = tensor("factors");
    let gradients = (y * from_slice(factors, outputs, &cpu(true))).sum().backward();
    if name != "embedding" {
        let ours = to_vec(&x.grad(&gradients).expect("a gradient"));
        worst = worst.max(difference(&format!("{name}, input gradient"), &ours, &tensor("input_gradient").0, 0.0));
    }
    let mut collector =
        Collector { network: &network, gradients: &gradients, path: ModulePath::default(), found: BTreeMap::new() };
    network.visit(&mut collector);
    let prefix = format!("{name}/gradient/");
    let theirs: BTreeMap<String, Vec<f32>> = reference
        .tensors()
        .into_iter()
        .filter_map(|(path, tensor)| Some((path.strip_prefix(&prefix)?.to_owned(), floats(&tensor))))
        .collect();
    assert!(collector.found.keys().eq(theirs.keys()), "{name}: {:?} and {:?}", collector.found.keys(), theirs.keys());
    for (path, gradient) in &collector.found {
        worst = worst.max(difference(
            &format!("{name}, gradient of {path}"),
            gradient,
            &theirs[path],
            floor(path, &theirs),
        ));
    }
    println!("{name}: {worst:.1e}");
    worst
}

fn compare_all(cases: Vec<Case>) {
    let far: Vec<String> = cases
        .into_iter()
        .map(|case| (case.0, compare(case)))
        .filter(|(_, worst)| *worst > TOLERANCE)
        .map(|(name, worst)| format!("{name}: {worst:.1e}"))
        .collect();
    assert!(far.is_empty(), "far from torch: {far:?}");
}

#[test]
fn convolutions_match() {
    compare_all(convolutions());
}

#[test]
fn norms_match() {
    compare_all(norms());
}

#[test]
fn embedding_pools_and_gates_match() {
    compare_all(simple());
}

#[test]
fn dense_convolution_pools_and_layer_norm_match() {
    compare_all(usual());
}

#[test]
fn batch_norm_matches_in_training_and_keeps_the_same_statistics() {
    let scope = || Scope { training: true, ..Scope::default() }.enter();
    for (name, layers, image) in batch_norms() {
        let _scope = scope();
        let file = reference();
        let input = file.tensor(&format!("{name}/input")).expect("an input");
        let shape = [input.shape()[0], input.shape()[1]];
        let network = network(name, layers, image, shape[1]);
        let _ = network.forward(from_slice(floats(&input), shape, &cpu(true)));
        for (buffer, ours) in network.buffers() {
            let theirs = floats(&file.tensor(&format!("{name}/after/{buffer}")).expect("a buffer"));
            let far = difference(&format!("{name}, {buffer}"), &ours, &theirs, 0.0);
            assert!(far < TOLERANCE, "{name}, {buffer}: {ours:?} and {theirs:?}");
        }
    }
    let _scope = scope();
    compare_all(batch_norms());
}

#[test]
fn recurrent_layers_match() {
    compare_all(recurrent());
}

#[test]
fn attention_matches() {
    compare_all(attention());
}

#[test]
fn blocks_match() {
    compare_all(blocks());
}

#[test]
fn activations_match_near_zero_and_far_out() {
    let name =
        |start: &str, activation: Activation| &*Box::leak(format!("{start}_{}", activation.name()).into_boxed_str());
    let near = Activation::ALL
        .iter()
        .map(|&activation| on_row(name("activation", activation), LayerSpec::activation(activation)));
    // These two overflow, or have one row to normalize over.
    let is_tame = |activation: &&Activation| !matches!(activation, Activation::Exponential | Activation::SoftmaxBatch);
    let far = Activation::ALL.iter().filter(is_tame);
    let far = far.map(|&activation| on_row(name("far", activation), LayerSpec::activation(activation)));
    compare_all(near.chain(far).collect());
    compare_all(vec![on_sequence("softmax_of_a_sequence", [4, 5], LayerSpec::activation(Activation::Softmax))]);
}
