//! Derivatives held against differences: right ones pass, wrong ones are named.
use barograph_burn::{cpu, from_slice, ops};
use barograph_train::data::{Dataset, Targets};
use barograph_train::recipe::{
    Activation, Initializer, LayerKind, LayerSpec, LossKind, Merge, PenaltySpec, Recipe, WeightSpec,
};
use barograph_train::{
    GradCheckOptions, GradientCheck, Loss, Model, Network, Subject, TargetTensor, gradcheck, gradcheck_with,
};
use burn::module::{Module, Param};
use burn::prelude::*;
use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::checkpoint::strategy::NoCheckpointing;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn_flex::{Flex, FlexTensor};

/// Rows of numbers between -1 and 1 without a pattern, and targets between 0 and 1, or classes.
fn rows(features: usize, targets: Targets) -> Dataset {
    let count = targets.rows();
    let inputs = (0..count * features).map(|number| (number as f32 * 1.7 + 0.3).sin()).collect();
    Dataset::new(inputs, features, targets).expect("whole rows")
}

fn real(columns: usize) -> Targets {
    let values = (0..6 * columns).map(|number| 0.5 + 0.4 * (number as f32 * 2.3).cos()).collect();
    Targets::Real { values, columns }
}

fn checked(recipe: &Recipe, data: &Dataset) -> GradientCheck {
    let model = Network::from_recipe(recipe, data.features(), &cpu(true)).expect("layers that fit");
    let subject = Subject { model: &model, loss: &recipe.loss, recipe, data };
    gradcheck(&subject, &GradCheckOptions { samples: 6, ..GradCheckOptions::default() }).expect("a check")
}

#[track_caller]
fn passes(name: &str, layers: Vec<LayerSpec>, image: Option<[u64; 3]>, features: usize) {
    let mut recipe = Recipe { layers, loss: LossKind::Mse.into(), ..Recipe::default() };
    recipe.layers.push(LayerSpec::flatten());
    recipe.layers.push(LayerSpec::dense(2).named("answer"));
    recipe.data.image = image;
    let found = checked(&recipe, &rows(features, real(2)));
    assert!(found.is_ok(), "{name}: {found:#?}");
    assert!(found.tensors.iter().all(|tensor| tensor.checked > 0), "{name}: {found:#?}");
}

#[test]
fn every_layer_for_rows_is_right() {
    let dense = || LayerSpec::dense(5).with_activation(Activation::Tanh);
    passes("dense", vec![dense()], None, 3);
    passes("batch_norm", vec![dense(), LayerSpec::batch_norm()], None, 3);
    passes("layer_norm", vec![dense(), LayerSpec::layer_norm()], None, 3);
    passes("dropout", vec![LayerSpec::dense(9), LayerSpec::dropout(0.4)], None, 3);
    passes("rms_norm", vec![dense(), LayerKind::RmsNorm { epsilon: 1e-5, trainable: true }.into()], None, 3);
    passes("prelu", vec![LayerSpec::dense(5), LayerKind::Prelu { slope: 0.25, trainable: true }.into()], None, 3);
    passes("leaky_relu", vec![LayerSpec::dense(5), LayerKind::LeakyRelu { slope: 0.1 }.into()], None, 3);
    passes("glu", vec![LayerSpec::dense(6), LayerKind::Glu.into()], None, 3);
    passes("residual", vec![LayerSpec::residual([LayerSpec::dense(3), LayerSpec::layer_norm()])], None, 3);
    let branches = vec![LayerSpec::dense(4), LayerSpec::dense(2).with_activation(Activation::Sigmoid)];
    passes("parallel", vec![LayerKind::Parallel { merge: Merge::Concat, layers: branches }.into()], None, 3);
    for &activation in Activation::ALL {
        passes(activation.name(), vec![LayerSpec::dense(5).with_activation(activation)], None, 3);
    }
}

