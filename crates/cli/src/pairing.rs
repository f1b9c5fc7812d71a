//! Whether the last layer puts out what the loss takes, as the recipe says it.
use barograph_train::recipe::{Activation, LayerKind, LayerSpec, LossTakes, Recipe};

/// The activation function of a layer, where its kind has one.
pub(crate) const fn activation(layer: &LayerSpec) -> Option<Activation> {
    match &layer.kind {
        LayerKind::Dense { activation, .. }
        | LayerKind::Conv2d { activation, .. }
        | LayerKind::Conv1d { activation, .. }
        | LayerKind::Conv2dTranspose { activation, .. }
        | LayerKind::Activation { activation } => Some(*activation),
        _ => None,
    }
}

/// A hint where the loss takes something else than the last layer puts out.
pub(crate) fn hint(recipe: &Recipe) -> Option<String> {
    if !recipe.outputs.is_empty() {
        return None;
    }
    let (site, last) = (recipe.layer_names().pop()?, activation(recipe.layers.last()?)?);
    let (loss, name) = (recipe.loss.kind.name(), last.name());
    let wants = |what: &str, activation: Activation| {
        let wanted = activation.name();
        Some(format!(
            "{loss} takes {what}, but the last layer ({site}) ends in {name}; give it activation = \"{wanted}\""
        ))
    };
    match (recipe.loss.kind.takes(), last) {
        (
            LossTakes::Logits,
            Activation::Softmax | Activation::SoftmaxBatch | Activation::LogSoftmax | Activation::Sigmoid,
        ) => wants("raw scores and turns them into probabilities itself", Activation::Linear),
        (LossTakes::Distribution, last) if last != Activation::Softmax => {
            wants("probabilities that sum to 1", Activation::Softmax)
        }
        (LossTakes::Probabilities, last) if !matches!(last, Activation::Sigmoid | Activation::Softmax) => {
            wants("probabilities", Activation::Sigmoid)
        }
        (LossTakes::LogProbabilities, last) if last != Activation::LogSoftmax => {
            wants("logarithms of probabilities", Activation::LogSoftmax)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::hint;
    use barograph_train::recipe::{Activation, LayerSpec, LossKind, Recipe};

    fn hinted(activation: Activation, loss: LossKind) -> Option<String> {
        let layers = vec![LayerSpec::dense(3).with_activation(activation)];
        hint(&Recipe { layers, loss: loss.into(), ..Recipe::default() })
    }

    #[test]
    fn a_loss_and_the_layer_before_it_speak_of_the_same_thing() {
        assert_eq!(hinted(Activation::Linear, LossKind::CrossEntropy), None);
        assert_eq!(hinted(Activation::Softmax, LossKind::CategoricalCrossEntropy), None);
        assert_eq!(hinted(Activation::Sigmoid, LossKind::BinaryCrossEntropy), None);
        assert_eq!(hinted(Activation::Tanh, LossKind::Mse), None);
        let twice = hinted(Activation::Softmax, LossKind::CrossEntropy).expect("a hint");
        assert!(twice.contains("(dense1) ends in softmax; give it activation = \"linear\""), "{twice}");
        assert!(
            hinted(Activation::Linear, LossKind::NegativeLogLikelihood)
                .is_some_and(|text| text.contains("log_softmax"))
        );
        assert!(hinted(Activation::Relu, LossKind::BinaryCrossEntropy).is_some_and(|text| text.contains("sigmoid")));
    }
}
