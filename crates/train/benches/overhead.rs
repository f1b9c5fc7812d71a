//! What supervision costs: CPU time of a training step with everything observed, log and snapshots on, against a plain burn loop
//! with neither taps nor session, over the same model, optimizer and batches, row for row, interleaved in one process.
//!
//! Two ratios: against a loop with burn's Adam, as one writes it by hand, and against one with Barograph's, which is faster. The
//! second is the price of supervision alone.
//!
//! `cargo bench -p barograph-train --bench overhead [-- --json]`
use barograph_train::data::{Dataset, Targets};
use barograph_train::random::{Purpose, Random};
use barograph_train::recipe::{
    Activation, LayerKind, LayerSpec, LossKind, OptimizerKind, OptimizerSpec, Padding, Recipe,
};
use barograph_train::{Network, Trainer, build_optimizer};
use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::prelude::*;
use burn::tensor::activation::relu;
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{Int, TensorData};
use rustix::time::{ClockId, clock_gettime};

/// As in the binary: with the system's allocator the time of a step depends on when it gives large blocks back, which says nothing
/// about either loop.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Learning rate of both loops.
const RATE: f64 = 1e-4;

/// Rounds of each pair; the median ratio is printed. Many short ones are steadier than few long ones on a machine with other work.
const ROUNDS: usize = 15;

/// Seed of both loops: the rows of each step are drawn from it.
const SEED: u64 = 0;

struct Setting {
    name: &'static str,
    batch: usize,
    /// Steps of one epoch.
    steps: usize,
    epochs: u64,
    layers: Vec<LayerSpec>,
    image: Option<[u64; 3]>,
}

#[derive(Module, Debug)]
enum Plain {
    Mlp(PlainMlp),
    Cnn(PlainCnn),
}

#[derive(Module, Debug)]
struct PlainMlp {
    fc1: Linear,
    fc2: Linear,
    fc3: Linear,
}

#[derive(Module, Debug)]
struct PlainCnn {
    conv1: Conv2d,
    conv2: Conv2d,
    fc: Linear,
}

impl Plain {
    fn new(name: &str, device: &Device) -> Self {
        if name == "mlp" {
            let linear = |inputs, outputs| LinearConfig::new(inputs, outputs).init(device);
            return Self::Mlp(PlainMlp { fc1: linear(784, 512), fc2: linear(512, 512), fc3: linear(512, 10) });
        }
        let conv = |inputs, outputs| Conv2dConfig::new([inputs, outputs], [3, 3]).init(device);
        Self::Cnn(PlainCnn {
            conv1: conv(1, 32),
            conv2: conv(32, 64),
            fc: LinearConfig::new(64 * 144, 10).init(device),
        })
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Mlp(net) => net.fc3.forward(relu(net.fc2.forward(relu(net.fc1.forward(x))))),
            Self::Cnn(net) => {
                let batch = x.dims()[0];
                let x = relu(net.conv1.forward(x.reshape([batch, 1, 28, 28])));
                let x = max_pool2d(relu(net.conv2.forward(x)), MaxPoolOptions::new([2, 2]));
                net.fc.forward(x.flatten::<2>(1, 3))
            }
        }
    }
}

fn settings() -> [Setting; 2] {
    let dense = |units| LayerSpec::dense(units).with_activation(Activation::Relu);
    let conv = |channels| {
        let mut layer = LayerSpec::conv2d(channels).with_activation(Activation::Relu);
        if let LayerKind::Conv2d { padding, .. } = &mut layer.kind {
            *padding = Padding::Valid;
        }
        layer
    };
    [
        Setting {
            name: "mlp",
            batch: 128,
            steps: 50,
            epochs: 8,
            layers: vec![dense(512), dense(512), LayerSpec::dense(10)],
            image: None,
        },
        Setting {
            name: "cnn",
            batch: 64,
            steps: 6,
            epochs: 6,
            layers: vec![conv(32), conv(64), LayerSpec::max_pool2d(2), LayerSpec::dense(10)],
            image: Some([1, 28, 28]),
        },
    ]
}

fn data(rows: usize) -> Dataset {
    let inputs = (0..rows * 784).map(|i| ((i * 7919 + 13) % 1000) as f32 / 1000.0).collect();
    let classes = (0..rows).map(|row| ((row * 7919) % 10) as i64).collect();
    Dataset::new(inputs, 784, Targets::Classes(classes)).expect("the sizes fit")
}

/// CPU milliseconds of this process, all threads together.
fn cpu_ms() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

