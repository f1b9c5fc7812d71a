use super::*;
use crate::data::{Dataset, Targets};
use crate::recipe::{Activation, Initializer, LossKind, WeightSpec};
use crate::{Loss, Network};

fn found(recipe: &Recipe, data: &Dataset) -> Vec<PreflightCheck> {
    let model = Network::from_recipe(recipe, data.features(), &cpu(true)).unwrap();
    preflight(&Subject { model: &model, loss: &recipe.loss, recipe, data }).unwrap()
}

fn inputs() -> Vec<f32> {
    (0..96).map(|number| (number as f32 * 1.3).sin()).collect()
}

fn classes() -> Dataset {
    Dataset::new(inputs(), 4, Targets::Classes((0..24).map(|row| row % 3).collect())).unwrap()
}

fn real(scale: f32) -> Dataset {
    let values = (0..24).map(|row| scale * (row as f32 * 0.7).cos()).collect();
    Dataset::new(inputs(), 4, Targets::Real { values, columns: 1 }).unwrap()
}

fn recipe(layers: Vec<LayerSpec>, loss: LossKind) -> Recipe {
    Recipe { layers, loss: loss.into(), ..Recipe::default() }
}

/// Draws weights this large.
fn wide(units: u64, std: f64) -> LayerSpec {
    let weights = WeightSpec { initializer: Initializer::Normal { std }, ..WeightSpec::default() };
    LayerKind::Dense { units, activation: Activation::Linear, weights }.into()
}

#[test]
fn an_untrained_classifier_begins_near_ln_k() {
    let checks = found(&recipe(vec![wide(3, 0.1)], LossKind::CrossEntropy), &classes());
    assert!(checks.iter().all(|check| check.passed == Some(true)), "{checks:?}");
    assert!(checks[0].text.contains("(ln 3) would give 1.0986"), "{}", checks[0].text);
    let checks = found(&recipe(vec![wide(3, 20.0)], LossKind::CrossEntropy), &classes());
    assert_eq!(checks[0].passed, Some(false));
    assert!(checks[0].text.contains("sure of wrong answers"), "{}", checks[0].text);
}

#[test]
fn every_way_to_say_probabilities_has_its_expectation() {
    let ends = [
        (LossKind::CategoricalCrossEntropy, Activation::Softmax, "(ln 3)", 3),
        (LossKind::NegativeLogLikelihood, Activation::LogSoftmax, "(ln 3)", 3),
        (LossKind::BinaryCrossEntropy, Activation::Sigmoid, "one half would give 0.6931", 1),
        (LossKind::BinaryCrossEntropyLogits, Activation::Linear, "one half would give 0.6931", 1),
    ];
    for (loss, activation, words, units) in ends {
        let mut data = classes();
        if units == 1 {
            data.targets = Targets::Classes((0..24).map(|row| row % 2).collect());
        }
        let checks = found(&recipe(vec![wide(units, 0.1).with_activation(activation)], loss), &data);
        assert_eq!(checks[0].passed, Some(true), "{checks:?}");
        assert!(checks[0].text.contains(words), "{}", checks[0].text);
    }
}

#[test]
fn an_untrained_regression_begins_near_the_mean_of_squares() {
    let checks = found(&recipe(vec![wide(1, 0.1)], LossKind::Mse), &real(1.0));
    assert_eq!(checks[0].passed, Some(true), "{checks:?}");
    let checks = found(&recipe(vec![wide(1, 50.0)], LossKind::Mse), &real(1.0));
    assert_eq!(checks[0].passed, Some(false), "{checks:?}");
}

#[test]
fn a_custom_loss_has_no_expectation() {
    let (recipe, data) = (recipe(vec![LayerSpec::dense(1)], LossKind::Mse), real(1.0));
    let model = Network::from_recipe(&recipe, 4, &cpu(true)).unwrap();
    let custom = |outputs: Tensor<2>, _: &TargetTensor| outputs.mean();
    let loss: &dyn Loss = &custom;
    let checks = preflight(&Subject { model: &model, loss, recipe: &recipe, data: &data }).unwrap();
    assert_eq!(checks[0].passed, None);
}

#[test]
fn a_layer_that_mixes_rows_is_found() {
    let layers = vec![LayerSpec::dense(3).with_activation(Activation::SoftmaxBatch)];
    let checks = found(&recipe(layers, LossKind::Mse), &classes());
    assert_eq!(checks[1].passed, Some(false));
    assert!(checks[1].text.contains("softmax_batch"), "{}", checks[1].text);
}

#[test]
fn evaluation_differs_from_training_where_it_should() {
    let of = |layers: Vec<LayerSpec>| found(&recipe(layers, LossKind::CrossEntropy), &classes()).remove(2);
    let plain = of(vec![LayerSpec::dense(8), LayerSpec::dense(3)]);
    assert_eq!((plain.passed, plain.text.contains("those of training")), (Some(true), true), "{plain:?}");
    let inside = LayerSpec::residual([LayerSpec::dense(8), LayerSpec::dropout(0.5)]);
    let dropped = of(vec![LayerSpec::dense(8), inside, LayerSpec::batch_norm(), LayerSpec::dense(3)]);
    assert_eq!(dropped.passed, Some(true));
    assert!(dropped.text.contains("differ from training by dropout and a batch norm"), "{}", dropped.text);
}

/// A model that is another one in each mode, or each time.
#[derive(Module, Debug)]
struct Moody {
    layer: burn::nn::Linear,
    #[module(skip)]
    calls: Calls,
}

/// Counts over all copies of a model.
#[derive(Clone, Debug, Default)]
struct Calls(std::sync::Arc<std::sync::atomic::AtomicU32>);

impl Model for Moody {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let call = self.calls.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.layer.forward(x) + f64::from(call)
    }
}

#[test]
fn a_model_with_a_state_is_found() {
    let (recipe, data) = (recipe(Vec::new(), LossKind::Mse), real(1.0));
    let model = Moody { layer: burn::nn::LinearConfig::new(4, 1).init(&cpu(true)), calls: Calls::default() };
    let checks = preflight(&Subject { model: &model, loss: &recipe.loss, recipe: &recipe, data: &data }).unwrap();
    assert_eq!(checks[2].passed, Some(false), "{checks:?}");
}

#[test]
fn nothing_is_changed_by_looking() {
    let recipe = recipe(vec![LayerSpec::batch_norm(), LayerSpec::dense(3)], LossKind::CrossEntropy);
    let (data, model) = (classes(), Network::from_recipe(&recipe, 4, &cpu(true)).unwrap());
    let before = model.buffers();
    preflight(&Subject { model: &model, loss: &recipe.loss, recipe: &recipe, data: &data }).unwrap();
    assert_eq!(model.buffers(), before);
}
