//! The optimizers give the numbers of torch's and of burn's, whatever way they run.
use super::{ScheduledOptimizer, build};
use crate::recipe::{OptimizerKind, OptimizerSpec, Recipe};
use barograph_burn::{cpu, from_slice, to_vec};
use burn::module::{Module, Param};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer, RmsPropConfig, SgdConfig};
use burn::prelude::*;
use serde::Deserialize;

#[derive(Module, Debug)]
struct Weight {
    weight: Param<Tensor<2>>,
}

/// Large enough for two threads, and no multiple of any vector.
const SHAPE: [usize; 2] = [331, 401];

fn numbers(seed: usize) -> Vec<f32> {
    (0..SHAPE[0] * SHAPE[1]).map(|i| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1001.5 - 1.0).collect()
}

/// The weight after some steps with given gradients, all at another rate.
fn trained(mut optimizer: ModuleOptimizer, steps: usize, broken: bool) -> Vec<f32> {
    let device = cpu(true);
    let mut model = Weight { weight: Param::from_tensor(from_slice(numbers(0), SHAPE, &device).require_grad()) };
    for step in 1..=steps {
        let mut gradients = GradientsParams::new();
        let gradient = from_slice(numbers(step), SHAPE, &cpu(false));
        // The same gradient as a strided view.
        let gradient = if broken {
            from_slice(to_vec(&gradient.transpose()), [401, 331], &cpu(false)).transpose()
        } else {
            gradient
        };
        gradients.register(model.weight.id, gradient);
        model = optimizer.step(0.01 * step as f64, model, gradients);
        if broken {
            // As after a break: the state goes to bytes and back.
            let bytes = optimizer.into_bytes().expect("a state that can be kept");
            optimizer = optimizer.from_bytes(bytes).expect("the state that was kept");
        }
    }
    to_vec(&model.weight.val())
}

/// A few of burn's own, one for each count of numbers kept: the rest is held to torch, with small weights.
fn pairs() -> Vec<(OptimizerSpec, ModuleOptimizer)> {
    let spec = |kind, decay| OptimizerSpec::from(kind).with_weight_decay(decay);
    let decay = Some(WeightDecayConfig::new(0.1));
    let momentum = MomentumConfig::new().with_momentum(0.9).with_dampening(0.0).with_nesterov(true);
    let rms = RmsPropConfig::new().with_alpha(0.9).with_epsilon(1e-8);
    vec![
        (spec(OptimizerKind::sgd(), 0.1), SgdConfig::new().with_weight_decay(decay.clone()).init()),
        (
            spec(OptimizerKind::Sgd { momentum: 0.9, nesterov: true }, 0.1),
            SgdConfig::new().with_momentum(Some(momentum)).with_weight_decay(decay).init(),
        ),
        (spec(OptimizerKind::adamw(), 0.1), AdamWConfig::new().with_epsilon(1e-8).with_weight_decay(0.1).init()),
        (spec(OptimizerKind::RmsProp { alpha: 0.9, epsilon: 1e-8, momentum: 0.8 }, 0.0), rms.with_momentum(0.8).init()),
    ]
}

/// burn takes `1 - beta2^t` in single precision, which leaves four digits of it in the first steps.
const CLOSE: f32 = 2e-4;

#[test]
fn as_burn_has_them() {
    for (spec, theirs) in pairs() {
        let (ours, theirs) = (trained(build(&spec), 5, false), trained(theirs, 5, false));
        let worst = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs() / b.abs().max(1e-3)).fold(0.0, f32::max);
        assert!(worst < CLOSE, "{spec:?} differs by {worst}");
    }
}

#[test]
fn strided_gradients_and_resumed_states_give_the_same_bits() {
    for kind in OptimizerKind::all() {
        for lookahead_steps in [None, Some(2)] {
            let spec = OptimizerSpec { lookahead_steps, ..spec_of(kind) };
            let straight = trained(build(&spec), 5, false);
            assert!(straight == trained(build(&spec), 5, true), "{spec:?}: a strided gradient");
        }
    }
}

/// Written by `tests/torch_reference/optimizers.py`: PyTorch's own optimizers, and loops from the formulas of papers.
const REFERENCE: &str = include_str!("../../tests/torch_reference/optimizers.json");

#[derive(Deserialize)]
struct Reference {
    shape: [usize; 2],
    weight: Vec<f32>,
    gradients: Vec<Vec<f32>>,
    courses: Vec<Course>,
}

#[derive(Deserialize)]
struct Course {
    /// The keys of `[optimizer]` that ask for it.
    optimizer: String,
    rates: Vec<f64>,
    momenta: Vec<Option<f64>>,
    /// The weight after each step.
    weights: Vec<Vec<f64>>,
}

/// Of weights around 1 in single precision against double, after up to twelve steps.
const CLOSE_TO_TORCH: f64 = 1e-6;

