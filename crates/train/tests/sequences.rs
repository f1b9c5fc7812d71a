//! Recipes with sequences: they learn something small, say what does not fit, and name the operation that broke.
use barograph_burn::cpu;
use barograph_train::callbacks::TerminateOnNan;
use barograph_train::data::{Dataset, Targets};
use barograph_train::recipe::{Missing, Recipe};
use barograph_train::{Model, Network, Trainer, inspect, load_weights, save_weights};
use barograph_vocab::{FactKey, FactValue, Verdict};

/// Small whole numbers that look drawn at random.
fn drawn(place: usize, below: usize) -> usize {
    let mixed = (place as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed >> 33) ^ (mixed >> 47)) as usize % below
}

/// Rows of `length` whole numbers below `below`; the class of a row is its first number.
fn first_of_sequence(rows: usize, length: usize, below: usize) -> Dataset {
    let numbers: Vec<usize> = (0..rows * length).map(|place| drawn(place, below)).collect();
    let classes = numbers.chunks(length).map(|row| row[0] as i64).collect();
    Dataset::new(numbers.into_iter().map(|number| number as f32).collect(), length, Targets::Classes(classes)).unwrap()
}

fn recipe(layers: &str, epochs: u64) -> Recipe {
    let text = format!(
        "epochs = {epochs}\nbatch = 32\n{layers}\n[loss]\nkind = \"cross_entropy\"\n[optimizer]\nkind = \"adam\"\nlearning_rate = 0.01\n"
    );
    Recipe::parse(&text, "sequence.toml").unwrap_or_else(|error| panic!("{error}"))
}

/// The share of rows for which a trained network's largest output is the class.
fn accuracy(recipe: &Recipe, data: &Dataset) -> f64 {
    let outcome = Trainer::from_recipe(recipe, data).unwrap().fit(data).unwrap();
    let diagnosis = outcome.diagnosis().unwrap();
    assert_ne!(diagnosis.verdict, Verdict::Unhealthy, "{:#?}\n{:#?}", diagnosis.findings, diagnosis.causes);
    let Targets::Classes(classes) = &data.targets else { panic!("classes") };
    let outputs = outcome.predict(&data.inputs, data.features());
    let width = outputs.len() / classes.len();
    let largest = |row: &[f32]| (0..width).fold(0, |best, place| if row[place] > row[best] { place } else { best });
    let right = outputs.chunks(width).zip(classes).filter(|(row, class)| largest(row) as i64 == **class).count();
    right as f64 / classes.len() as f64
}

/// The number at the start of a sequence of eight must still be known at its end; guessing gets a third right.
fn remembers_the_first(layer: &str) {
    let layers = format!(
        "[[layers]]\nkind = \"embedding\"\nvocabulary = 3\ndimension = 4\n[[layers]]\n{layer}\n[[layers]]\nkind = \"dense\"\nunits = 3\n"
    );
    let seen = accuracy(&recipe(&layers, 60), &first_of_sequence(320, 8, 3));
    assert!(seen > 0.95, "{layer}: {seen}");
}

#[test]
fn an_lstm_remembers_the_first_of_a_sequence() {
    remembers_the_first("kind = \"lstm\"\nunits = 16");
}

#[test]
fn a_gru_remembers_the_first_of_a_sequence() {
    remembers_the_first("kind = \"gru\"\nunits = 16");
}

#[test]
fn a_bidirectional_rnn_sees_the_first_of_a_sequence() {
    remembers_the_first("kind = \"rnn\"\nunits = 16\nbidirectional = true");
}

/// Attention has no order of its own: the positions tell it which number is the first.
fn attends_to_the_first(block: &str) {
    let layers = format!(
        "[[layers]]\nkind = \"embedding\"\nvocabulary = 3\ndimension = 8\n[[layers]]\nkind = \"position_embedding\"\n[[layers]]\n{block}\n\
         [[layers]]\nkind = \"global_average_pool\"\n[[layers]]\nkind = \"dense\"\nunits = 3\n"
    );
    let seen = accuracy(&recipe(&layers, 40), &first_of_sequence(320, 6, 3));
    assert!(seen > 0.95, "{block}: {seen}");
}

