use super::*;
use barograph_vocab::{Edit, EditValue};
use proptest::prelude::*;
use std::fmt::Write as _;

const GOOD: &str = r#"# The demonstration.
name = "digits"
seed = 3
epochs = 20
batch = 32
task = "multiclass"

[data]
file = "digits.csv"     # beside this recipe
inputs = ["pixel_*"]
target = "label"
normalize = { scale = 0.0625 }
normalize_target = "none"
shuffle = true
validation = 0.2
image = [1, 8, 8]

[[layers]]
kind = "conv2d"
channels = 8
activation = "relu"
initializer = "he_normal"

[[layers]]
kind = "max_pool2d"

[[layers]]
name = "fc1"
kind = "dense"
units = 64              # wide enough
activation = "relu"
initializer = { kind = "normal", std = 0.1 }

[[layers]]
kind = "dropout"
rate = 0.25

[[layers]]
kind = "dense"
units = 10

[loss]
kind = "cross_entropy"

[optimizer]
kind = "sgd"
learning_rate = 0.1     # high, on purpose
momentum = 0.9
nesterov = true

[penalty]
l2 = 1e-4

[clip]
global_norm = 1

[schedule]
kind = "cosine"
warmup_steps = 100

[[callbacks]]
kind = "early_stopping"
patience = 3

[[callbacks]]
kind = "csv_logger"

[observe]
units_every = 5
"#;

fn good() -> Recipe {
    Recipe::parse(GOOD, "digits.toml").expect("valid")
}

#[test]
fn a_recipe_is_read() {
    let recipe = good();
    assert_eq!((recipe.name.as_str(), recipe.seed, recipe.epochs, recipe.batch), ("digits", 3, 20, 32));
    assert_eq!(recipe.task, Some(Task::Multiclass));
    assert_eq!(recipe.data.normalize, Normalize::Fixed { scale: 0.0625, shift: 0.0 });
    assert_eq!(recipe.data.target, ["label"]);
    assert_eq!(recipe.layers[2].name.as_deref(), Some("fc1"));
    assert_eq!(recipe.layer_names(), ["conv1", "pool1", "fc1", "dropout1", "dense1"]);
    let LayerKind::Dense { units: 64, activation: Activation::Relu, weights } = recipe.layers[2].kind else {
        panic!("{:?}", recipe.layers[2])
    };
    assert_eq!(weights.initializer, Initializer::Normal { std: 0.1 });
    assert_eq!(recipe.optimizer.kind, OptimizerKind::Sgd { momentum: 0.9, nesterov: true });
    assert_eq!(recipe.clip.global_norm, Some(1.0));
    assert_eq!(
        recipe.schedule,
        ScheduleSpec { kind: ScheduleKind::Cosine { steps: None, floor: 0.0 }, warmup_steps: 100 }
    );
    assert_eq!(recipe.callbacks.len(), 2);
    assert_eq!(recipe.observe.units_every, 5);
    assert_eq!(recipe.place("optimizer.learning_rate"), "digits.toml:47");
    assert_eq!(recipe.place("layers.0.kernel"), "digits.toml:18", "a key left out gives its table");
    assert_eq!(
        recipe.shapes(64).expect("fits"),
        [Shape::Image([8, 8, 8]), Shape::Image([8, 4, 4]), Shape::Row(64), Shape::Row(64), Shape::Row(10)]
    );
}

#[test]
fn the_smallest_recipe_has_layers_and_a_loss() {
    let text = "[[layers]]\nkind = \"dense\"\nunits = 1\n[loss]\nkind = \"mse\"\n";
    let recipe = Recipe::parse(text, "runs/line.toml").expect("valid");
    let built = Recipe {
        name: "line".to_owned(),
        layers: vec![LayerSpec::dense(1)],
        loss: LossKind::Mse.into(),
        ..Recipe::default()
    };
    assert_eq!(recipe, built);
    assert!(recipe.data_file().is_err());
}

/// Each line of a recipe that is changed, and what is said about it.
fn complaints(changes: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (old, new) in changes {
        assert!(GOOD.contains(old), "{old}");
        let error = Recipe::parse(&GOOD.replacen(old, new, 1), "digits.toml").expect_err(new);
        let title = if new.is_empty() { format!("without {old}") } else { (*new).to_owned() };
        let said = error.to_string().replace('\n', "\n  -> ");
        let _ = writeln!(text, "{}\n  -> {said}", title.trim_end().replace('\n', " | "));
    }
    text
}