#[test]
fn every_layer_for_images_is_right() {
    let image = Some([2, 4, 6]);
    passes("conv2d", vec![LayerSpec::conv2d(3)], image, 48);
    passes("max_pool2d", vec![LayerSpec::conv2d(3), LayerSpec::max_pool2d(2)], image, 48);
    passes("avg_pool2d", vec![LayerSpec::conv2d(3), LayerSpec::avg_pool2d(2)], image, 48);
    passes("global pool", vec![LayerSpec::conv2d(3), LayerSpec::global_average_pool()], image, 48);
    passes("batch_norm", vec![LayerSpec::conv2d(3), LayerSpec::batch_norm()], image, 48);
    passes(
        "group_norm",
        vec![LayerSpec::conv2d(4), LayerKind::GroupNorm { groups: 2, epsilon: 1e-5, trainable: true }.into()],
        image,
        48,
    );
    let transposed = LayerKind::Conv2dTranspose {
        channels: 2,
        kernel: 3,
        stride: 2,
        padding: barograph_train::recipe::Padding::Same,
        activation: Activation::Linear,
        weights: WeightSpec::default(),
    };
    passes("conv2d_transpose", vec![transposed.into()], image, 48);
}

#[test]
fn every_layer_for_sequences_is_right() {
    let on = |layer: LayerSpec| vec![LayerSpec::reshape([6, 4]), layer];
    let convolution = LayerKind::Conv1d {
        channels: 3,
        kernel: 3,
        stride: 2,
        padding: barograph_train::recipe::Padding::Valid,
        activation: Activation::Relu,
        weights: WeightSpec::default(),
    };
    passes("conv1d", on(convolution.into()), None, 24);
    passes("rnn", on(LayerSpec::rnn(3)), None, 24);
    passes("lstm", on(LayerSpec::lstm(3)), None, 24);
    passes("gru", on(LayerSpec::gru(3)), None, 24);
    passes("position_embedding", on(LayerSpec::position_embedding()), None, 24);
    passes("multi_head_attention", on(LayerSpec::multi_head_attention(2)), None, 24);
    passes("transformer_encoder", on(LayerSpec::transformer_encoder(2)), None, 24);
    passes("transformer_decoder", on(LayerSpec::transformer_decoder(2)), None, 24);
}

#[test]
fn an_embedding_is_right() {
    let layers = vec![LayerSpec::embedding(7, 3), LayerSpec::lstm(2), LayerSpec::dense(1)];
    let recipe = Recipe { layers, loss: LossKind::Mse.into(), ..Recipe::default() };
    let mut data = rows(4, real(1));
    data.inputs = (0..24).map(|number| (number * 5 % 7) as f32).collect();
    let found = checked(&recipe, &data);
    assert!(found.is_ok(), "{found:#?}");
}