#[test]
fn attention_finds_the_first_of_a_sequence() {
    attends_to_the_first("kind = \"multi_head_attention\"\nheads = 2");
}

#[test]
fn a_transformer_encoder_finds_the_first_of_a_sequence() {
    attends_to_the_first("kind = \"transformer_encoder\"\nheads = 2\ndropout = 0.0");
}

#[test]
fn a_transformer_decoder_finds_the_first_of_a_sequence() {
    attends_to_the_first("kind = \"transformer_decoder\"\nheads = 2\nnorm = \"post\"\ndropout = 0.0");
}

#[test]
fn a_convolution_over_time_finds_a_neighbourhood() {
    // Class 1 where a 2 comes right after a 2 anywhere: neither a count of numbers nor one position tells.
    let mut data = first_of_sequence(320, 8, 3);
    let has_pair = |row: &[f32]| i64::from(row.windows(2).any(|pair| pair == [2.0, 2.0]));
    data.targets = Targets::Classes(data.inputs.chunks(8).map(has_pair).collect());
    let layers = "[[layers]]\nkind = \"embedding\"\nvocabulary = 3\ndimension = 4\n\
                  [[layers]]\nkind = \"conv1d\"\nchannels = 16\nkernel = 2\npadding = \"valid\"\nactivation = \"relu\"\n\
                  [[layers]]\nkind = \"global_max_pool\"\n[[layers]]\nkind = \"dense\"\nunits = 2\n";
    let seen = accuracy(&recipe(layers, 40), &data);
    assert!(seen > 0.95, "{seen}");
}