/// The rows of each step, in the order in which the trainer draws them.
fn batches(setting: &Setting) -> Vec<Vec<usize>> {
    let rows = setting.batch * setting.steps;
    let order_of = |epoch| {
        let mut order: Vec<usize> = (0..rows).collect();
        Random::new(SEED, Purpose::Shuffle, epoch, 0).shuffle(&mut order);
        order
    };
    let cut = |order: Vec<usize>| order.chunks(setting.batch).map(<[usize]>::to_vec).collect::<Vec<_>>();
    (0..setting.epochs).flat_map(|epoch| cut(order_of(epoch))).collect()
}

fn plain(setting: &Setting, data: &Dataset, mut optimizer: ModuleOptimizer) -> f64 {
    let device = barograph_burn::cpu(true);
    let mut model = Plain::new(setting.name, &device);
    let loss_of = CrossEntropyLossConfig::new().init(&device);
    let Targets::Classes(classes) = &data.targets else { unreachable!("the data has classes") };
    let begin = cpu_ms();
    for rows in batches(setting) {
        let mut inputs = Vec::with_capacity(rows.len() * 784);
        for row in &rows {
            inputs.extend_from_slice(&data.inputs[row * 784..(row + 1) * 784]);
        }
        let targets: Vec<i64> = rows.iter().map(|&row| classes[row]).collect();
        let x = Tensor::<2>::from_data(TensorData::new(inputs, [setting.batch, 784]), &device);
        let y = Tensor::<1, Int>::from_data(TensorData::new(targets, [setting.batch]), &device);
        let loss = loss_of.forward(model.forward(x), y);
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        let value: f32 = loss.into_scalar();
        assert!(value.is_finite());
        model = optimizer.step(RATE, model, gradients);
    }
    (cpu_ms() - begin) / (setting.epochs as usize * setting.steps) as f64
}

fn supervised(setting: &Setting, data: &Dataset) -> f64 {
    let folder = tempfile::tempdir().expect("a folder for the log");
    let recipe = Recipe {
        layers: setting.layers.clone(),
        loss: LossKind::CrossEntropy.into(),
        optimizer: OptimizerSpec::from(OptimizerKind::adam()).with_learning_rate(RATE),
        batch: setting.batch as u64,
        epochs: setting.epochs,
        seed: SEED,
        data: barograph_train::recipe::DataSpec { image: setting.image, ..Default::default() },
        ..Recipe::default()
    };
    let trainer: Trainer<Network> = Trainer::from_recipe(&recipe, data).expect("a sound recipe").folder(folder.path());
    let begin = cpu_ms();
    let outcome = trainer.fit(data).expect("a training");
    outcome.close();
    assert_eq!(outcome.steps, setting.epochs * setting.steps as u64);
    (cpu_ms() - begin) / (setting.epochs as usize * setting.steps) as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let json = std::env::args().any(|argument| argument == "--json");
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let mut lines = Vec::new();
    for setting in settings().iter().filter(|setting| only.as_deref().is_none_or(|only| only == setting.name)) {
        let data = data(setting.batch * setting.steps);
        let burns = || plain(setting, &data, AdamConfig::new().init());
        let ours = || plain(setting, &data, build_optimizer(&OptimizerKind::adam().into()));
        let supervised = || supervised(setting, &data);
        let round = || [burns(), ours(), supervised()];
        round();
        let rounds: Vec<[f64; 3]> = (0..ROUNDS).map(|_| round()).collect();
        let median = |of: fn(&[f64; 3]) -> f64| median(rounds.iter().map(of).collect());
        let (ratio, alone) = (median(|[burns, _, all]| all / burns), median(|[_, ours, all]| all / ours));
        let (plain, all) = (median(|round| round[0]), median(|round| round[2]));
        let name = setting.name;
        lines.push(if json {
            format!(
                "{{\"model\":\"{name}\",\"ratio\":{ratio:.4},\"ratio_same_optimizer\":{alone:.4},\"ms_plain\":{plain:.3},\"ms_supervised\":{all:.3}}}"
            )
        } else {
            format!("{name:6} {ratio:6.3}  {alone:6.3}  {plain:9.3} ms plain  {all:9.3} ms supervised")
        });
    }
    if json {
        println!("[{}]", lines.join(","));
    } else {
        println!(
            "CPU time of a step, supervised over plain, with burn's optimizer and with ours (median of {ROUNDS} interleaved \
             rounds)\n{}",
            lines.join("\n")
        );
    }
}
