//! A decoder that attends to an encoder: as PyTorch computes it, as a recipe says it, and what it learns.
use barograph_burn::{Scope, cpu, from_slice, to_vec};
use barograph_train::data::{Dataset, Targets};
use barograph_train::recipe::{LayerKind, LayerSpec, LossKind, ModelSpec, NormPlace, Recipe, TransformerSpec};
use barograph_train::{
    GradCheckOptions, Model, Network, Subject, Trainer, gradcheck, load_weights, save_weights, summarize,
};
use barograph_vocab::Scalar;
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;

const REFERENCE: &[u8] = include_bytes!("torch_reference/decoder.safetensors");

const SOURCE: usize = 5;
const STEPS: usize = 8;
const FEATURES: usize = 6;

/// Largest difference from torch.
const TOLERANCE: f32 = 2e-5;

fn floats(name: &str) -> Vec<f32> {
    let file = SafeTensors::deserialize(REFERENCE).expect("a whole file");
    let bytes = file.tensor(name).expect("a tensor").data().to_vec();
    bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().expect("four"))).collect()
}

fn far(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(theirs).fold(0.0, |far, (ours, theirs)| far.max((ours - theirs).abs()))
}

/// The network of the reference, with the weights that PyTorch wrote into a file.
fn of_torch(case: &str, norm: NormPlace) -> Network {
    let file = SafeTensors::deserialize(REFERENCE).expect("a whole file");
    let own = file.iter().filter_map(|(name, view)| Some((name.strip_prefix(&format!("{case}.weights."))?, view)));
    let own: Vec<(&str, TensorView<'_>)> = own.collect();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("torch.safetensors");
    std::fs::write(&path, safetensors::serialize(own, None).expect("tensors")).expect("a file");
    let block = TransformerSpec { heads: 2, hidden: Some(8), dropout: 0.0, norm, ..TransformerSpec::default() };
    let encoder = LayerSpec::from(LayerKind::TransformerEncoder { block }).named("encoder");
    let decoder = LayerSpec::from(LayerKind::TransformerDecoder { block }).named("decoder");
    let layers = vec![
        LayerSpec::reshape([STEPS as u64, FEATURES as u64]),
        LayerKind::Masking { value: 0.0 }.into(),
        LayerSpec::encoder_decoder(SOURCE as u64, encoder, decoder),
    ];
    let model = ModelSpec { load: Some(path), ..ModelSpec::default() };
    let recipe = Recipe { layers, model, loss: LossKind::Mse.into(), ..Recipe::default() };
    Network::from_recipe(&recipe, STEPS * FEATURES, &cpu(true)).expect("weights that fit")
}

#[test]
fn outputs_and_gradients_are_those_of_torch() {
    for (case, norm) in [("post", NormPlace::Post), ("pre", NormPlace::Pre)] {
        let network = of_torch(case, norm);
        let x = floats(&format!("{case}.x"));
        let inputs = from_slice(x.clone(), [2, STEPS * FEATURES], &cpu(true)).require_grad();
        let outputs = network.forward(inputs.clone());
        let distance = far(&to_vec(&outputs), &floats(&format!("{case}.output")));
        assert!(distance < TOLERANCE, "{case}: outputs differ by {distance}");
        let factors = from_slice(floats(&format!("{case}.factors")), outputs.dims(), &cpu(true));
        let gradients = (outputs * factors).sum().backward();
        let ours = to_vec(&inputs.grad(&gradients).expect("a gradient"));
        // What fills up is cut off before it comes to the network.
        let theirs = floats(&format!("{case}.gradient"));
        let steps = theirs.chunks(FEATURES).zip(x.chunks(FEATURES));
        let theirs: Vec<f32> = steps
            .flat_map(|(gradient, x)| {
                gradient.iter().map(|value| if x.iter().all(|x| *x == 0.0) { 0.0 } else { *value })
            })
            .collect();
        let distance = far(&ours, &theirs);
        assert!(distance < 10.0 * TOLERANCE, "{case}: gradients differ by {distance}");
    }
}

/// Sequences of four numbers from 1 to 5, and behind them what their reverse is, one step late: the answers are the reverse.
fn reversed(rows: usize) -> Dataset {
    let number = |place: usize| ((place as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) as usize % 5 + 1;
    let (mut inputs, mut values) = (Vec::new(), Vec::new());
    for row in 0..rows {
        let read: Vec<f32> = (0..4).map(|place| number(4 * row + place) as f32).collect();
        let written: Vec<f32> = read.iter().rev().copied().collect();
        inputs.extend(read);
        inputs.push(0.0);
        inputs.extend(&written[..3]);
        values.extend(written);
    }
    Dataset::new(inputs, 8, Targets::Real { values, columns: 4 }).expect("a data set")
}

const REVERSE: &str = r#"
epochs = 30
batch = 32
task = "multiclass"

[data]
validation = 0.25

[[layers]]
kind = "encoder_decoder"
source = 4

[[layers.layers]]
kind = "sequential"
name = "reader"
layers = [
    { kind = "embedding", vocabulary = 6, dimension = 16 },
    { kind = "position_embedding" },
    { kind = "transformer_encoder", heads = 2, dropout = 0.0 },
]

[[layers.layers]]
kind = "sequential"
name = "writer"
layers = [
    { kind = "embedding", vocabulary = 6, dimension = 12 },
    { kind = "position_embedding" },
    { kind = "transformer_decoder", heads = 2, dropout = 0.0 },
]

[[layers]]
kind = "dense"
units = 6

[loss]
kind = "cross_entropy"

[optimizer]
kind = "adam"
learning_rate = 0.01
"#;

fn recipe() -> Recipe {
    Recipe::parse(REVERSE, "reverse.toml").unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn it_learns_what_only_the_encoder_has_read() {
    let data = reversed(400);
    let outcome = Trainer::from_recipe(&recipe(), &data).expect("a trainer").fit(&data).expect("trained");
    // Of the first answer a decoder alone knows nothing: it would be right one time in five.
    let accuracy = outcome.last(Scalar::ValidationAccuracy).expect("an accuracy");
    assert!(accuracy > 0.95, "{accuracy}");
    let names: Vec<String> = outcome.history[0].named.iter().map(|(name, _)| name.clone()).collect();
    assert!(names.is_empty(), "{names:?}");
}

#[test]
fn a_step_sees_all_that_was_read_and_no_later_one_that_is_written() {
    let network = Network::from_recipe(&recipe(), 8, &cpu(true)).expect("a network");
    let _scope = Scope::default().enter();
    let outputs = |row: [f32; 8]| to_vec(&network.forward(from_slice(row.to_vec(), [1, 8], &cpu(true))));
    let (first, read, written) = (
        outputs([1.0, 2.0, 3.0, 4.0, 0.0, 4.0, 3.0, 2.0]),
        outputs([1.0, 2.0, 3.0, 5.0, 0.0, 4.0, 3.0, 2.0]),
        outputs([1.0, 2.0, 3.0, 4.0, 0.0, 4.0, 3.0, 1.0]),
    );
    assert!((0..4).all(|step| far(&first[6 * step..6 * step + 6], &read[6 * step..6 * step + 6]) > 1e-6));
    assert_eq!(first[..18], written[..18]);
    assert!(far(&first[18..], &written[18..]) > 1e-6);
}

#[test]
fn it_is_saved_summed_up_and_checked_as_any_layer() {
    let (recipe, data) = (recipe(), reversed(16));
    let network = Network::from_recipe(&recipe, 8, &cpu(true)).expect("a network");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.safetensors");
    save_weights(&path, &network, 0, 0).expect("saved");
    let bytes = std::fs::read(&path).expect("a file");
    let tensors = SafeTensors::deserialize(&bytes).expect("a whole file");
    let key = tensors.tensor("encoder_decoder1.writer.decoder1.memory_attention.key.weight").expect("a weight");
    assert_eq!(key.shape(), [16, 12], "from the features of the encoder to those of the decoder");
    let other = Network::from_recipe(&Recipe { seed: 9, ..recipe.clone() }, 8, &cpu(true)).expect("a network");
    let loaded = load_weights(&path, other).expect("loaded");
    let row = || from_slice(data.inputs[..8].to_vec(), [1, 8], &cpu(true));
    assert_eq!(to_vec(&loaded.forward(row())), to_vec(&network.forward(row())));
    let summary = summarize(&recipe, 8).expect("a summary");
    let held: usize = tensors.iter().map(|(_, view)| view.shape().iter().product::<usize>()).sum();
    assert_eq!(summary.total.parameters, held as u64);
    let subject = Subject { model: &network, loss: &recipe.loss, recipe: &recipe, data: &data };
    assert!(gradcheck(&subject, &GradCheckOptions::default()).expect("checked").is_ok());
    assert_eq!(Recipe::parse(&recipe.to_toml(), "again.toml").expect("a recipe").hash(), recipe.hash());
}

#[test]
fn a_number_that_is_in_no_vocabulary_is_named_by_its_column() {
    let mut data = reversed(16);
    data.inputs[8 * 3 + 6] = 7.0;
    let error = Trainer::from_recipe(&recipe(), &data).expect("a trainer").fit(&data).err().expect("an error");
    assert!(error.to_string().contains("column 6 of the inputs is 7"), "{error}");
    assert!(error.to_string().contains("encoder_decoder1.writer.embedding1"), "{error}");
}

#[test]
fn branches_that_do_not_fit_are_explained() {
    let problem = |from: &str, to: &str| {
        let text = REVERSE.replacen(from, to, 1);
        assert_ne!(text, REVERSE);
        let shapes = Recipe::parse(&text, "reverse.toml").and_then(|recipe| recipe.shapes(8));
        shapes.expect_err("it does not fit").to_string()
    };
    insta::assert_snapshot!(
        [
            problem("source = 4", "source = 8"),
            problem("source = 4", "source = 0"),
            problem("source = 4\n", ""),
            problem("[[layers.layers]]\nkind = \"sequential\"\nname = \"writer\"", "[[layers]]\nkind = \"sequential\""),
            problem("transformer_decoder", "transformer_encoder"),
            problem("[[layers]]\nkind = \"enc", "[[layers]]\nkind = \"dense\"\nunits = 8\n[[layers]]\nkind = \"enc"),
            problem("dimension = 12", "dimension = 13"),
        ]
        .join("\n")
    );
}