/// Layers of every new family one after the other.
const EVERYTHING: &str = "
[[layers]]
kind = \"embedding\"
vocabulary = 5
dimension = 4
[[layers]]
kind = \"position_embedding\"
[[layers]]
kind = \"transformer_encoder\"
heads = 2
dropout = 0.2
[[layers]]
kind = \"rms_norm\"
[[layers]]
kind = \"lstm\"
units = 6
bidirectional = true
return_sequences = true
[[layers]]
kind = \"group_norm\"
groups = 3
[[layers]]
kind = \"glu\"
[[layers]]
kind = \"gru\"
units = 8
return_sequences = true
[[layers]]
kind = \"residual\"
[[layers.layers]]
kind = \"batch_norm\"
[[layers.layers]]
kind = \"dropout\"
[[layers.layers]]
kind = \"dense\"
units = 8
[[layers]]
kind = \"parallel\"
merge = \"add\"
[[layers.layers]]
kind = \"dense\"
units = 8
[[layers.layers]]
kind = \"sequential\"
layers = [{ kind = \"dropout\" }, { kind = \"batch_norm\" }]
[[layers]]
kind = \"reshape\"
shape = [4, 3, 4]
[[layers]]
kind = \"conv2d_transpose\"
channels = 3
[[layers]]
kind = \"prelu\"
[[layers]]
kind = \"global_average_pool\"
[[layers]]
kind = \"dense\"
units = 5
";

fn bits(recipe: &Recipe, data: &Dataset, observed: bool, threads: usize) -> Vec<u8> {
    let trainer = Trainer::from_recipe(recipe, data).unwrap();
    let trainer = if observed { trainer } else { trainer.unobserved() };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let outcome = pool.install(|| trainer.fit(data)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    save_weights(&path, &outcome.model, 0, 0).unwrap();
    std::fs::read(path).unwrap()
}

#[test]
fn threads_and_supervision_change_no_bit() {
    let (recipe, data) = (recipe(EVERYTHING, 2), first_of_sequence(96, 6, 5));
    let observed = bits(&recipe, &data, true, 2);
    assert!(observed == bits(&recipe, &data, true, 1), "one thread and two differ");
    assert!(observed == bits(&recipe, &data, false, 2), "supervision changes the weights");
}

#[test]
fn weights_come_back() {
    let (recipe, folder) = (recipe(EVERYTHING, 2), tempfile::tempdir().unwrap());
    let network = |seed| Network::from_recipe(&Recipe { seed, ..recipe.clone() }, 6, &cpu(true)).unwrap();
    let (first, second) = (folder.path().join("first.safetensors"), folder.path().join("second.safetensors"));
    save_weights(&first, &network(1), 0, 0).unwrap();
    save_weights(&second, &load_weights(&first, network(2)).unwrap(), 0, 0).unwrap();
    assert!(std::fs::read(&first).unwrap() == std::fs::read(&second).unwrap());
    save_weights(&second, &network(2), 0, 0).unwrap();
    assert!(std::fs::read(&first).unwrap() != std::fs::read(&second).unwrap(), "the seed does nothing");
}

/// A weight of a network as a checkpoint has it.
fn weight(network: &Network, name: &str) -> Vec<f32> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    save_weights(&path, network, 0, 0).unwrap();
    let bytes = std::fs::read(path).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let tensor = tensors.tensor(name).unwrap_or_else(|_| panic!("{name} is none of {:?}", tensors.names()));
    tensor.data().chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
}

#[test]
fn a_recurrent_layer_begins_orthogonal_and_remembering() {
    let layers = "[[layers]]\nkind = \"reshape\"\nshape = [4, 2]\n[[layers]]\nkind = \"lstm\"\nunits = 3\nbidirectional = true\n";
    let network = Network::from_recipe(&recipe(layers, 1), 8, &cpu(true)).unwrap();
    for direction in ["forward", "backward"] {
        // Input, forget, candidate and output gate, three units each.
        let bias = weight(&network, &format!("lstm1.{direction}.bias"));
        assert_eq!(bias, [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        let carried = weight(&network, &format!("lstm1.{direction}.recurrent_weight"));
        let rows: Vec<&[f32]> = carried.chunks(12).collect();
        for (a, b) in [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)] {
            let product: f32 = rows[a].iter().zip(rows[b]).map(|(x, y)| x * y).sum();
            let expected = if a == b { 1.0 } else { 0.0 };
            assert!((product - expected).abs() < 1e-5, "{direction}, rows {a} and {b}: {product}");
        }
    }
    assert_ne!(weight(&network, "lstm1.forward.input_weight"), weight(&network, "lstm1.backward.input_weight"));
    let forgetful = recipe(&format!("{layers}forget_bias = -2.0\n"), 1);
    let forgetful = Network::from_recipe(&forgetful, 8, &cpu(true)).unwrap();
    assert_eq!(weight(&forgetful, "lstm1.forward.bias")[3..6], [-2.0; 3]);
}

#[test]
fn parameters_are_counted_in_their_layer() {
    let data = first_of_sequence(20, 6, 5);
    let inspection = inspect(&recipe(EVERYTHING, 1), &data).unwrap();
    let counts: Vec<_> =
        inspection.layers.iter().map(|layer| format!("{} {} {}", layer.site, layer.output, layer.parameters)).collect();
    // An encoder of 4 features: 4 * (16 + 4) for the attention, 4 * 16 + 16 + 16 * 4 + 4 for the network, 16 for two norms.
    // The LSTM has 2 * 4 * (4 * 6 + 6 * 6 + 6); the GRU, with its two biases, 3 * (6 * 8 + 8 * 8 + 2 * 8).
    insta::assert_snapshot!(counts.join("\n"), @"
    embedding1 [6, 4] 20
    position1 [6, 4] 24
    encoder1 [6, 4] 244
    norm1 [6, 4] 4
    lstm1 [6, 12] 528
    norm2 [6, 12] 24
    activation1 [6, 6] 0
    gru1 [6, 8] 384
    residual1 [6, 8] 88
    parallel1 [6, 8] 88
    reshape1 [4, 3, 4] 0
    conv1 [3, 6, 8] 111
    activation2 [3, 6, 8] 3
    pool1 [3] 0
    dense1 [5] 20
    ");
}

#[test]
fn a_number_outside_of_the_vocabulary_is_an_error_with_its_place() {
    let layers = "[[layers]]\nkind = \"embedding\"\nvocabulary = 3\ndimension = 4\n[[layers]]\nkind = \"flatten\"\n[[layers]]\nkind = \"dense\"\nunits = 3\n";
    let recipe = recipe(layers, 1);
    for wrong in [3.0, -1.0, 0.5, f32::NAN] {
        let mut data = first_of_sequence(8, 4, 3);
        data.inputs[2 * 4 + 1] = wrong;
        let error = Trainer::from_recipe(&recipe, &data).unwrap().fit(&data).err().expect("an error").to_string();
        assert!(error.contains(&format!("row 2, column 1 of the inputs is {wrong}")), "{error}");
        assert!(error.contains("embedding1 takes whole numbers from 0 to 2"), "{error}");
        assert_eq!(error, inspect(&recipe, &data).unwrap_err().to_string());
    }
    // A row that is not used may hold anything.
    let mut data = first_of_sequence(8, 4, 3);
    data.inputs[2 * 4 + 1] = f32::NAN;
    let mut dropping = recipe;
    dropping.data.missing = Missing::Drop;
    assert_eq!(inspect(&dropping, &data).unwrap().rows, 7);
}

#[test]
fn what_an_embedding_does_not_know_is_answered_with_no_number() {
    let layers = "[[layers]]\nkind = \"embedding\"\nvocabulary = 3\ndimension = 4\n[[layers]]\nkind = \"flatten\"\n[[layers]]\nkind = \"dense\"\nunits = 3\n";
    let data = first_of_sequence(8, 4, 3);
    let outcome = Trainer::from_recipe(&recipe(layers, 1), &data).unwrap().fit(&data).unwrap();
    let outputs = outcome.predict(&[0.0, 1.0, 2.0, 0.0, 0.0, 1.0, 7.0, 0.0], 4);
    assert!(outputs[..3].iter().all(|output| output.is_finite()), "{outputs:?}");
    assert!(outputs[3..].iter().all(|output| output.is_nan()), "{outputs:?}");
}

#[test]
fn a_step_of_a_recurrent_layer_that_overflows_is_named() {
    let layers = "[[layers]]\nkind = \"reshape\"\nshape = [8, 1]\n[[layers]]\nkind = \"rnn\"\nunits = 4\nactivation = \"exponential\"\n\
                  [[layers]]\nkind = \"dense\"\nunits = 3\n";
    let mut data = first_of_sequence(64, 8, 3);
    // From the third time step on, so that the state is still finite before.
    data.inputs.chunks_mut(8).for_each(|row| row[2..].iter_mut().for_each(|value| *value = 1e4));
    let trainer = Trainer::from_recipe(&recipe(layers, 1), &data).unwrap();
    let outcome = trainer.callback(TerminateOnNan).fit(&data).unwrap();
    let found = outcome.diagnosis().unwrap().incident.expect("the run breaks");
    assert_eq!((found.operation.as_str(), found.site.as_str()), ("exp", "rnn1.forward"), "{found:?}");
    assert_eq!(found.source.expect("a line").file.rsplit('/').next(), Some("activation.rs"));
}

#[test]
fn an_operation_inside_of_a_block_is_named_with_its_whole_path() {
    let layers = "[[layers]]\nkind = \"residual\"\nname = \"block\"\n[[layers.layers]]\nkind = \"sequential\"\n\
                  layers = [{ kind = \"dense\", units = 4, name = \"grow\", activation = \"exponential\" }]\n\
                  [[layers]]\nkind = \"dense\"\nunits = 3\n";
    let mut data = first_of_sequence(64, 4, 3);
    data.inputs.iter_mut().for_each(|value| *value = 1e4 * (*value + 1.0));
    let trainer = Trainer::from_recipe(&recipe(layers, 1), &data).unwrap();
    let outcome = trainer.callback(TerminateOnNan).fit(&data).unwrap();
    let found = outcome.diagnosis().unwrap().incident.expect("the run breaks");
    assert_eq!((found.operation.as_str(), found.site.as_str()), ("exp", "block.sequential1.grow"), "{found:?}");
}

#[test]
fn a_key_of_a_layer_inside_of_a_layer_is_set() {
    let mut recipe = recipe(EVERYTHING, 1);
    let number = recipe.layer_names().iter().position(|name| name == "residual1").unwrap();
    recipe.set("layers.residual1.layers.1.rate", "0.125").unwrap();
    let text = recipe.to_toml();
    assert!(text.contains("rate = 0.125"), "{text}");
    let error = recipe.set("layers.residual1.layers.1.rate", "2").unwrap_err().to_string();
    assert!(error.contains(&format!("layers.{number}.layers.1.rate must be from 0 to below 1")), "{error}");
}

#[test]
fn facts_number_the_layers_as_the_recipe_does() {
    let recipe = recipe(EVERYTHING, 1);
    let network = Network::from_recipe(&recipe, 6, &cpu(true)).unwrap();
    let facts = network.facts();
    let told: Vec<&str> =
        facts.iter().filter(|fact| fact.key == FactKey::Layer).map(|fact| fact.site.as_str()).collect();
    assert_eq!(told, recipe.layer_names());
    let inner = facts.iter().find(|fact| fact.site == "residual1.dense1" && fact.key == FactKey::FanIn);
    assert_eq!(inner.map(|fact| fact.value.clone()), Some(FactValue::Number(8.0)));
}

#[test]
fn blocks_that_do_not_fit_are_explained() {
    let block = |head: &str, inner: &str| format!("[[layers]]\nkind = {head}\n{inner}");
    let layer = |text: &str| format!("[[layers.layers]]\nkind = {text}\n");
    let dense = |units| layer(&format!("\"dense\"\nunits = {units}"));
    let message = |layers: &str| {
        let text = format!("{layers}[loss]\nkind = \"mse\"\n");
        let read = Recipe::parse(&text, "block.toml");
        read.and_then(|recipe| recipe.shapes(4)).expect_err(layers).to_string()
    };
    let said = [
        message(&block("\"residual\"", &dense(5))),
        message(&block("\"residual\"", "")),
        message(&block("\"parallel\"\nmerge = \"add\"", &(dense(5) + &dense(6)))),
        message(&block("\"parallel\"", &(dense(5) + &layer("\"reshape\"\nshape = [2, 2]")))),
        message(&block("\"sequential\"", &layer("\"lstm\"\nunits = 2"))),
        message(&block("\"sequential\"", &layer("\"dense\""))),
        message(&block("\"parallel\"", &layer("\"embedding\"\nvocabulary = 2\ndimension = 2"))),
        message(&block("\"parallel\"\nmerge = \"multiply\"", &(dense(5) + &dense(6)))),
        message(&block("\"rrelu\"\nlower = 0.5", "")),
        message(&block("\"sequential\"", &(layer("\"flatten\"\nname = \"a\"") + &layer("\"flatten\"\nname = \"a\"")))),
    ];
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn sequences_that_do_not_fit_are_explained() {
    let message = |layers: &str, inputs: u64| recipe(layers, 1).shapes(inputs).expect_err(layers).to_string();
    let layer = |text: &str| format!("[[layers]]\nkind = {text}\n");
    let reshaped =
        |shape: &str, text: &str| format!("[[layers]]\nkind = \"reshape\"\nshape = {shape}\n{}", layer(text));
    let said = [
        message(&layer("\"lstm\"\nunits = 4"), 12),
        message(&reshaped("[4, 5]", "\"lstm\"\nunits = 4"), 12),
        message(&reshaped("[4, 3]", "\"multi_head_attention\"\nheads = 2"), 12),
        message(&reshaped("[4, 3]", "\"transformer_encoder\"\nheads = 2"), 12),
        message(&reshaped("[4, 3]", "\"group_norm\"\ngroups = 2"), 12),
        message(&reshaped("[4, 3]", "\"glu\""), 12),
        message(&reshaped("[4, 3]", "\"conv1d\"\nchannels = 2\nkernel = 5\npadding = \"valid\""), 12),
        message(&reshaped("[4, 3]", "\"embedding\"\nvocabulary = 2\ndimension = 2"), 12),
        message(&layer("\"global_average_pool\""), 12),
        message(&reshaped("[4, 3]", "\"max_pool1d\"\nsize = 5"), 12),
        message(&layer("\"avg_pool1d\""), 12),
    ];
    insta::assert_snapshot!(said.join("\n"));
}
