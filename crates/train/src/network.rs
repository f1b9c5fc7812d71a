//! The network of a recipe.
use crate::layers::{ActivationLayer, BatchNorm, Conv2d, Dense, Dropout, Layer, LayerNorm, Pool, Pool2d};
use crate::model::{LayerFact, Model};
use crate::random::{Purpose, Random};
use crate::recipe::{Activation, LayerKind, Recipe, RecipeError, Shape};
use barograph_vocab::{FactKey, FactValue};
use burn::module::Module;
use burn::prelude::*;

/// Layers in a row, as a recipe lists them.
#[derive(Module, Debug)]
pub struct Network {
    layers: Vec<Layer>,
    /// The site of each layer.
    sites: Vec<String>,
    #[module(skip)]
    facts: Vec<LayerFact>,
}

impl Network {
    /// Builds the layers of a recipe for `inputs` columns, with weights drawn from its seed.
    ///
    /// # Errors
    /// When the layers do not fit together.
    pub fn from_recipe(recipe: &Recipe, inputs: usize, device: &Device) -> Result<Self, RecipeError> {
        let shapes = recipe.shapes(inputs as u64)?;
        let mut input = recipe.data.image.map_or(Shape::Row(inputs as u64), Shape::Image);
        let mut network = Self { layers: Vec::new(), sites: Vec::new(), facts: Vec::new() };
        for (number, ((spec, site), output)) in recipe.layers.iter().zip(recipe.layer_names()).zip(shapes).enumerate() {
            let mut random = Random::new(recipe.seed, Purpose::Weight, 0, number as u32);
            if let Some(layer) = build(&spec.kind, number, [input, output], &mut random, device) {
                network.layers.push(layer);
                network.facts.extend(facts(&spec.kind, &site, input));
                network.sites.push(site);
            }
            input = output;
        }
        Ok(network)
    }

    /// The layers with their sites.
    pub fn layers(&self) -> impl Iterator<Item = (&str, &Layer)> {
        self.sites.iter().map(String::as_str).zip(&self.layers)
    }
}

impl Model for Network {
    fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        self.layers().fold(inputs, |x, (site, layer)| layer.forward(site, x))
    }

    /// `layers.2.weight` is shown as `dense2.weight`.
    fn site_of(&self, path: &str) -> String {
        let mut parts = path.splitn(3, '.').skip(1);
        let number = parts.next().and_then(|number| number.parse::<usize>().ok());
        match (number.and_then(|number| self.sites.get(number)), parts.next()) {
            (Some(site), Some(rest)) => format!("{site}.{rest}"),
            _ => path.to_owned(),
        }
    }

    fn facts(&self) -> Vec<LayerFact> {
        self.facts.clone()
    }

    fn buffers(&self) -> Vec<(String, Vec<f32>)> {
        let norms = self.layers().filter_map(|(site, layer)| match layer {
            Layer::BatchNorm(norm) => Some((site, norm.statistics())),
            _ => None,
        });
        norms
            .flat_map(|(site, statistics)| {
                [
                    (format!("{site}.running_mean"), statistics.mean),
                    (format!("{site}.running_variance"), statistics.variance),
                ]
            })
            .collect()
    }

    fn set_buffer(&self, name: &str, values: Vec<f32>) -> bool {
        for (site, layer) in self.layers() {
            let (Layer::BatchNorm(norm), Some(part)) = (layer, name.strip_prefix(site)) else { continue };
            let mut statistics = norm.statistics();
            let slot = match part {
                ".running_mean" => &mut statistics.mean,
                ".running_variance" => &mut statistics.variance,
                _ => continue,
            };
            if slot.len() != values.len() {
                return false;
            }
            *slot = values;
            norm.set_statistics(statistics);
            return true;
        }
        false
    }
}

fn build(kind: &LayerKind, number: usize, shapes: [Shape; 2], random: &mut Random, device: &Device) -> Option<Layer> {
    let [input, output] = shapes;
    let size = |size: u64, stride: Option<u64>| [size as usize, stride.unwrap_or(size) as usize];
    Some(match kind {
        LayerKind::Dense { units, activation, weights } => {
            let inputs = input.values() as usize;
            Layer::Dense(Dense::new(inputs, *units as usize, *activation, weights, random, device))
        }
        LayerKind::Conv2d { kernel, stride, activation, weights, .. } => {
            let window = [*kernel as usize, *stride as usize];
            Layer::Conv2d(Conv2d::new([input, output], window, *activation, weights, random, device))
        }
        LayerKind::MaxPool2d { size: side, stride } => {
            Layer::Pool2d(Pool2d::new(Pool::Max, shapes, size(*side, *stride)))
        }
        LayerKind::AvgPool2d { size: side, stride } => {
            Layer::Pool2d(Pool2d::new(Pool::Average, shapes, size(*side, *stride)))
        }
        LayerKind::Dropout { rate } => Layer::Dropout(Dropout::new(*rate, number, input)),
        LayerKind::BatchNorm { momentum, epsilon, trainable } => {
            Layer::BatchNorm(BatchNorm::new(input, *momentum, *epsilon, *trainable, device))
        }
        LayerKind::LayerNorm { epsilon, trainable } => {
            Layer::LayerNorm(LayerNorm::new(input, *epsilon, *trainable, device))
        }
        LayerKind::Activation { activation } => Layer::Activation(ActivationLayer::new(*activation, input)),
        // Features lie in one row between all layers, so there is nothing to do.
        LayerKind::Flatten => return None,
    })
}

fn facts(kind: &LayerKind, site: &str, input: Shape) -> Vec<LayerFact> {
    let text = |key, value: &str| LayerFact { site: site.to_owned(), key, value: FactValue::Text(value.to_owned()) };
    let number = |key, value: f64| LayerFact { site: site.to_owned(), key, value: FactValue::Number(value) };
    let mut facts = vec![text(FactKey::Layer, kind.name())];
    let activation = match kind {
        LayerKind::Dense { activation, weights, .. } | LayerKind::Conv2d { activation, weights, .. } => {
            let inputs = match kind {
                LayerKind::Conv2d { kernel, .. } => input.channels() as u64 * kernel * kernel,
                _ => input.values(),
            };
            let trainable = FactValue::Flag(weights.trainable);
            facts.push(text(FactKey::Initializer, weights.initializer.name()));
            facts.push(number(FactKey::FanIn, inputs as f64));
            facts.push(LayerFact { site: site.to_owned(), key: FactKey::Trainable, value: trainable });
            Some(*activation)
        }
        LayerKind::Activation { activation } => Some(*activation),
        _ => None,
    };
    facts.extend(activation.map(|activation: Activation| text(FactKey::Activation, activation.name())));
    facts
}