#[test]
fn every_loss_is_right_and_so_is_a_penalty() {
    let ends = |loss: LossKind| match loss {
        LossKind::CategoricalCrossEntropy | LossKind::SparseCategoricalCrossEntropy | LossKind::NaiveCrossEntropy => {
            (Activation::Softmax, Targets::Classes(vec![0, 1, 2, 2, 1, 0]))
        }
        LossKind::NegativeLogLikelihood => (Activation::LogSoftmax, Targets::Classes(vec![0, 1, 2, 2, 1, 0])),
        LossKind::CrossEntropy
        | LossKind::Focal { .. }
        | LossKind::GeneralizedCrossEntropy { .. }
        | LossKind::CategoricalHinge => (Activation::Linear, Targets::Classes(vec![0, 1, 2, 2, 1, 0])),
        LossKind::BinaryCrossEntropy => (Activation::Sigmoid, real(3)),
        _ => (Activation::Linear, real(3)),
    };
    let kinds = [
        LossKind::CrossEntropy,
        LossKind::CategoricalCrossEntropy,
        LossKind::SparseCategoricalCrossEntropy,
        LossKind::NaiveCrossEntropy,
        LossKind::NegativeLogLikelihood,
        LossKind::BinaryCrossEntropy,
        LossKind::BinaryCrossEntropyLogits,
        LossKind::Mse,
        LossKind::HalfMse,
        LossKind::Mae,
        LossKind::Huber { delta: 0.3 },
        LossKind::Hinge,
        LossKind::Focal { gamma: 2.0 },
        LossKind::GeneralizedCrossEntropy { q: 0.7 },
        LossKind::CategoricalHinge,
        LossKind::SquaredHinge,
        LossKind::BinaryFocal { gamma: 2.0, alpha: Some(0.25) },
        LossKind::SmoothL1 { beta: 0.5 },
        LossKind::LogCosh,
        LossKind::Quantile { q: 0.3 },
        LossKind::Mape,
        LossKind::CosineDistance,
        LossKind::PoissonLog,
    ];
    for loss in kinds {
        let (activation, targets) = ends(loss);
        let layers = vec![
            LayerSpec::dense(5).with_activation(Activation::Tanh),
            LayerSpec::dense(3).with_activation(activation),
        ];
        let penalty = PenaltySpec { l1: 0.01, l2: 0.02 };
        let recipe = Recipe { layers, loss: loss.into(), penalty, ..Recipe::default() };
        let found = checked(&recipe, &rows(3, targets));
        assert!(found.is_ok(), "{}: {found:#?}", loss.name());
    }
}

/// Where a derivative goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wrong {
    Never,
    Always,
    InSinglePrecision,
}

/// `x`, with a derivative that is too large by a tenth.
#[derive(Debug)]
struct Careless;

impl Backward<Flex, 1> for Careless {
    type State = Wrong;

    fn backward(self, ops: Ops<Wrong, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let wrong = ops.state;
        unary::<Flex, _>(ops.parents, ops.node, gradients, |gradient: FlexTensor| {
            let is_single = gradient.dtype() == burn::tensor::DType::F32;
            let gradient = Tensor::<2>::from_primitive::<Flex>(gradient);
            let gradient = match wrong {
                Wrong::Always => gradient.mul_scalar(1.1),
                Wrong::InSinglePrecision if is_single => gradient.mul_scalar(1.1),
                _ => gradient,
            };
            gradient.try_into_primitive::<Flex>().expect("a tensor of the CPU")
        });
    }
}

fn careless(x: Tensor<2>, wrong: Wrong) -> Tensor<2> {
    let (value, node) = x.try_into_primitive::<Autodiff<Flex>>().expect("a tensor with autodiff").into_parts();
    let out = match Careless.prepare::<NoCheckpointing>([node]).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish(wrong, value),
        OpsKind::UnTracked(prepared) => prepared.finish(value),
    };
    Tensor::from_primitive::<Autodiff<Flex>>(out)
}

/// A model of its own, one of whose weights has a custom derivative.
#[derive(Module, Debug)]
struct Custom {
    first: Param<Tensor<2>>,
    second: Param<Tensor<2>>,
    #[module(skip)]
    wrong: Wrong,
}

impl Custom {
    fn new(wrong: Wrong) -> Self {
        let weight = |shape: [usize; 2], phase: f32| {
            let values = (0..shape[0] * shape[1]).map(|number| (number as f32 + phase).sin()).collect();
            Param::from_tensor(from_slice(values, shape, &cpu(true))).set_require_grad(true)
        };
        Self { first: weight([3, 4], 0.1), second: weight([4, 2], 0.7), wrong }
    }
}

impl Model for Custom {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let weight = self.second.val();
        let weight = if weight.is_autodiff() { careless(weight, self.wrong) } else { weight };
        ops::matmul(ops::tanh(ops::matmul(x, self.first.val())), weight)
    }
}

/// A loss of its own, with a constant.
fn cubic(outputs: Tensor<2>, targets: &TargetTensor) -> Tensor<1> {
    let targets = targets.like(&outputs);
    let error = ops::sub(outputs, targets);
    let weights = from_slice(vec![1.0, 3.0], [1, 2], &error.device());
    ops::mean(ops::mul(ops::mul(error.clone(), ops::square(error)), weights))
}

