//! Fused operations compute what the separate ones do, derivatives too, and the same bits on any number of threads.
//!
//! What stands in for several operations steps aside under a trace, and every fused operation does so in double precision: that is what
//! they are held to.
use barograph_burn::{Scope, StepKey, Trace, cpu, from_slice, in_double_precision, ops, to_vec};
use barograph_train::callbacks::TerminateOnNan;
use barograph_train::data::{Dataset, Targets};
use barograph_train::recipe::Recipe;
use barograph_train::{Model, Network, TargetTensor, Trainer};
use barograph_vocab::{Exactness, Phase};
use burn::module::{Module, ModuleVisitor, Param};
use burn::prelude::*;
use burn::tensor::Gradients;
use proptest::prelude::*;

/// Largest difference, relative to the largest magnitude of a tensor.
const TOLERANCE: f32 = 2e-5;

/// What is smaller than this throughout is compared as if something in it were so large: a gradient that is 0 but for rounding, or the
/// tail of a function.
const FLOOR: f32 = 0.05;

/// Numbers from -1 to 1 without a pattern.
fn numbers(count: usize, seed: usize) -> Vec<f32> {
    let mut random = barograph_train::random::Random::new(seed as u64, barograph_train::random::Purpose::Weight, 0, 0);
    (0..count).map(|_| 2.0 * random.uniform() - 1.0).collect()
}

fn leaf<const D: usize>(shape: [usize; D], seed: usize) -> Tensor<D> {
    from_slice(numbers(shape.iter().product(), seed), shape, &cpu(true)).require_grad()
}

/// A number that every element of `y` weighs in differently, so that every part of the gradient matters.
fn weigh<const D: usize>(y: Tensor<D>) -> Tensor<1> {
    let factors = from_slice(numbers(y.dims().iter().product(), 99), y.dims(), &y.device());
    (y * factors).sum()
}

fn gradient<const D: usize>(x: &Tensor<D>, gradients: &Gradients) -> Vec<f32> {
    to_vec(&x.grad(gradients).expect("a gradient"))
}

/// Runs a training step's worth of work.
fn run(trace: Option<Trace>, work: impl Fn() -> Vec<Vec<f32>>) -> Vec<Vec<f32>> {
    let key = StepKey { seed: 3, step: 5, ..StepKey::default() };
    let _guard = Scope { training: true, key, trace, ..Scope::default() }.enter();
    work()
}

/// Runs the same fused and with separate operations, and compares all that comes out.
fn compare(what: &str, work: impl Fn() -> Vec<Vec<f32>>) {
    close(what, &run(None, &work), &run(Some(Trace::default()), &work));
}

/// Runs the same operation fused and as burn does it in double precision, and compares all that comes out.
fn compare_with_double(what: &str, work: impl Fn() -> Vec<Vec<f32>>) {
    close(what, &run(None, &work), &in_double_precision(|| run(None, &work)));
}

fn close(what: &str, fused: &[Vec<f32>], separate: &[Vec<f32>]) {
    assert_eq!(fused.len(), separate.len());
    for (number, (fused, separate)) in fused.iter().zip(separate).enumerate() {
        assert_eq!(fused.len(), separate.len(), "{what}, {number}");
        let scale = separate.iter().fold(FLOOR, |largest, value| largest.max(value.abs()));
        let far = fused.iter().zip(separate).fold(0.0, |far: f32, (a, b)| far.max((a - b).abs() / scale));
        assert!(far <= TOLERANCE, "{what}, tensor {number}: {far:e}");
    }
}