#[test]
fn misspelled_names_are_recognized() {
    let said = complaints(&[
        ("kind = \"cross_entropy\"", "kind = \"mes\""),
        ("kind = \"cross_entropy\"", "kind = \"sparse_categorical_crossentropy\""),
        ("kind = \"cross_entropy\"", "kind = \"CrossEntropyLoss\""),
        ("kind = \"cross_entropy\"", "kind = \"wasserstein\""),
        ("kind = \"sgd\"", "kind = \"Adam\""),
        ("kind = \"sgd\"", "kind = \"lion\""),
        ("activation = \"relu\"", "activation = \"rleu\""),
        ("activation = \"relu\"", "activation = \"LeakyReLU\""),
        ("initializer = \"he_normal\"", "initializer = \"kaiming_normal\""),
        ("initializer = \"he_normal\"", "initializer = { kind = \"norml\", std = 0.1 }"),
        ("kind = \"dropout\"", "kind = \"droput\""),
        ("kind = \"max_pool2d\"", "kind = \"capsule\""),
        ("kind = \"early_stopping\"", "kind = \"EarlyStopping\""),
        ("kind = \"cosine\"", "kind = \"cosin\""),
        ("task = \"multiclass\"", "task = \"classification\""),
        ("normalize = { scale = 0.0625 }", "normalize = \"zscore\""),
        ("patience = 3", "monitor = \"val_loss\""),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn unknown_keys_are_errors() {
    let said = complaints(&[
        ("epochs = 20", "epoch = 20"),
        ("epochs = 20", "max_steps = 20"),
        ("batch = 32", "batch_size = 32"),
        ("learning_rate = 0.1 ", "lr = 0.1"),
        ("kind = \"sgd\"", "kind = \"adam\""),
        ("channels = 8", "channels = 8\nunits = 8"),
        ("channels = 8", "filters = 8"),
        ("rate = 0.25", "p = 0.25"),
        ("std = 0.1", "stdev = 0.1"),
        ("scale = 0.0625", "scal = 0.0625"),
        ("[optimizer]", "[optimiser]"),
        ("[penalty]\nl2", "[penalty]\nL2"),
        ("global_norm = 1", "max_norm = 1"),
        ("patience = 3", "patiance = 3"),
        ("validation = 0.2", "validation_split = 0.2"),
        ("epochs = 20", "\"\\u001b[31m\" = 20"),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn wrong_types_are_named() {
    let said = complaints(&[
        ("batch = 32", "batch = \"32\""),
        ("batch = 32", "batch = 32.5"),
        ("batch = 32", "batch = [32]"),
        ("seed = 3", "seed = -1"),
        ("seed = 3", "seed = 2024-01-01"),
        ("learning_rate = 0.1 ", "learning_rate = \"0.1\""),
        ("name = \"digits\"", "name = 7"),
        ("shuffle = true", "shuffle = 1"),
        ("image = [1, 8, 8]", "image = [8, 8]"),
        ("image = [1, 8, 8]", "image = \"8x8\""),
        ("inputs = [\"pixel_*\"]", "inputs = [1, 2]"),
        ("normalize = { scale = 0.0625 }", "normalize = 0.0625"),
        ("activation = \"relu\"", "activation = true"),
        ("[clip]\nglobal_norm = 1", "[[clip]]\nglobal_norm = 1"),
        ("[[callbacks]]\nkind = \"early_stopping\"\npatience = 3\n\n[[callbacks]]", "[callbacks]"),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn values_out_of_bounds_are_errors() {
    let said = complaints(&[
        ("epochs = 20", "epochs = 0"),
        ("batch = 32", "batch = 0"),
        ("batch = 32", "batch = 99999999999"),
        ("learning_rate = 0.1 ", "learning_rate = -0.1"),
        ("learning_rate = 0.1 ", "learning_rate = nan"),
        ("learning_rate = 0.1 ", "learning_rate = inf"),
        ("momentum = 0.9", "momentum = 1.0"),
        ("rate = 0.25", "rate = 1"),
        ("validation = 0.2", "validation = 1.5"),
        ("units = 64 ", "units = 0"),
        ("image = [1, 8, 8]", "image = [1, 0, 8]"),
        ("scale = 0.0625", "scale = 0"),
        ("global_norm = 1", "global_norm = 0"),
        ("name = \"digits\"", "name = \" \""),
        ("inputs = [\"pixel_*\"]", "inputs = [\"\"]"),
        ("kind = \"cosine\"", "kind = \"cosine\"\nfloor = 2"),
        ("kind = \"early_stopping\"", "kind = \"reduce_lr_on_plateau\"\nfactor = 10"),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn what_does_not_fit_together_is_an_error() {
    let said = complaints(&[
        ("channels = 8\n", ""),
        ("[loss]\nkind = \"cross_entropy\"\n", ""),
        ("[loss]\nkind = \"cross_entropy\"", "[loss]"),
        ("kind = \"max_pool2d\"\n", ""),
        ("image = [1, 8, 8]\n", ""),
        ("kind = \"dropout\"\nrate = 0.25", "kind = \"max_pool2d\""),
        ("kind = \"dropout\"", "kind = \"dropout\"\nname = \"fc1\""),
        ("name = \"fc1\"", "name = \"3\""),
        ("momentum = 0.9\n", ""),
        ("global_norm = 1", "global_norm = 1\ntensor_norm = 1"),
        ("validation = 0.2\n", ""),
        (
            "[loss]\nkind = \"cross_entropy\"",
            "[loss]\nkind = \"mse\"\nlabel_smoothing = 0.1\nclass_weights = [1.0, 2.0]",
        ),
        ("[loss]\nkind = \"cross_entropy\"", "[loss]\nkind = \"binary_cross_entropy\"\nclass_weights = [1.0]"),
        ("[loss]\nkind = \"cross_entropy\"", "[loss]\nkind = \"cross_entropy\"\nclass_weights = [0.0, 0.0]"),
        ("[loss]\nkind = \"cross_entropy\"", "[loss]\nkind = \"ctc\"\nclasses = 3\nblank = 3"),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn lists_of_a_schedule_are_checked() {
    let said = |schedule: &str| {
        let text = GOOD.replace("kind = \"cosine\"", schedule);
        Recipe::parse(&text, "digits.toml").expect_err(schedule).to_string()
    };
    let said = [
        "kind = \"multistep\"\nmilestones = 3",
        "kind = \"multistep\"\nmilestones = [1.5]",
        "kind = \"multistep\"\nmilestones = []",
        "kind = \"multistep\"\nmilestones = [0, 4]",
        "kind = \"multistep\"\nmilestones = [4, 4]",
        "kind = \"piecewise\"\nboundaries = [9, 4]\nfactors = [1, 1]",
        "kind = \"piecewise\"\nboundaries = [4, 9]\nfactors = [-1, inf]",
        "kind = \"piecewise\"\nboundaries = [4, 9]\nfactors = [1]",
        "kind = \"cyclical\"\nminimum = 2",
        "kind = \"one_cycle\"\nbase_momentum = 0.99",
    ]
    .map(said)
    .join("\n");
    insta::assert_snapshot!(said);
}

#[test]
fn toml_errors_have_a_line() {
    let said = complaints(&[
        ("batch = 32", "batch = "),
        ("batch = 32", "batch = 32\nbatch = 64"),
        ("[loss]", "[loss"),
        ("kind = \"sgd\"", "kind = \"sgd"),
        ("[loss]", "[[layers.x]]\n[loss]"),
    ]);
    insta::assert_snapshot!(said);
    insta::assert_snapshot!(Recipe::parse("", "empty.toml").expect_err("empty").to_string(), @r#"
    empty.toml: there is no [loss]; add [loss] with kind = ...
    empty.toml: the recipe has no layers; add at least one, such as [[layers]] with kind = "dense" and units = 10
    "#);
}

#[test]
fn every_problem_is_found_in_one_go() {
    let text = GOOD
        .replace("batch = 32", "batch = 0")
        .replace("momentum = 0.9", "momentun = 0.9")
        .replace("\"relu\"", "\"rleu\"");
    let error = Recipe::parse(&text, "digits.toml").expect_err("four problems");
    insta::assert_snapshot!(error.to_string(), @r#"
    digits.toml:5: batch must be from 1 to 1073741824, not 0
    digits.toml:21: unknown activation "rleu"; did you mean "relu"?
    digits.toml:31: unknown activation "rleu"; did you mean "relu"?
    digits.toml:48: unknown key "momentun" in optimizer of kind "sgd"; did you mean "momentum"?
    "#);
    assert_eq!(error.problems()[3].key, "optimizer.momentun");
}

#[test]
fn a_missing_file_names_its_neighbours() {
    let folder = tempfile::tempdir().expect("folder");
    std::fs::write(folder.path().join("digits.toml"), GOOD).expect("written");
    let message = |name: &str| {
        let error = Recipe::load(&folder.path().join(name)).expect_err("missing").to_string();
        error.replace(&folder.path().display().to_string(), "FOLDER")
    };
    insta::assert_snapshot!([message("digit.toml"), message("nothing.toml"), message("sub/x.toml")].join("\n"), @r#"
    FOLDER/digit.toml: cannot read the recipe: No such file or directory (os error 2); did you mean "digits.toml"?
    FOLDER/nothing.toml: cannot read the recipe: No such file or directory (os error 2); the folder FOLDER holds digits.toml
    FOLDER/sub/x.toml: cannot read the recipe: No such file or directory (os error 2); there is no folder FOLDER/sub either
    "#);
    let recipe = Recipe::load(&folder.path().join("digits.toml")).expect("there");
    assert_eq!(recipe.data_file().expect("named"), folder.path().join("digits.csv"), "paths start from the recipe");
}

#[test]
fn set_changes_one_key_and_checks_it() {
    let mut recipe = good();
    recipe.set("optimizer.learning_rate", "1e-3").expect("a number");
    recipe.set("name", "2024").expect("text without quotes");
    recipe.set("loss.kind", "mse").expect("a word without quotes");
    recipe.set("data.inputs", "[\"pixel_0_*\"]").expect("a list");
    recipe.set("layers.fc1.units", "128").expect("a layer by name");
    recipe.set("layers.conv1.kernel", "5").expect("a layer by its default name");
    recipe.set("layers.4.activation", "softmax").expect("a layer by number");
    recipe.set("layers.fc1.initializer.std", "0.2").expect("a key of an inline table");
    recipe.set("layers.0.initializer.kind", "uniform").expect("a word turns into a table");
    recipe.set("clip.value", "5").expect("a key that was not there");
    assert_eq!(recipe.optimizer.learning_rate, 1e-3);
    assert_eq!(recipe.name, "2024");
    assert_eq!(recipe.loss.kind, LossKind::Mse);
    assert_eq!(recipe.place("clip.value"), "--set clip.value=5");
    assert_eq!(recipe.place("optimizer.momentum"), "digits.toml:48", "other places stay those of the file");
    assert_eq!(Recipe::parse(&recipe.text(), "digits.toml").expect("still valid"), recipe);
    let changes = diff_text(GOOD, &recipe.text(), 0);
    insta::assert_snapshot!(changes);
}

#[test]
fn keys_that_need_each_other_are_set_together() {
    let set = |keys: &[(&str, &str)]| {
        let mut recipe = Recipe::parse(GOOD, "digits.toml").expect("a good recipe");
        let keys: Vec<_> = keys.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let outcome = recipe.set_all(&keys);
        outcome.map(|()| recipe).map_err(|error| error.to_string())
    };
    let plain = |recipe: Recipe| (recipe.epochs, recipe.batch, recipe.name);
    let good = Recipe::parse(GOOD, "digits.toml").expect("a good recipe");
    assert_eq!(set(&[]).map(plain), Ok(plain(good.clone())));
    let both = set(&[("batch", "7"), ("epochs", "3"), ("epochs", "4")]).map(plain);
    assert_eq!(both, Ok((4, 7, good.name.clone())));
    let either = [("data.validation_file", "held.csv"), ("data.validation", "0")];
    for keys in [either, [either[1], either[0]]] {
        let recipe = set(&keys).expect("they go together");
        assert_eq!((recipe.data.validation, recipe.data.holds_out()), (0.0, true));
        assert!(recipe.text().contains("validation_file = \"held.csv\""), "{}", recipe.text());
    }
    // The first that is wrong is named, and nothing is changed.
    let wrong = set(&[("batch", "7"), ("epohcs", "3"), ("seed", "-1")]).expect_err("a typo");
    assert!(wrong.starts_with("--set epohcs=3: unknown key"), "{wrong}");
}

#[test]
fn set_says_what_is_wrong() {
    let sets = [
        ("optimizer.lr", "0.1"),
        ("optimizer.learning_rate", "fast"),
        ("optimizer.learning_rate", "-1"),
        ("loss.kind", "mes"),
        ("layers.9.units", "3"),
        ("layers.fc2.units", "3"),
        ("layers", "3"),
        ("layers.0", "3"),
        ("optimizer", "adam"),
        ("optimiser.kind", "adam"),
        ("name.x", "1"),
        ("batch", "0"),
        ("", "0"),
    ];
    let mut text = String::new();
    for (key, value) in sets {
        let mut recipe = good();
        let before = recipe.text();
        let _ = writeln!(text, "{}", recipe.set(key, value).expect_err(key));
        assert_eq!(recipe.text(), before, "nothing is changed by a set that fails");
    }
    insta::assert_snapshot!(text);
}

#[test]
fn edits_keep_comments_and_drop_keys_that_no_longer_belong() {
    let number = |key: &str, value: f64| Edit { key: key.to_owned(), value: EditValue::Number(value) };
    let word = |key: &str, value: &str| Edit { key: key.to_owned(), value: EditValue::Text(value.to_owned()) };
    let edits = [
        number("optimizer.learning_rate", 0.02),
        word("optimizer.kind", "adam"),
        number("layers.fc1.units", 128.0),
        word("layers.2.initializer", "he_normal"),
        number("clip.value", 1.0),
        word("data.normalize", "standard"),
        Edit { key: "data.shuffle".to_owned(), value: EditValue::Flag(false) },
        word("callbacks.2.kind", "terminate_on_nan"),
    ];
    let new = good().apply(&edits).expect("valid edits");
    let changes = diff_text(GOOD, &new, 1);
    insta::assert_snapshot!(changes);

    let error = good().apply(&[number("optimizer.learning_rate", -1.0)]).expect_err("out of bounds");
    insta::assert_snapshot!(error.to_string(), @"edit optimizer.learning_rate = -1: optimizer.learning_rate must be 0 or more, not -1");
}

#[test]
fn a_recipe_built_in_code_can_be_edited_too() {
    let recipe = Recipe { layers: vec![LayerSpec::dense(1)], ..Recipe::default() };
    let text = recipe.apply(&[Edit { key: "batch".to_owned(), value: EditValue::Number(8.0) }]).expect("valid");
    insta::assert_snapshot!(text, @r#"
    name = "run"
    batch = 8

    [[layers]]
    kind = "dense"
    units = 1

    [loss]
    kind = "mse"
    "#);
}

#[test]
fn code_is_checked_like_a_file() {
    let recipe = Recipe {
        batch: 0,
        layers: vec![LayerSpec::dense(0), LayerSpec::dropout(2.0), LayerSpec::conv2d(4)],
        optimizer: OptimizerSpec::default().with_learning_rate(f64::NAN),
        ..Recipe::default()
    };
    insta::assert_snapshot!(recipe.check().expect_err("five problems").to_string(), @r"
    batch must be from 1 to 1073741824, not 0
    layers.0.units must be from 1 to 1048576, not 0
    layers.1.rate must be from 0 to below 1, not 2
    optimizer.learning_rate must be 0 or more, not NaN
    layers.2 (conv2d) needs an image, but layers.0 (dense) has made a row of it; move it up
    ");
}

#[test]
fn shapes_that_do_not_fit_are_explained() {
    let message = |text: &str, inputs: u64| {
        let recipe = Recipe::parse(text, "digits.toml").expect("valid on its own");
        recipe.shapes(inputs).expect_err("does not fit").to_string()
    };
    let wide = GOOD.replace("kind = \"max_pool2d\"", "kind = \"max_pool2d\"\nsize = 9");
    insta::assert_snapshot!([message(GOOD, 63), message(&wide, 64)].join("\n"), @"
    digits.toml:16: data.image = [1, 8, 8] makes 64 values of each row, but the data has 63 inputs
    digits.toml:24: layer pool1: a window of 9x9 does not fit the image of 8x8 that comes in; use fewer or smaller windows
    ");
}

#[test]
fn the_hash_is_of_what_a_recipe_says() {
    let recipe = good();
    let reordered = GOOD.replace("seed = 3\nepochs = 20", "epochs = 20 # passes\nseed = 3\n");
    assert_eq!(Recipe::parse(&reordered, "other.toml").expect("valid").hash(), recipe.hash());
    let written_out = GOOD.replace("[[layers]]\nkind = \"conv2d\"", "[[layers]]\nkind = \"conv2d\"\nkernel = 3");
    assert_eq!(Recipe::parse(&written_out, "digits.toml").expect("valid").hash(), recipe.hash());
    let other = GOOD.replace("seed = 3", "seed = 4");
    assert_ne!(Recipe::parse(&other, "digits.toml").expect("valid").hash(), recipe.hash());
    assert_eq!(recipe.hash(), Recipe::parse(&recipe.to_toml(), "digits.toml").expect("valid").hash());
}

#[test]
fn a_recipe_is_written_without_its_defaults() {
    let text = good().to_toml();
    insta::assert_snapshot!(text);
}

#[test]
fn a_diff_shows_removed_and_added_lines() {
    assert_eq!(
        diff("a\nb\nc", "a\nx\nc\nd"),
        [DiffLine::Same("a"), DiffLine::Removed("b"), DiffLine::Added("x"), DiffLine::Same("c"), DiffLine::Added("d")]
    );
    assert_eq!(diff_text("a\nb\n", "a\nb\n", 3), "");
    assert_eq!(diff_text("1\n2\n3\n4\n5\n6\n7", "0\n2\n3\n4\n5\n6\n8", 1), "- 1\n+ 0\n  2\n  ...\n  6\n- 7\n+ 8\n");
}

fn word<T: Copy + std::fmt::Debug>(all: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(all)
}

fn kind<T: visit::Kind + std::fmt::Debug + 'static>() -> impl Strategy<Value = T> {
    prop::sample::select(T::all())
}

fn share() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), 0.0..1.0_f64]
}

fn positive() -> impl Strategy<Value = f64> {
    prop_oneof![Just(1.0), Just(f64::MIN_POSITIVE), Just(1e300), 1e-12..1e6_f64]
}

prop_compose! {
    fn weights()(initializer in kind::<Initializer>(), number in positive(), bias: bool, bias_initializer in kind::<Initializer>(), trainable: bool, rules in (kind::<RegularizerKind>(), kind::<ConstraintKind>())) -> WeightSpec {
        let initializer = match initializer {
            Initializer::Normal { .. } => Initializer::Normal { std: number },
            other => other,
        };
        WeightSpec { initializer, bias, bias_initializer, trainable, regularizer: rules.0, constraint: rules.1, ..WeightSpec::default() }
    }
}

prop_compose! {
    fn layer()(kind in kind::<LayerKind>(), name in prop::option::of("[a-z\"\\\\.é\n]{1,6}x"), size in 1..LARGEST_LAYER, to in word(Activation::ALL), by in weights(), some: bool) -> LayerSpec {
        let kind = match kind {
            LayerKind::Dense { .. } => LayerKind::Dense { units: size, activation: to, weights: by },
            // A convolution or pool would have to fit to the layers before it.
            LayerKind::Conv2d { .. } | LayerKind::Conv2dTranspose { .. } | LayerKind::MaxPool2d { .. } | LayerKind::AvgPool2d { .. } => LayerKind::Activation { activation: to },
            LayerKind::Conv1d { kernel, .. } => LayerKind::Conv1d { channels: size, kernel, stride: 2, padding: Padding::Valid, activation: to, weights: by },
            LayerKind::GroupNorm { epsilon, .. } => LayerKind::GroupNorm { groups: size, epsilon, trainable: some },
            LayerKind::Reshape { .. } => LayerKind::Reshape { shape: if some { vec![size] } else { vec![3, size] } },
            LayerKind::Embedding { initializer, .. } => LayerKind::Embedding { vocabulary: size, dimension: 3, initializer, trainable: some, mask_zero: !some, regularizer: by.regularizer, constraint: by.constraint },
            LayerKind::Rnn { .. } => LayerKind::Rnn { activation: to, recurrent: RecurrentSpec { units: size, weights: by, bidirectional: some, ..RecurrentSpec::default() } },
            LayerKind::Lstm { .. } => LayerKind::Lstm { forget_bias: -0.5, recurrent: RecurrentSpec { units: size, recurrent_initializer: by.initializer, ..RecurrentSpec::default() } },
            LayerKind::Gru { .. } => LayerKind::Gru { recurrent: RecurrentSpec { units: size, return_sequences: some, ..RecurrentSpec::default() } },
            LayerKind::MultiHeadAttention { .. } => LayerKind::MultiHeadAttention { heads: size, causal: some, weights: by },
            LayerKind::TransformerEncoder { .. } => LayerKind::TransformerEncoder { block: TransformerSpec { heads: size, hidden: some.then_some(size), activation: to, ..TransformerSpec::default() } },
            LayerKind::TransformerDecoder { .. } => LayerKind::TransformerDecoder { block: TransformerSpec { heads: size, norm: if some { NormPlace::Pre } else { NormPlace::Post }, weights: by, ..TransformerSpec::default() } },
            LayerKind::Residual { .. } => LayerKind::Residual { layers: vec![LayerSpec::dense(size), LayerSpec::lstm(3).named("memory")] },
            LayerKind::Parallel { .. } => LayerKind::Parallel { merge: if some { Merge::Add } else { Merge::Concat }, layers: vec![LayerSpec::flatten()] },
            LayerKind::EncoderDecoder { .. } => LayerKind::EncoderDecoder { source: size, layers: vec![LayerSpec::lstm(3), LayerSpec::transformer_decoder(size)] },
            LayerKind::Sequential { .. } => LayerKind::Sequential { layers: vec![LayerSpec::residual([LayerSpec::dropout(0.25)])] },
            LayerKind::BatchNorm { .. } => LayerKind::BatchNorm { momentum: 0.25, epsilon: 1e-3, trainable: some },
            other => other,
        };
        LayerSpec { name, kind }
    }
}

prop_compose! {
    fn data()(file in prop::option::of("[a-z]{1,8}\\.csv"), inputs in prop::collection::vec("[a-z*]{1,5}", 0..3), target in prop::collection::vec("[a-z]{1,5}", 0..3),
              normalize in kind::<Normalize>(), scale in positive(), shuffle: bool, validation in 0.01..0.99_f64, image in prop::option::of(prop::array::uniform3(1..64_u64)), examples in kind::<Examples>()) -> DataSpec {
        let image = image.filter(|_| examples == Examples::Rows);
        let text = TokenSpec { tokenizer: "characters".to_owned(), length: 7, vocabulary: 90 };
        let image_spec = ImageSpec { height: 9, width: 8, channels: Channels::Gray, resize: Resize::Lanczos, crop: true, broken: BrokenImages::Skip };
        let examples = match examples {
            Examples::Windows { .. } => Examples::Windows { length: 3, ahead: 0, horizon: 2, stride: 5 },
            Examples::Images { .. } => Examples::Images { spec: image_spec },
            Examples::Text { .. } => Examples::Text { spec: text },
            Examples::NextTokens { .. } => Examples::NextTokens { spec: text, stride: Some(3) },
            Examples::Rows => Examples::Rows,
        };
        let (is_text, has_columns) = (matches!(examples, Examples::Text { .. } | Examples::NextTokens { .. }), !matches!(examples, Examples::Images { .. } | Examples::NextTokens { .. }));
        let (inputs, target) = if has_columns { (inputs, target) } else { (Vec::new(), Vec::new()) };
        let (normalize, scale) = if is_text { (Normalize::None, None) } else { (normalize, Some(scale)) };
        let stream = shuffle && !is_text;
        let weight = (has_columns && shuffle).then(|| "a weight".to_owned());
        let normalize_target = scale.map_or(Normalize::None, |scale| Normalize::Fixed { scale, shift: -scale });
        DataSpec { file: file.map(Into::into), inputs, target, weight, normalize, normalize_target, missing: if shuffle { Missing::Drop } else { Missing::Keep }, shuffle, validation: if stream { 0.0 } else { validation }, validation_file: stream.then(|| "held.csv".into()), image, drop_last: !shuffle, prefetch: shuffle.then_some(3), stream, scratch: shuffle.then(|| "scratch".into()), examples }
    }
}

prop_compose! {
    fn recipe()(names in ("[ -~]{0,10}x", 0..i64::MAX as u64, 1..1_000_u64, 1..1_000_u64), task in prop::option::of(word(Task::ALL)), data in data(),
                layers in prop::collection::vec(layer(), 1..5), losses in (kind::<LossKind>(), word(Reduction::ALL)), optimizer in kind::<OptimizerKind>(),
                numbers in (positive(), share(), share(), share()), clip in prop::option::of(positive()), schedule in kind::<ScheduleKind>(),
                callbacks in prop::collection::vec(kind::<CallbackSpec>(), 0..4), counts in (0..9_u64, 0..9_u64, prop::option::of(1..9_u64))) -> Recipe {
        let (name, seed, epochs, batch) = names;
        let loss = match losses.0 {
            LossKind::Ctc { blank, .. } => LossKind::Ctc { classes: seed % 7 + 2, blank },
            other => other,
        };
        let class_weights = if loss.weighs() { vec![numbers.0, 1.0] } else { Vec::new() };
        let metrics = match loss.wants() {
            LossWants::Numbers => vec![MetricKind::Mae, MetricKind::R2],
            LossWants::Classes | LossWants::Flags => vec![MetricKind::TopFiveAccuracy],
            LossWants::Labels => Vec::new(),
        };
        let label_smoothing = if loss.smooths() { numbers.1 } else { 0.0 };
        // These do not go together.
        let sets_rates = callbacks.iter().any(|callback| matches!(callback, CallbackSpec::LearningRateScheduler { .. }));
        let schedule = if sets_rates { ScheduleSpec::default() } else { ScheduleSpec { kind: schedule, warmup_steps: counts.0 } };
        let terminates = callbacks.contains(&CallbackSpec::TerminateOnNan);
        let callbacks = callbacks.into_iter().filter(|callback| !terminates || !matches!(callback, CallbackSpec::SkipNonFinite { .. })).collect();
        let mut used = std::collections::BTreeSet::new();
        let layers = layers.into_iter().map(|mut layer| { layer.name = layer.name.filter(|name| used.insert(name.clone())); layer }).collect();
        Recipe {
            name, seed, epochs, validation_every: if data.holds_out() { batch % 5 + 1 } else { 1 }, batch, task, metrics, data, layers, outputs: Vec::new(),
            device: if numbers.1 < 0.5 { "cuda:3".to_owned() } else { "cpu".to_owned() },
            precision: if numbers.2 < 0.5 { Precision::F16 } else { Precision::Bf16 },
            loss_scale: LossScaleSpec { initial: 1.0 + numbers.0, interval: counts.0 + 1, ..LossScaleSpec::default() },
            loss: LossSpec { kind: loss, reduction: losses.1, label_smoothing, class_weights },
            model: ModelSpec {
                load: counts.2.map(|number| format!("{number}.safetensors").into()),
                map: (0..counts.0).map(|number| format!("a{number} = b.{number}")).collect(),
                partial: counts.1 > 4,
            },
            optimizer: OptimizerSpec { kind: optimizer, learning_rate: numbers.0, weight_decay: numbers.1, lookahead_steps: counts.2, lookahead_alpha: numbers.2 },
            penalty: PenaltySpec { l1: numbers.2, l2: numbers.3 },
            clip: ClipSpec { value: clip, tensor_norm: None, global_norm: clip },
            schedule,
            callbacks,
            observe: ObserveSpec { units_every: counts.1, snapshot_every: counts.2, ..ObserveSpec::default() },
            origin: Origin::default(),
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(recipe in recipe()) {
        let text = recipe.to_toml();
        let read = Recipe::parse(&text, "r.toml").map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert_eq!(&read, &recipe, "{}", text);
        prop_assert_eq!(read.hash(), recipe.hash());
    }

    #[test]
    fn hostile_text_never_panics(text in "[a-z\\[\\]={}\",.0-9\n \\\\é-]{0,80}", at in 0..GOOD.len()) {
        let _ = Recipe::parse(&text, "r.toml");
        let mut cut = GOOD.to_owned();
        cut.insert_str(at, &text);
        let _ = Recipe::parse(&cut, "r.toml");
        let mut recipe = good();
        let _ = recipe.set(&text, &text);
    }

    #[test]
    fn a_diff_holds_both_texts(old in prop::collection::vec("[abc]", 0..12), new in prop::collection::vec("[abc]", 0..12)) {
        let (old_text, new_text) = (old.join("\n"), new.join("\n"));
        let lines = diff(&old_text, &new_text);
        let olds: Vec<&str> = lines.iter().filter_map(|line| match line { DiffLine::Same(line) | DiffLine::Removed(line) => Some(*line), DiffLine::Added(_) => None }).collect();
        let news: Vec<&str> = lines.iter().filter_map(|line| match line { DiffLine::Same(line) | DiffLine::Added(line) => Some(*line), DiffLine::Removed(_) => None }).collect();
        prop_assert_eq!(olds, old);
        prop_assert_eq!(news, new);
    }
}
