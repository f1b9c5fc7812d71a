//! Weights of real PyTorch models, loaded into our networks: they answer the same.
//!
//! `torch_reference/models.py` made the file of weights, inputs and outputs.
use barograph_burn::{Scope, cpu, from_slice, to_vec};
use barograph_train::data::{Dataset, Targets};
use barograph_train::recipe::{
    Activation, LayerKind, LayerSpec, LossKind, ModelSpec, NormPlace, Padding, Recipe, RecurrentSpec, TransformerSpec,
    WeightSpec,
};
use barograph_train::{LoadedWeights, Model, Network, Trainer, load_from, save_weights};
use burn::module::Module;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use std::path::PathBuf;
use tempfile::TempDir;

const REFERENCE: &[u8] = include_bytes!("torch_reference/models.safetensors");

/// Largest difference from torch's outputs.
const TOLERANCE: f32 = 1e-5;

fn reference() -> SafeTensors<'static> {
    SafeTensors::deserialize(REFERENCE).expect("a whole file")
}

fn floats(name: &str) -> Vec<f32> {
    let tensor = reference().tensor(name).expect("a tensor").data().to_vec();
    tensor.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().expect("four"))).collect()
}

/// The weights of one model in a file of their own, under their own names, as `save_file(model.state_dict(), ...)` writes them.
fn state_dict(model: &str, rename: impl Fn(&str) -> String) -> (TempDir, PathBuf) {
    let file = reference();
    let own = file.iter().filter_map(|(name, view)| Some((name.strip_prefix(model)?.strip_prefix('/')?, view)));
    let own: Vec<(String, TensorView<'_>)> =
        own.filter(|(name, _)| !matches!(*name, "x" | "y")).map(|(name, view)| (rename(name), view)).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.safetensors");
    std::fs::write(&path, safetensors::serialize(own, None).expect("tensors")).expect("a file");
    (folder, path)
}

fn as_it_is(name: &str) -> String {
    name.to_owned()
}

fn recipe(layers: Vec<LayerSpec>, image: Option<[u64; 3]>) -> Recipe {
    let mut recipe = Recipe { layers, loss: LossKind::Mse.into(), ..Recipe::default() };
    recipe.data.image = image;
    recipe
}

fn loaded(model: &str, recipe: &Recipe) -> (Network, LoadedWeights) {
    let (_folder, path) = state_dict(model, as_it_is);
    let inputs =
        floats(&format!("{model}/x")).len() / reference().tensor(&format!("{model}/x")).expect("inputs").shape()[0];
    let recipe = Recipe { model: ModelSpec { load: Some(path), ..recipe.model.clone() }, ..recipe.clone() };
    let (network, loaded) = Network::loaded(&recipe, inputs, &cpu(true)).expect("weights that fit");
    (network, loaded.expect("a file was named"))
}

/// Largest difference between our outputs and torch's.
fn difference(model: &str, network: &Network) -> f32 {
    let _scope = Scope::default().enter();
    let (inputs, expected) = (floats(&format!("{model}/x")), floats(&format!("{model}/y")));
    let rows = reference().tensor(&format!("{model}/x")).expect("inputs").shape()[0];
    let inputs = from_slice(inputs.clone(), [rows, inputs.len() / rows], &cpu(false));
    let outputs = to_vec(&network.valid().forward(inputs));
    assert_eq!(outputs.len(), expected.len());
    outputs.iter().zip(&expected).fold(0.0, |largest, (a, b)| largest.max((a - b).abs()))
}

#[track_caller]
fn answers_as_torch_does(
    model: &str,
    layers: Vec<LayerSpec>,
    image: Option<[u64; 3]>,
) -> Vec<(String, String, &'static str)> {
    let recipe = recipe(layers, image);
    let (network, loaded) = loaded(model, &recipe);
    let apart = difference(model, &network);
    assert!(apart <= TOLERANCE, "{model}: {apart:e}");
    // Without the weights it would not.
    let inputs = network_inputs(model);
    let random = Network::from_recipe(&recipe, inputs, &cpu(true)).expect("layers that fit");
    assert!(difference(model, &random) > 0.01, "{model}");
    loaded.layers.into_iter().map(|layer| (layer.site, layer.module, layer.how)).collect()
}

fn network_inputs(model: &str) -> usize {
    reference().tensor(&format!("{model}/x")).expect("inputs").shape()[1]
}

fn shown(found: &[(String, String, &'static str)]) -> Vec<String> {
    found.iter().map(|(site, module, how)| format!("{site} {module} {how}")).collect()
}

fn transposed() -> LayerSpec {
    let (activation, weights) = (Activation::Linear, WeightSpec::default());
    LayerKind::Conv2dTranspose { channels: 2, kernel: 2, stride: 2, padding: Padding::Same, activation, weights }.into()
}

fn convolutional() -> Vec<LayerSpec> {
    vec![
        LayerSpec::conv2d(3),
        LayerSpec::batch_norm(),
        LayerSpec::activation(Activation::Relu),
        LayerSpec::max_pool2d(2),
        LayerSpec::conv2d(4),
        LayerKind::GroupNorm { groups: 2, epsilon: 1e-5, trainable: true }.into(),
        LayerKind::Prelu { slope: 0.25, trainable: true }.into(),
        transposed(),
        LayerSpec::dense(3),
    ]
}

#[test]
fn convolutions_and_norms() {
    let found = answers_as_torch_does("convolutional", convolutional(), Some([2, 4, 6]));
    let expected = [
        "conv1 0 shape",
        "norm1 1 shape",
        "conv2 4 shape",
        "norm2 5 shape",
        "activation2 6 shape",
        "conv3 7 shape",
        "dense1 9 shape",
    ];
    assert_eq!(shown(&found), expected);
}

fn named() -> Vec<LayerSpec> {
    let tanh = |units| LayerSpec::dense(units).with_activation(Activation::Tanh);
    let weights = WeightSpec { bias: false, ..WeightSpec::default() };
    let answer = LayerKind::Dense { units: 2, activation: Activation::Linear, weights };
    vec![tanh(4), tanh(4), tanh(4), LayerSpec::batch_norm(), LayerSpec::from(answer).named("answer")]
}

#[test]
fn names_shapes_and_numbers_tell_modules_apart() {
    let found = answers_as_torch_does("named", named(), None);
    let expected =
        ["dense1 zeroth shape", "dense2 hidden1 order", "dense3 hidden2 order", "norm1 bn shape", "answer answer name"];
    assert_eq!(shown(&found), expected);
}

#[test]
fn recurrent_layers_and_an_embedding() {
    let both = RecurrentSpec { units: 3, bidirectional: true, return_sequences: true, ..RecurrentSpec::default() };
    let lstm = LayerKind::Lstm { forget_bias: 1.0, recurrent: both };
    let layers = vec![LayerSpec::embedding(11, 4), lstm.into(), LayerSpec::gru(5), LayerSpec::dense(2)];
    let found = answers_as_torch_does("sequence", layers, None);
    assert_eq!(shown(&found), ["embedding1 words shape", "lstm1 lstm shape", "gru1 gru shape", "dense1 out shape"]);
}

#[test]
fn the_layers_of_one_recurrent_module() {
    let first = RecurrentSpec { units: 3, return_sequences: true, ..RecurrentSpec::default() };
    let first = LayerKind::Rnn { activation: Activation::Tanh, recurrent: first };
    let found =
        answers_as_torch_does("stacked", vec![LayerSpec::reshape([4, 3]), first.into(), LayerSpec::rnn(3)], None);
    assert_eq!(shown(&found), ["rnn1 rnn.l0 order", "rnn2 rnn.l1 order"]);
}

#[test]
fn transformers_and_positions() {
    let block = TransformerSpec { heads: 2, hidden: Some(8), norm: NormPlace::Pre, ..TransformerSpec::default() };
    let layers = vec![
        LayerSpec::reshape([5, 6]),
        LayerSpec::position_embedding(),
        LayerKind::TransformerEncoder { block }.into(),
        LayerKind::TransformerEncoder { block }.into(),
        LayerSpec::layer_norm(),
    ];
    let found = answers_as_torch_does("transformer", layers, None);
    let expected = [
        "position1 positions shape",
        "encoder1 blocks.layers.0 order",
        "encoder2 blocks.layers.1 order",
        "norm1 norm shape",
    ];
    assert_eq!(shown(&found), expected);
    let layers = vec![LayerSpec::reshape([5, 4]), LayerSpec::multi_head_attention(2)];
    assert_eq!(shown(&answers_as_torch_does("attention", layers, None)), ["attention1 attend shape"]);
}

#[test]
fn half_precision_is_widened() {
    let (activation, weights) = (Activation::Tanh, WeightSpec::default());
    let layer = LayerKind::Conv1d { channels: 4, kernel: 3, stride: 1, padding: Padding::Same, activation, weights };
    answers_as_torch_does("half", vec![LayerSpec::reshape([6, 3]), layer.into()], None);
}

/// What is said of a file that does not fit.
fn refused(model: &str, recipe: &Recipe, rename: impl Fn(&str) -> String) -> String {
    let (_folder, path) = state_dict(model, rename);
    let network = Network::from_recipe(recipe, network_inputs(model), &cpu(true)).expect("layers that fit");
    let spec = ModelSpec { load: None, ..recipe.model.clone() };
    load_from(&path, network, &spec).map(|_| ()).expect_err("it does not fit").join("\n")
}

#[test]
fn what_does_not_fit_is_named_with_the_nearest() {
    let mut wide = recipe(named(), None);
    wide.layers[0] = LayerSpec::dense(5).with_activation(Activation::Tanh);
    let said = refused("named", &wide, as_it_is);
    assert!(said.contains("nothing fits layer dense1 (dense), which wants bias [5], weight [5, 3]"), "{said}");
    assert!(said.contains("\"zeroth\" is the nearest, with bias [4], weight [4, 3]"), "{said}");
    let mut biased = recipe(named(), None);
    biased.layers[4] = LayerSpec::dense(2).named("answer");
    let said = refused("named", &biased, as_it_is);
    assert!(
        said.contains(
            "module \"answer\" does not fit layer answer (dense): it has no bias; give the layer bias = false"
        ),
        "{said}"
    );
}

#[test]
fn modules_that_cannot_be_told_apart_are_mapped_by_hand() {
    let letters = |name: &str| name.replace("hidden1", "hidden_a").replace("hidden2", "hidden_b");
    let mut plain = recipe(named(), None);
    let said = refused("named", &plain, letters);
    assert!(said.contains("layers dense2, dense3: hidden_a, hidden_b fit by their shapes"), "{said}");
    assert!(said.contains("map = [\"dense2 = hidden_a\"]"), "{said}");
    plain.model.map = vec!["dense3 = hidden_b".to_owned()];
    let (_folder, path) = state_dict("named", letters);
    let network = Network::from_recipe(&plain, 3, &cpu(true)).expect("layers that fit");
    let (network, loaded) = load_from(&path, network, &plain.model).expect("weights that fit");
    assert!(difference("named", &network) <= TOLERANCE);
    let hows: Vec<_> = loaded.layers.iter().map(|layer| layer.how).collect();
    assert_eq!(hows, ["shape", "shape", "map", "shape", "name"]);
    for (entry, words) in [
        ("dense9 = hidden_b", "there is no layer \"dense9\" with weights; did you mean \"dense"),
        ("dense3 = hidden_c", "there is no module \"hidden_c\" in the file; did you mean \"hidden_"),
        (
            "dense3 = zeroth",
            "module \"zeroth\" does not fit layer dense3 (dense): its weight is [4, 3], and the layer wants [4, 4]",
        ),
        ("dense3", "is no pair"),
    ] {
        plain.model.map = vec![entry.to_owned()];
        let said = refused("named", &plain, letters);
        assert!(said.contains(words), "{entry}: {said}");
    }
}

#[test]
fn a_new_last_layer_keeps_its_random_weights_if_it_may() {
    let mut grown = recipe(named(), None);
    grown.layers[4] = LayerSpec::dense(7).named("answer");
    grown.model.partial = true;
    let (_, loaded) = loaded("named", &grown);
    assert_eq!((loaded.kept, loaded.unused), (vec!["answer".to_owned()], vec!["answer".to_owned()]));
    assert_eq!(loaded.layers.len(), 4);
}

#[test]
fn training_begins_with_the_weights_of_the_file() {
    let (_folder, path) = state_dict("named", as_it_is);
    let mut recipe = recipe(named(), None);
    recipe.model.load = Some(path);
    recipe.optimizer.learning_rate = 0.0;
    recipe.epochs = 1;
    // Statistics of the batch norm move while training, weights do not at a rate of 0.
    let data =
        Dataset::new(floats("named/x"), 3, Targets::Real { values: floats("named/y"), columns: 2 }).expect("rows");
    let outcome =
        Trainer::from_recipe(&recipe, &data).expect("a training").unobserved().fit(&data).expect("a training");
    for (name, values) in outcome.model.buffers() {
        assert!(
            outcome.model.set_buffer(&name, floats(&name.replace("norm1", "named/bn").replace("variance", "var"))),
            "{values:?}"
        );
    }
    assert!(difference("named", &outcome.model) <= TOLERANCE);
}

#[test]
fn our_own_files_are_loaded_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("own.safetensors");
    let source = recipe(convolutional(), Some([2, 4, 6]));
    let saved = Network::from_recipe(&Recipe { seed: 7, ..source.clone() }, 48, &cpu(true)).expect("layers that fit");
    saved.set_buffer("norm1.running_mean", vec![0.5, -0.5, 2.0]);
    save_weights(&path, &saved, 0, 0).expect("a file");
    let network = Network::from_recipe(&source, 48, &cpu(true)).expect("layers that fit");
    let (network, loaded) = load_from(&path, network, &ModelSpec::default()).expect("weights that fit");
    assert!(loaded.layers.iter().all(|layer| layer.how == "name") && loaded.unused.is_empty(), "{loaded:?}");
    let run = |network: &Network| to_vec(&network.valid().forward(from_slice(vec![0.3; 48], [1, 48], &cpu(false))));
    assert_eq!(run(&network), run(&saved));
    assert_eq!(network.buffers(), saved.buffers());
    let narrow =
        Network::from_recipe(&recipe(vec![LayerSpec::dense(4)], None), 48, &cpu(true)).expect("layers that fit");
    let said = load_from(&path, narrow, &ModelSpec::default()).map(|_| ()).expect_err("another network").join("\n");
    assert!(said.contains("layer dense1: ") && said.contains("the network wants"), "{said}");
}

#[test]
fn files_that_are_no_weights_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let network =
        || Network::from_recipe(&recipe(vec![LayerSpec::dense(3)], None), 4, &cpu(true)).expect("layers that fit");
    let said = |name: &str, bytes: Option<&[u8]>| {
        let path = folder.path().join(name);
        if let Some(bytes) = bytes {
            std::fs::write(&path, bytes).expect("a file");
        }
        load_from(&path, network(), &ModelSpec::default()).map(|_| ()).expect_err("no weights").join("\n")
    };
    assert!(said("model.pt", Some(b"PK\x03\x04pickled")).contains("a pickled file of PyTorch is not read"));
    assert!(said("none.safetensors", None).contains("cannot read the weights"));
    let cut = &REFERENCE[..REFERENCE.len() - 5];
    assert!(said("cut.safetensors", Some(cut)).contains("not a whole safetensors file"));
    let whole = [1_u8, 0, 0, 0];
    let view = TensorView::new(Dtype::I32, vec![1], &whole).expect("a tensor");
    let integers = safetensors::serialize([("n", view)], None).expect("bytes");
    assert!(said("integers.safetensors", Some(&integers)).contains("no tensor of floating point numbers"));
}