fn convolution(x: [usize; 4], weight: [usize; 4], has_bias: bool, stride: [usize; 2], padding: [(usize, usize); 2]) {
    compare_with_double(&format!("{x:?} {weight:?} {stride:?} {padding:?}"), || {
        let (x, weight, bias) = (leaf(x, 1), leaf(weight, 2), leaf([weight[0]], 3));
        let y = ops::conv2d(x.clone(), weight.clone(), has_bias.then(|| bias.clone()), stride, padding);
        let output = to_vec(&y);
        let gradients = weigh(y).backward();
        let mut found = vec![output, gradient(&x, &gradients), gradient(&weight, &gradients)];
        found.extend(has_bias.then(|| gradient(&bias, &gradients)));
        found
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn convolutions_of_any_shape(
        (batch, channels, units) in (1..4_usize, 1..5_usize, 1..7_usize),
        kernel in (1..5_usize, 1..5_usize),
        free in (0..9_usize, 0..9_usize),
        stride in (1..4_usize, 1..4_usize),
        padding in ((0..4_usize, 0..4_usize), (0..4_usize, 0..4_usize)),
        has_bias: bool,
    ) {
        let (height, width) = (kernel.0 + free.0, kernel.1 + free.1);
        let shapes = ([batch, channels, height, width], [units, channels, kernel.0, kernel.1]);
        convolution(shapes.0, shapes.1, has_bias, [stride.0, stride.1], [padding.0, padding.1]);
    }

    #[test]
    fn convolutions_over_time_of_any_shape(
        (batch, channels, units) in (1..4_usize, 1..5_usize, 1..7_usize),
        (kernel, free, stride) in (1..6_usize, 0..20_usize, 1..4_usize),
        padding in (0..4_usize, 0..4_usize),
    ) {
        compare_with_double("conv1d", || {
            let (x, weight) = (leaf([batch, channels, kernel + free], 1), leaf([units, channels, kernel], 2));
            let y = ops::conv1d(x.clone(), weight.clone(), None, stride, padding);
            let output = to_vec(&y);
            let gradients = weigh(y).backward();
            vec![output, gradient(&x, &gradients), gradient(&weight, &gradients)]
        });
    }
}

#[test]
fn convolutions_larger_than_a_block() {
    convolution([9, 3, 40, 30], [70, 3, 3, 3], true, [1, 1], [(1, 1); 2]);
    convolution([2, 130, 9, 7], [5, 130, 3, 3], true, [1, 1], [(0, 0); 2]);
    convolution([3, 66, 12, 12], [8, 66, 1, 1], false, [2, 2], [(0, 0); 2]);
}

/// The gradient of each weight in the order of the fields.
struct Collector<'a>(&'a Gradients, Vec<Vec<f32>>);

impl ModuleVisitor for Collector<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.1.push(gradient(&param.val(), self.0));
    }
}

fn network(layers: &str, inputs: usize) -> Network {
    let recipe = Recipe::parse(&format!("{layers}\n[loss]\nkind = \"mse\"\n"), "layers.toml").expect(layers);
    Network::from_recipe(&recipe, inputs, &cpu(true)).expect(layers)
}

fn layers(layers: &str, batch: usize, inputs: usize) {
    compare(layers, || {
        let network = network(layers, inputs);
        let x = leaf([batch, inputs], 7);
        let y = network.forward(x.clone());
        let output = to_vec(&y);
        let gradients = weigh(y).backward();
        let mut collector = Collector(&gradients, vec![output, gradient(&x, &gradients)]);
        network.visit(&mut collector);
        collector.1
    });
}

fn sequence([time, features]: [usize; 2], layer: &str) -> String {
    format!("[[layers]]\nkind = \"reshape\"\nshape = [{time}, {features}]\n[[layers]]\n{layer}")
}

#[test]
fn recurrent_layers_of_any_shape() {
    for kind in ["lstm", "gru", "rnn"] {
        for (batch, time, features, units) in [(1, 1, 1, 1), (3, 5, 4, 6), (9, 7, 3, 33), (2, 12, 20, 70)] {
            for (bidirectional, sequences, bias) in [(false, false, true), (true, true, true), (false, true, false)] {
                let layer = format!(
                    "kind = \"{kind}\"\nunits = {units}\nbidirectional = {bidirectional}\nreturn_sequences = {sequences}\nbias = {bias}\n"
                );
                layers(&sequence([time, features], &layer), batch, time * features);
            }
        }
    }
}

const CONVOLUTIONS: &str = "
[data]
image = [1, 8, 8]
[[layers]]
kind = \"conv2d\"
channels = 6
activation = \"relu\"
[[layers]]
kind = \"conv2d\"
channels = 5
stride = 2
activation = \"gelu\"
[[layers]]
kind = \"max_pool2d\"
[[layers]]
kind = \"dense\"
units = 3
";

const RECURRENT: &str = "
[[layers]]
kind = \"reshape\"
shape = [8, 8]
[[layers]]
kind = \"lstm\"
units = 12
return_sequences = true
bidirectional = true
[[layers]]
kind = \"gru\"
units = 9
return_sequences = true
[[layers]]
kind = \"rnn\"
units = 7
[[layers]]
kind = \"dense\"
units = 3
";

const TRANSFORMER: &str = "
[[layers]]
kind = \"reshape\"
shape = [8, 8]
[[layers]]
kind = \"transformer_encoder\"
heads = 2
activation = \"gelu\"
[[layers]]
kind = \"transformer_decoder\"
heads = 4
[[layers]]
kind = \"global_average_pool\"
[[layers]]
kind = \"dense\"
units = 3
";