fn checked_custom(model: &Custom, loss: &dyn Loss) -> Result<GradientCheck, String> {
    let (recipe, data) = (Recipe::default(), rows(3, real(2)));
    let subject = Subject { model, loss, recipe: &recipe, data: &data };
    gradcheck(&subject, &GradCheckOptions::default()).map_err(|error| error.to_string())
}

#[test]
fn custom_layers_and_losses_are_checked() {
    let found = checked_custom(&Custom::new(Wrong::Never), &cubic).expect("a check");
    assert!(found.is_ok(), "{found:#?}");
    assert!(found.tensors.iter().all(|tensor| tensor.error() < 1e-7 && tensor.single < 1e-5), "{found:#?}");
    let names: Vec<_> = found.tensors.iter().map(|tensor| (tensor.name.as_str(), tensor.checked)).collect();
    assert_eq!(names, [("first", 12), ("second", 8)]);
}

#[test]
fn a_derivative_that_is_wrong_by_a_tenth_is_named() {
    let found = checked_custom(&Custom::new(Wrong::Always), &cubic).expect("a check");
    assert!(!found.is_ok());
    let [first, second] = found.tensors.as_slice() else { panic!("{found:#?}") };
    assert_eq!((first.remark().as_str(), second.remark().as_str()), ("ok", "WRONG"));
    let worst = second.worst.as_ref().expect("elements were compared");
    assert!((worst.autodiff / worst.difference - 1.1).abs() < 1e-6, "{worst:?}");
    assert!((worst.error - 0.1 / 1.1).abs() < 1e-6, "{worst:?}");
    assert_eq!(worst.index.len(), 2);
}

#[test]
fn a_derivative_that_is_wrong_in_single_precision_alone_is_named() {
    let found = checked_custom(&Custom::new(Wrong::InSinglePrecision), &cubic).expect("a check");
    let [first, second] = found.tensors.as_slice() else { panic!("{found:#?}") };
    assert!(first.is_ok() && !second.is_ok(), "{found:#?}");
    assert!((second.single - 0.1).abs() < 1e-4, "{second:?}");
    assert!(second.remark().starts_with("IMPRECISE"), "{}", second.remark());
}

/// A dense layer with zeros for weights puts ReLU at its kink for every row.
fn at_a_kink() -> Recipe {
    let zeros = WeightSpec { initializer: Initializer::Zeros, ..WeightSpec::default() };
    let first = LayerKind::Dense { units: 3, activation: Activation::Relu, weights: zeros };
    Recipe { layers: vec![first.into(), LayerSpec::dense(2)], loss: LossKind::Mse.into(), ..Recipe::default() }
}

#[test]
fn a_kink_is_told_from_a_wrong_derivative() {
    let found = checked(&at_a_kink(), &rows(3, real(2)));
    let [weight, bias, ..] = found.tensors.as_slice() else { panic!("{found:#?}") };
    assert!(found.is_ok(), "{found:#?}");
    assert_eq!((weight.kinks, weight.checked), (6, 0), "{weight:#?}");
    assert_eq!((bias.kinks, bias.remark().as_str()), (3, "ok, at a kink: 3"));
}

#[test]
fn a_kink_excuses_no_derivative_beyond_it() {
    // The slope behind the kink is lost times ten: no choice of a derivative at the kink explains that.
    let recipe = at_a_kink();
    let data = rows(3, real(2));
    let model = Network::from_recipe(&recipe, 3, &cpu(true)).expect("layers that fit");
    let steep = |outputs: Tensor<2>, targets: &TargetTensor| {
        // The value of x with the derivative of 10 x.
        let x = ops::mean(ops::square(ops::sub(outputs.clone(), targets.like(&outputs))));
        ops::add(ops::mul_scalar(x.clone(), 10.0), ops::mul_scalar(x, -9.0).detach())
    };
    let subject = Subject { model: &model, loss: &steep, recipe: &recipe, data: &data };
    let found = gradcheck(&subject, &GradCheckOptions::default()).expect("a check");
    let wrong: Vec<_> =
        found.tensors.iter().filter(|tensor| !tensor.is_ok()).map(|tensor| tensor.name.as_str()).collect();
    assert!(wrong.contains(&"dense2.bias"), "{found:#?}");
}