#[test]
fn as_torch_and_the_papers_have_them() {
    let Reference { shape, weight, gradients, courses } =
        serde_json::from_str(REFERENCE).expect("the file that the script wrote");
    for Course { optimizer: table, rates, momenta, weights } in courses {
        let text = format!("[[layers]]\nkind = \"dense\"\nunits = 1\n[loss]\nkind = \"mse\"\n[optimizer]\n{table}");
        let spec = Recipe::parse(&text, "torch.toml").expect("a valid optimizer").optimizer;
        let mut optimizer = ScheduledOptimizer::new(&spec);
        let parameter = Param::from_tensor(from_slice(weight.clone(), shape, &cpu(true)).require_grad());
        let mut model = Weight { weight: parameter };
        assert_eq!((rates.len(), momenta.len(), weights.len()), (gradients.len(), gradients.len(), gradients.len()));
        for (step, theirs) in weights.iter().enumerate() {
            let mut given = GradientsParams::new();
            given.register(model.weight.id, from_slice(gradients[step].clone(), shape, &cpu(false)));
            model = optimizer.step(rates[step], momenta[step], model, given);
            let ours = to_vec(&model.weight.val());
            let apart = |(ours, theirs): (&f32, &f64)| (f64::from(*ours) - theirs).abs() / theirs.abs().max(1.0);
            let worst = ours.iter().zip(theirs).map(apart).fold(0.0, f64::max);
            assert!(
                worst < CLOSE_TO_TORCH,
                "{table}\nstep {step}: {ours:?}, and the reference has {theirs:?}: {worst}"
            );
        }
    }
}

#[test]
fn a_schedule_replaces_the_momentum_where_there_is_one() {
    let pair = |kind: fn(f64) -> OptimizerKind, changes: bool| {
        let own = spec_of(kind(0.9));
        let other = spec_of(kind(0.5));
        let with = |spec, momentum| scheduled(ScheduledOptimizer::new(spec), momentum);
        assert!(with(&own, None) == with(&own, Some(0.9)), "{own:?}");
        assert!(with(&own, Some(0.5)) == with(&other, None), "{own:?}");
        assert_eq!(with(&own, Some(0.5)) != with(&own, None), changes, "{own:?}");
    };
    pair(|momentum| OptimizerKind::Sgd { momentum, nesterov: true }, true);
    pair(|beta1| OptimizerKind::Adam { beta1, beta2: 0.99, epsilon: 1e-8 }, true);
    pair(|beta1| OptimizerKind::AdamW { beta1, beta2: 0.99, epsilon: 1e-8, decay_all: false }, true);
    pair(|momentum| OptimizerKind::RmsProp { alpha: 0.9, epsilon: 1e-8, momentum }, true);
    pair(|beta1| OptimizerKind::RAdam { beta1, beta2: 0.99, epsilon: 1e-8 }, true);
    pair(|beta1| OptimizerKind::QHAdam { beta1, beta2: 0.99, nu1: 0.7, nu2: 1.0, epsilon: 1e-8 }, true);
    pair(|momentum| OptimizerKind::SgdW { momentum, nesterov: false, decay_all: false }, true);
    pair(|_| OptimizerKind::nadam(), false);
    pair(|_| OptimizerKind::sgd(), false);
    pair(|_| OptimizerKind::rmsprop(), false);
}

fn spec_of(kind: OptimizerKind) -> OptimizerSpec {
    OptimizerSpec::from(kind).with_weight_decay(0.1)
}

/// The weight after some steps with this momentum.
fn scheduled(mut optimizer: ScheduledOptimizer, momentum: Option<f64>) -> Vec<f32> {
    let mut model = Weight { weight: Param::from_tensor(from_slice(numbers(0), SHAPE, &cpu(true)).require_grad()) };
    for step in 1..=3 {
        let mut gradients = GradientsParams::new();
        gradients.register(model.weight.id, from_slice(numbers(step), SHAPE, &cpu(false)));
        model = optimizer.step(0.01, momentum, model, gradients);
    }
    to_vec(&model.weight.val())
}

#[derive(Module, Debug)]
struct Layer {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

/// What is left of a weight and of a bias, both 1 before, after one step at rate 0.5 with decay 0.2 and no gradient.
fn decayed_to(kind: OptimizerKind) -> (f32, f32) {
    let device = cpu(true);
    let mut layer = Layer {
        weight: Param::from_tensor(from_slice(vec![1.0], [1, 1], &device).require_grad()),
        bias: Param::from_tensor(from_slice(vec![1.0], [1], &device).require_grad()),
    };
    let mut gradients = GradientsParams::new();
    gradients.register(layer.weight.id, from_slice(vec![0.0], [1, 1], &cpu(false)));
    gradients.register(layer.bias.id, from_slice(vec![0.0], [1], &cpu(false)));
    layer = build(&OptimizerSpec::from(kind).with_weight_decay(0.2)).step(0.5, layer, gradients);
    (to_vec(&layer.weight.val())[0], to_vec(&layer.bias.val())[0])
}

#[test]
fn decoupled_decay_leaves_biases_alone_unless_asked() {
    let adamw = |decay_all| OptimizerKind::AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay_all };
    let sgdw = |decay_all| OptimizerKind::SgdW { momentum: 0.9, nesterov: false, decay_all };
    assert_eq!(
        [OptimizerKind::adamw(), adamw(false), OptimizerKind::sgdw(), sgdw(false)].map(decayed_to),
        [(0.9, 1.0); 4]
    );
    assert_eq!([adamw(true), sgdw(true), OptimizerKind::sgd()].map(decayed_to), [(0.9, 0.9); 3]);
}