fn recipe(layers: &str) -> Recipe {
    let text = format!("batch = 32\nepochs = 2\n{layers}\n[loss]\nkind = \"cross_entropy\"\n");
    Recipe::parse(&text, "layers.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn data() -> Dataset {
    let classes = (0..160_i64).map(|row| row * 31 % 3).collect();
    Dataset::new(numbers(160 * 64, 4), 64, Targets::Classes(classes)).expect("the sizes fit")
}

#[test]
fn threads_change_no_bit() {
    let data = data();
    for layers in [CONVOLUTIONS, RECURRENT, TRANSFORMER] {
        let weights = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            let trainer = Trainer::from_recipe(&recipe(layers), &data).expect("a trainer");
            let outcome = pool.install(|| trainer.fit(&data)).expect("a training");
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("weights.safetensors");
            barograph_train::save_weights(&path, &outcome.model, 0, 0).expect("saved");
            std::fs::read(path).expect("read")
        };
        let one = weights(1);
        assert!(one == weights(2) && one == weights(3), "the weights differ: {layers}");
    }
}

#[test]
fn a_broken_derivative_is_found_behind_fused_operations_by_an_exact_replay() {
    // The loss is finite, so that the replay must come to the same bits although its last step runs every operation by itself.
    let line = line!() + 4;
    let loss = |outputs: Tensor<2>, _: &TargetTensor| {
        let is_bad = Scope::step_key().step == 7;
        if is_bad {
            return ops::mean(ops::sqrt(ops::mul_scalar(outputs, 0.0)));
        }
        ops::mean(ops::square(outputs))
    };
    for layers in [CONVOLUTIONS, RECURRENT, TRANSFORMER] {
        let recipe = recipe(layers);
        let network = Network::from_recipe(&recipe, 64, &cpu(true)).expect("a network");
        let outcome =
            Trainer::new(network, loss).recipe(recipe).callback(TerminateOnNan).fit(&data()).expect("a training");
        let found = outcome.diagnosis().expect("a diagnosis").incident.expect("the run breaks");
        assert_eq!((found.step, found.phase, found.operation.as_str()), (7, Phase::Backward, "sqrt"));
        assert_eq!(found.source.map(|source| source.line), Some(line));
        assert_eq!(found.exactness, Exactness::Exact);
    }
}

fn pooled(shape: [usize; 4], kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]) {
    compare_with_double(&format!("{shape:?} {kernel:?} {stride:?} {padding:?}"), || {
        let x = leaf(shape, 1);
        let y = ops::max_pool2d(x.clone(), kernel, stride, padding);
        let output = to_vec(&y);
        vec![output, gradient(&x, &weigh(y).backward())]
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn pools_of_any_shape(
        (batch, channels) in (1..4_usize, 1..4_usize),
        (kernel, stride, free) in ((1..5_usize, 1..5_usize), (1..4_usize, 1..4_usize), (0..9_usize, 0..9_usize)),
        is_padded: bool,
    ) {
        // burn allows half a kernel of padding.
        let padding = if is_padded { [kernel.0 / 2, kernel.1 / 2] } else { [0, 0] };
        let shape = [batch, channels, kernel.0 + free.0, kernel.1 + free.1];
        pooled(shape, [kernel.0, kernel.1], [stride.0, stride.1], padding);
    }

    #[test]
    fn functions_of_a_row_of_any_shape(rows in 1..40_usize, width in 1..70_usize, scale in 0.1..30.0_f64) {
        for function in [ops::gelu::<2>, |x| ops::softmax(x, 1), |x| ops::log_softmax(x, 1)] {
            compare_with_double(&format!("{rows} x {width}, scale {scale}"), || {
                let x = leaf([rows, width], 1);
                let y = function(ops::mul_scalar(x.clone(), scale));
                let output = to_vec(&y);
                vec![output, gradient(&x, &weigh(y).backward())]
            });
        }
    }
}

#[test]
fn normalization_and_attention_of_any_shape() {
    for (batch, time, features) in [(1, 1, 4), (3, 5, 8), (7, 9, 24), (2, 3, 132)] {
        for layer in
            ["kind = \"layer_norm\"", "kind = \"transformer_encoder\"\nheads = 2\nactivation = \"gelu\"\ndropout = 0.2"]
        {
            layers(&sequence([time, features], layer), batch, time * features);
        }
    }
}

#[test]
fn what_is_not_finite_stays_so() {
    let cases = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
    for bad in cases {
        let x = || from_slice(vec![0.5, bad, -1.0, 2.0, 1.0, 0.0, 3.0, -2.0, 0.1], [1, 1, 3, 3], &cpu(false));
        let is_nan = |values: &[f32]| values.iter().map(|value| value.is_nan()).collect::<Vec<_>>();
        let functions: [fn(Tensor<4>) -> Tensor<4>; 4] = [
            ops::gelu,
            |x| ops::softmax(x, 3),
            |x| ops::log_softmax(x, 3),
            |x| ops::max_pool2d(x, [2, 2], [1, 1], [0, 0]),
        ];
        for (number, function) in functions.into_iter().enumerate() {
            let fused = to_vec(&function(x()));
            let separate = in_double_precision(|| to_vec(&function(x())));
            assert_eq!(is_nan(&fused), is_nan(&separate), "{number}, {bad}");
        }
    }
}