#[test]
fn what_cannot_be_checked_is_refused() {
    let model = Custom::new(Wrong::Never);
    let single = |outputs: Tensor<2>, _: &TargetTensor| {
        let weights = Tensor::<2>::from_data([[1.0_f32, 2.0]], &outputs.device());
        (outputs * weights).mean()
    };
    let said = checked_custom(&model, &single).expect_err("two precisions");
    assert!(said.contains("does not compute in float64") && said.contains("from_slice"), "{said}");
    let calls = std::sync::atomic::AtomicU32::new(0);
    let moody = move |outputs: Tensor<2>, _: &TargetTensor| {
        let call = calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        ops::mul_scalar(ops::mean(outputs), f64::from(call))
    };
    let said = checked_custom(&model, &moody).expect_err("another loss each time");
    assert!(said.contains("for the same inputs"), "{said}");
    let frozen = Recipe { layers: vec![LayerSpec::dense(2).frozen()], ..Recipe::default() };
    let data = rows(3, real(2));
    let network = Network::from_recipe(&frozen, 3, &cpu(true)).expect("layers that fit");
    let subject = Subject { model: &network, loss: &frozen.loss, recipe: &frozen, data: &data };
    let said = gradcheck(&subject, &GradCheckOptions::default()).expect_err("nothing to check").to_string();
    assert!(said.contains("no weight of the model is trainable"), "{said}");
    for bad in [
        GradCheckOptions { samples: 0, ..GradCheckOptions::default() },
        GradCheckOptions { rows: 0, ..GradCheckOptions::default() },
        GradCheckOptions { step: Some(f64::NAN), ..GradCheckOptions::default() },
        GradCheckOptions { tolerance: 1.0, ..GradCheckOptions::default() },
    ] {
        assert!(gradcheck(&subject, &bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_derivative_that_is_not_finite_is_counted() {
    // The derivative of a root at 0 is infinite.
    let root = |outputs: Tensor<2>, _: &TargetTensor| ops::mean(ops::sqrt(ops::sub(outputs.clone(), outputs.detach())));
    let found = checked_custom(&Custom::new(Wrong::Never), &root).expect("a check");
    assert!(!found.is_ok() && found.tensors.iter().any(|tensor| tensor.not_finite > 0), "{found:#?}");
    assert!(found.tensors[1].remark().starts_with("NOT FINITE"), "{}", found.tensors[1].remark());
}

#[test]
fn each_element_is_told_by_the_name_of_its_tensor() {
    let recipe = Recipe { layers: vec![LayerSpec::dense(4)], loss: LossKind::Mse.into(), ..Recipe::default() };
    let data = rows(3, real(4));
    let model = Network::from_recipe(&recipe, 3, &cpu(true)).expect("layers that fit");
    let subject = Subject { model: &model, loss: &recipe.loss, recipe: &recipe, data: &data };
    let options = GradCheckOptions { samples: 5, ..GradCheckOptions::default() };
    let mut told = Vec::new();
    gradcheck_with(&subject, &options, &mut |progress| told.push((progress.done, progress.what.to_owned()))).unwrap();
    // Five of the twelve elements of the weight, and all four of the bias.
    let names = [["dense1.weight"; 5].as_slice(), &["dense1.bias"; 4]].concat();
    assert_eq!(told, (0..).zip(names.iter().map(|name| (*name).to_owned())).collect::<Vec<_>>());
}
