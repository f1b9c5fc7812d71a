//! The network of a recipe.
use crate::layers::{
    ActivationLayer, BatchNorm, Branch, CarriedState, Cell, Conv1d, Conv2d, Conv2dTranspose, Custom, Dense, Dropout,
    Embedding, EncoderDecoder, GlobalPool, Glu, GroupNorm, Head, Layer, LayerNorm, LeakyRelu, Masking,
    MultiHeadAttention, Parallel, Pool, Pool1d, Pool2d, PositionEmbedding, Prelu, RRelu, Recurrent, Residual, RmsNorm,
    Sequential, Threshold, Transformer,
};
use crate::model::{LayerFact, Model};
use crate::random::{Purpose, Random};
use crate::recipe::{
    Activation, LayerKind, OutputSpec, Recipe, RecipeError, RegularizerKind, Shape, WeightSpec, inner_shapes,
    layer_names, shapes_inside,
};
use crate::weight_rules::{WeightRule, rules_of_layer};
use crate::weights::{self, LoadedWeights};
use barograph_burn::{Scope, ops};
use barograph_vocab::{FactKey, FactValue};
use burn::module::Module;
use burn::prelude::*;
use std::ops::Range;

/// Layers in a row, as a recipe lists them.
#[derive(Module, Debug)]
pub struct Network {
    layers: Vec<Layer>,
    /// The site of each layer.
    sites: Vec<String>,
    /// Several outputs, or none: then the last layer is the output.
    heads: Vec<Head>,
    #[module(skip)]
    activities: Vec<(String, RegularizerKind)>,
    #[module(skip)]
    facts: Vec<LayerFact>,
    #[module(skip)]
    rules: Vec<WeightRule>,
}

impl Network {
    /// Builds the layers of a recipe for `inputs` columns, with weights drawn from its seed.
    ///
    /// Where `[model]` names a file, weights are those of the file: see [`Self::loaded`].
    ///
    /// # Errors
    /// When the layers do not fit together, or the file of weights does not fit the layers.
    pub fn from_recipe(recipe: &Recipe, inputs: usize, device: &Device) -> Result<Self, RecipeError> {
        Ok(Self::loaded(recipe, inputs, device)?.0)
    }

    /// The network of [`Self::from_recipe`], and what was taken from the file of weights that `[model]` names, if it names one.
    ///
    /// # Errors
    /// As [`Self::from_recipe`].
    pub fn loaded(
        recipe: &Recipe,
        inputs: usize,
        device: &Device,
    ) -> Result<(Self, Option<LoadedWeights>), RecipeError> {
        weights::load(Self::drawn(recipe, inputs, device)?, recipe)
    }

    /// The network with random weights.
    fn drawn(recipe: &Recipe, inputs: usize, device: &Device) -> Result<Self, RecipeError> {
        let shapes = recipe.shapes(inputs as u64)?;
        let mut input = recipe.input_shape(inputs as u64)?;
        let mut builder = Builder {
            device,
            inner: recipe.layers.len(),
            facts: Vec::new(),
            rules: Vec::new(),
            activities: Vec::new(),
            memory: None,
        };
        // How many layers there are behind each one of the recipe.
        let mut built = Vec::with_capacity(recipe.layers.len());
        let (mut layers, mut sites) = (Vec::new(), Vec::new());
        for (number, ((spec, site), output)) in recipe.layers.iter().zip(recipe.layer_names()).zip(shapes).enumerate() {
            let mut random = Random::new(recipe.seed, Purpose::Weight, 0, number as u32);
            let layer = builder.layer(&spec.kind, &site, number, [input, output], &mut random);
            // The shapes have been worked out already, so that this does not happen.
            if let Some(layer) = layer.map_err(|text| RecipeError::one(String::new(), "layers", text))? {
                layers.push(layer);
                sites.push(site);
            }
            built.push((layers.len(), output));
            input = output;
        }
        let mut heads = Vec::with_capacity(recipe.outputs.len());
        for (number, output) in recipe.outputs.iter().enumerate() {
            let (after, start) = built.get(recipe.start_of(output)).copied().unwrap_or((0, input));
            // Other numbers than those of the layers, which are drawn at 0.
            let mut random = Random::new(recipe.seed, Purpose::Weight, 1, number as u32);
            let head = builder.head(output, after, start, &mut random);
            heads.push(head.map_err(|text| RecipeError::one(String::new(), format!("outputs.{number}"), text))?);
        }
        let Builder { facts, rules, activities, .. } = builder;
        Ok(Self { layers, sites, heads, activities, facts, rules })
    }

    /// The layers with their sites.
    pub fn layers(&self) -> impl Iterator<Item = (&str, &Layer)> {
        self.sites.iter().map(String::as_str).zip(&self.layers)
    }

    /// Values of each of several outputs, which lie side by side in what the network puts out; empty where there is one.
    #[must_use]
    pub fn output_widths(&self) -> Vec<usize> {
        self.heads.iter().map(Head::width).collect()
    }

    /// The layers from the first to the last, with each output where it starts; the outputs side by side.
    fn branched(&self, inputs: Tensor<2>) -> Tensor<2> {
        let mut outputs: Vec<Option<Tensor<2>>> = vec![None; self.heads.len()];
        let mut x = inputs;
        for number in 0..=self.layers.len() {
            for (head, output) in self.heads.iter().zip(&mut outputs) {
                if head.after() == number {
                    let mask = Scope::mask();
                    *output = Some(head.forward(x.clone()));
                    Scope::set_mask(mask);
                }
            }
            if let (Some(site), Some(layer)) = (self.sites.get(number), self.layers.get(number)) {
                x = layer.forward(site, x);
            }
        }
        // Outputs of different heads may have different time steps.
        Scope::set_mask(None);
        outputs.into_iter().flatten().reduce(|left, right| ops::concat(left, right, 1)).unwrap_or(x)
    }

    /// The layers that take the first so many columns of the data: see [`Layer::entries`].
    fn entries(&self, columns: usize) -> Vec<(String, Option<&Embedding>, Range<usize>)> {
        self.layers().next().map_or_else(Vec::new, |(site, layer)| layer.entries(site, 0..columns))
    }

    /// Every layer with its site, those inside of others too.
    pub(crate) fn all_layers(&self) -> Vec<(String, &Layer)> {
        let mut found = Vec::new();
        collect("", &self.sites, &self.layers, &mut found);
        for head in &self.heads {
            let (names, layers) = head.inner();
            collect(head.name(), names, layers, &mut found);
        }
        found
    }
}

fn collect<'a>(outer: &str, names: &[String], layers: &'a [Layer], found: &mut Vec<(String, &'a Layer)>) {
    for (name, layer) in names.iter().zip(layers) {
        let site = if outer.is_empty() { name.clone() } else { format!("{outer}.{name}") };
        if let Some((names, layers)) = layer.inner() {
            collect(&site, names, layers, found);
        }
        found.push((site, layer));
    }
}

impl Network {
    /// `heads.0.layers.1.weight` as `species.dense2.weight`, and the weights of the other layers as [`shown`].
    fn shown(&self, path: &str) -> Option<String> {
        let Some((number, rest)) = path.strip_prefix("heads.").and_then(|rest| rest.split_once('.')) else {
            return shown(&self.sites, &self.layers, path);
        };
        let head = self.heads.get(number.parse::<usize>().ok()?)?;
        let (names, layers) = head.inner();
        Some(format!("{}.{}", head.name(), shown(names, layers, rest)?))
    }
}

/// `layers.2.weight` as `dense2.weight`, and `layers.1.layers.0.weight` as `residual1.dense1.weight`.
fn shown(names: &[String], layers: &[Layer], path: &str) -> Option<String> {
    let (number, rest) = path.strip_prefix("layers.")?.split_once('.')?;
    let number: usize = number.parse().ok()?;
    let (name, layer) = (names.get(number)?, layers.get(number)?);
    let inner = layer.inner().and_then(|(names, layers)| shown(names, layers, rest));
    let own = if let Layer::Custom(layer) = layer { layer.weight_name(rest) } else { None };
    Some(format!("{name}.{}", inner.as_deref().or(own).unwrap_or(rest)))
}

impl Model for Network {
    fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        Scope::set_mask(None);
        if self.heads.is_empty() {
            return self.layers().fold(inputs, |x, (site, layer)| layer.forward(site, x));
        }
        self.branched(inputs)
    }

    fn begin_step(&self, epoch: u64) {
        self.layers.iter().for_each(|layer| layer.begin_step(epoch));
        self.heads.iter().flat_map(|head| head.inner().1).for_each(|layer| layer.begin_step(epoch));
    }

    fn carried(&self) -> Vec<CarriedState> {
        let save = |(site, layer): (String, &Layer)| match layer {
            Layer::Recurrent(layer) => layer.carried().save(&site),
            _ => None,
        };
        self.all_layers().into_iter().filter_map(save).collect()
    }

    fn set_carried(&self, carried: &[CarriedState]) {
        for (site, layer) in self.all_layers() {
            if let Layer::Recurrent(layer) = layer {
                layer.carried().restore(carried.iter().find(|saved| saved.site == site));
            }
        }
    }

    fn site_of(&self, path: &str) -> String {
        self.shown(path).unwrap_or_else(|| path.to_owned())
    }

    fn facts(&self) -> Vec<LayerFact> {
        self.facts.clone()
    }

    fn checks_inputs(&self) -> bool {
        self.entries(usize::MAX).iter().any(|(_, embedding, _)| embedding.is_some())
    }

    fn activity_regularizers(&self) -> Vec<(String, RegularizerKind)> {
        self.activities.clone()
    }

    fn weight_rules(&self) -> Vec<WeightRule> {
        self.rules.clone()
    }

    fn takes_names(&self) -> bool {
        let entries = self.entries(usize::MAX);
        !entries.is_empty() && entries.iter().all(|(_, embedding, _)| embedding.is_some())
    }

    fn check_inputs(&self, row: &[f32]) -> Result<(), String> {
        self.entries(row.len()).into_iter().try_for_each(|(site, embedding, columns)| match embedding {
            Some(embedding) => embedding.check(&site, &row[columns.clone()], columns.start),
            None => Ok(()),
        })
    }

    fn buffers(&self) -> Vec<(String, Vec<f32>)> {
        let norms = self.all_layers().into_iter().filter_map(|(site, layer)| match layer {
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
        for (site, layer) in self.all_layers() {
            let (Layer::BatchNorm(norm), Some(part)) = (layer, name.strip_prefix(site.as_str())) else { continue };
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

/// Builds layers, and says what they are.
struct Builder<'a> {
    device: &'a Device,
    /// The number that the next layer inside of another one gets: those of the recipe's own list come first.
    inner: usize,
    facts: Vec<LayerFact>,
    rules: Vec<WeightRule>,
    activities: Vec<(String, RegularizerKind)>,
    /// What the encoder around puts out, for the layers of its decoder.
    memory: Option<Shape>,
}

impl Builder<'_> {
    /// One of several outputs, behind the first `after` layers, which put out `input`.
    fn head(&mut self, spec: &OutputSpec, after: usize, input: Shape, random: &mut Random) -> Result<Head, String> {
        let outputs = inner_shapes(&spec.layers, input)?;
        let width = outputs.last().copied().unwrap_or(input).values() as usize;
        let (mut layers, mut names, mut before) = (Vec::new(), Vec::new(), input);
        for ((layer, name), output) in spec.layers.iter().zip(layer_names(&spec.layers)).zip(outputs) {
            let site = format!("{}.{name}", spec.name);
            if let Some(layer) = self.inner_layer(&layer.kind, &site, [before, output], random)? {
                layers.push(layer);
                names.push(name);
            }
            before = output;
        }
        Ok(Head::new(layers, names, spec.name.clone(), after, width))
    }

    /// A layer that is not one of the recipe's own list.
    fn inner_layer(
        &mut self,
        kind: &LayerKind,
        site: &str,
        shapes: [Shape; 2],
        random: &mut Random,
    ) -> Result<Option<Layer>, String> {
        let number = self.inner;
        self.inner += 1;
        let told = self.facts.len();
        let built = self.layer(kind, site, number, shapes, random)?;
        // The kind marks the layers that a recipe numbers, which those inside of another one are not.
        let mut place = 0;
        self.facts.retain(|fact| {
            place += 1;
            place <= told || fact.key != FactKey::Layer
        });
        Ok(built)
    }

    /// A layer with all that is inside of it; `None` for one that computes nothing.
    fn layer(
        &mut self,
        kind: &LayerKind,
        site: &str,
        number: usize,
        shapes: [Shape; 2],
        random: &mut Random,
    ) -> Result<Option<Layer>, String> {
        let [input, output] = shapes;
        self.rules.extend(rules_of_layer(kind, site));
        let activity = kind.weights().map(|weights| weights.activity_regularizer);
        self.activities.extend(
            activity.filter(|activity| *activity != RegularizerKind::None).map(|activity| (site.to_owned(), activity)),
        );
        if let LayerKind::Custom { layer } = kind {
            self.facts.extend(facts(kind, site, input));
            let custom = Custom::new(layer.written()?, shapes, random, self.device)?;
            return Ok(Some(Layer::Custom(custom)));
        }
        let Some(specs) = kind.layers() else {
            // A layer that computes nothing is one of the recipe all the same, and counts when remedies number its layers.
            self.facts.extend(facts(kind, site, input));
            let built = build(kind, number, shapes, random, self.device);
            return Ok(match (built, kind, self.memory) {
                (Some(Layer::Transformer(block)), LayerKind::TransformerDecoder { block: spec }, Some(memory)) => {
                    Some(Layer::Transformer(block.attending_to(memory, spec, random, self.device)))
                }
                (built, ..) => built,
            });
        };
        self.facts.extend(facts(kind, site, input));
        let inside = shapes_inside(kind, input)?;
        let (mut layers, mut names, mut branches) = (Vec::new(), Vec::new(), Vec::new());
        let outer = self.memory;
        for ((spec, name), shapes) in specs.iter().zip(layer_names(specs)).zip(&inside) {
            let built = self.inner_layer(&spec.kind, &format!("{site}.{name}"), *shapes, random)?;
            branches.push(Branch { layer: built.is_some().then_some(layers.len()), output: shapes[1] });
            if let Some(layer) = built {
                layers.push(layer);
                names.push(name);
            }
            if matches!(kind, LayerKind::EncoderDecoder { .. }) {
                self.memory = Some(shapes[1]);
            }
        }
        self.memory = outer;
        Ok(Some(match kind {
            LayerKind::Residual { .. } => Layer::Residual(Residual::new(layers, names, input)),
            LayerKind::Parallel { merge, .. } => {
                Layer::Parallel(Parallel::new(layers, names, branches, *merge, output))
            }
            LayerKind::EncoderDecoder { .. } => match (&inside[..], &branches[..]) {
                ([[source, encoded], [target, _]], [encoder, decoder]) => {
                    let (places, inputs) = ([encoder.layer, decoder.layer], [*source, *target]);
                    Layer::EncoderDecoder(EncoderDecoder::new(layers, names, places, inputs, *encoded))
                }
                // The shapes are those of two branches.
                _ => return Ok(None),
            },
            _ => Layer::Sequential(Sequential::new(layers, names)),
        }))
    }
}

fn build(kind: &LayerKind, number: usize, shapes: [Shape; 2], random: &mut Random, device: &Device) -> Option<Layer> {
    let [input, output] = shapes;
    let size = |size: u64, stride: Option<u64>| [size as usize, stride.unwrap_or(size) as usize];
    Some(match kind {
        LayerKind::Dense { units, activation, weights } => {
            let inputs = dense_inputs(input) as usize;
            Layer::Dense(Dense::new(inputs, *units as usize, *activation, weights, random, device))
        }
        LayerKind::Conv2d { kernel, stride, activation, weights, .. } => {
            let window = [*kernel as usize, *stride as usize];
            Layer::Conv2d(Conv2d::new([input, output], window, *activation, weights, random, device))
        }
        LayerKind::MaxPool2d { size: side, stride } => {
            Layer::Pool2d(Pool2d::new(Pool::Max, shapes, size(*side, *stride)))
        }
        LayerKind::MaxPool1d { size: steps, stride } => {
            Layer::Pool1d(Pool1d::new(Pool::Max, shapes, size(*steps, *stride)))
        }
        LayerKind::AvgPool1d { size: steps, stride } => {
            Layer::Pool1d(Pool1d::new(Pool::Average, shapes, size(*steps, *stride)))
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
        LayerKind::Conv1d { kernel, stride, activation, weights, .. } => {
            let window = [*kernel as usize, *stride as usize];
            Layer::Conv1d(Conv1d::new(shapes, window, *activation, weights, random, device))
        }
        LayerKind::Conv2dTranspose { kernel, stride, activation, weights, .. } => {
            let window = [*kernel as usize, *stride as usize];
            Layer::Conv2dTranspose(Conv2dTranspose::new(shapes, window, *activation, weights, random, device))
        }
        LayerKind::GlobalMaxPool => Layer::GlobalPool(GlobalPool::new(Pool::Max, input)),
        LayerKind::GlobalAveragePool => Layer::GlobalPool(GlobalPool::new(Pool::Average, input)),
        LayerKind::GroupNorm { groups, epsilon, trainable } => {
            Layer::GroupNorm(GroupNorm::new(input, *groups as usize, *epsilon, *trainable, device))
        }
        LayerKind::RmsNorm { epsilon, trainable } => Layer::RmsNorm(RmsNorm::new(input, *epsilon, *trainable, device)),
        LayerKind::Embedding { vocabulary, initializer, trainable, mask_zero, .. } => {
            let layer = Embedding::new(*vocabulary as usize, output, *initializer, *trainable, random, device);
            Layer::Embedding(layer.with_mask_zero(*mask_zero))
        }
        LayerKind::Masking { value } => Layer::Masking(Masking::new(input, *value)),
        LayerKind::PositionEmbedding { initializer, trainable } => {
            Layer::PositionEmbedding(PositionEmbedding::new(input, *initializer, *trainable, random, device))
        }
        LayerKind::Rnn { activation, recurrent } => {
            Layer::Recurrent(Recurrent::new(Cell::Rnn(*activation), shapes, recurrent, random, device))
        }
        LayerKind::Lstm { forget_bias, recurrent } => {
            let cell = Cell::Lstm { forget_bias: *forget_bias };
            Layer::Recurrent(Recurrent::new(cell, shapes, recurrent, random, device))
        }
        LayerKind::Gru { recurrent } => Layer::Recurrent(Recurrent::new(Cell::Gru, shapes, recurrent, random, device)),
        LayerKind::MultiHeadAttention { heads, causal, weights } => {
            Layer::MultiHeadAttention(MultiHeadAttention::new(input, *heads as usize, *causal, weights, random, device))
        }
        LayerKind::TransformerEncoder { block } => {
            Layer::Transformer(Transformer::new(input, false, block, number, random, device))
        }
        LayerKind::TransformerDecoder { block } => {
            Layer::Transformer(Transformer::new(input, true, block, number, random, device))
        }
        LayerKind::LeakyRelu { slope } => Layer::LeakyRelu(LeakyRelu::new(input, *slope)),
        LayerKind::RRelu { lower, upper } => Layer::RRelu(RRelu::new(input, [*lower, *upper], number)),
        LayerKind::Threshold { threshold, value } => Layer::Threshold(Threshold::new(input, *threshold, *value)),
        LayerKind::Prelu { slope, trainable } => Layer::Prelu(Prelu::new(input, *slope, *trainable, device)),
        LayerKind::Glu => Layer::Glu(Glu::new(shapes)),
        // Values lie in one row between all layers, so there is nothing to do.
        LayerKind::Flatten
        | LayerKind::Reshape { .. }
        // The builder makes these of what is inside of them, or of what a user wrote.
        | LayerKind::Custom { .. }
        | LayerKind::Residual { .. }
        | LayerKind::Parallel { .. }
        | LayerKind::EncoderDecoder { .. }
        | LayerKind::Sequential { .. } => return None,
    })
}

/// Values that a unit of a dense layer sums over: those of a time step, or of the whole example.
const fn dense_inputs(input: Shape) -> u64 {
    match input {
        Shape::Sequence([_, features]) => features,
        Shape::Row(_) | Shape::Image(_) => input.values(),
    }
}

fn facts(kind: &LayerKind, site: &str, input: Shape) -> Vec<LayerFact> {
    let text = |key, value: &str| LayerFact { site: site.to_owned(), key, value: FactValue::Text(value.to_owned()) };
    let number = |key, value: f64| LayerFact { site: site.to_owned(), key, value: FactValue::Number(value) };
    let mut facts = vec![text(FactKey::Layer, kind.name())];
    let mut drawn = |weights: &WeightSpec, fan_in: u64| {
        facts.push(text(FactKey::Initializer, weights.initializer.name()));
        facts.push(number(FactKey::FanIn, fan_in as f64));
        let trainable = FactValue::Flag(weights.trainable);
        facts.push(LayerFact { site: site.to_owned(), key: FactKey::Trainable, value: trainable });
    };
    let channels = input.channels() as u64;
    let activation = match kind {
        LayerKind::Dense { activation, weights, .. } => {
            drawn(weights, dense_inputs(input));
            Some(*activation)
        }
        LayerKind::Conv2d { kernel, activation, weights, .. }
        | LayerKind::Conv2dTranspose { kernel, activation, weights, .. } => {
            drawn(weights, channels * kernel * kernel);
            Some(*activation)
        }
        LayerKind::Conv1d { kernel, activation, weights, .. } => {
            drawn(weights, channels * kernel);
            Some(*activation)
        }
        LayerKind::Activation { activation } => Some(*activation),
        _ => None,
    };
    facts.extend(activation.map(|activation: Activation| text(FactKey::Activation, activation.name())));
    facts.extend(trainable_of_block(kind).map(|trainable| LayerFact {
        site: site.to_owned(),
        key: FactKey::Trainable,
        value: FactValue::Flag(trainable),
    }));
    facts
}

/// Whether the optimizer changes the weights of a layer that has several, or that are not drawn for sums.
const fn trainable_of_block(kind: &LayerKind) -> Option<bool> {
    match kind {
        LayerKind::Rnn { recurrent, .. } | LayerKind::Lstm { recurrent, .. } | LayerKind::Gru { recurrent } => {
            Some(recurrent.weights.trainable)
        }
        LayerKind::MultiHeadAttention { weights, .. } => Some(weights.trainable),
        LayerKind::TransformerEncoder { block } | LayerKind::TransformerDecoder { block } => {
            Some(block.weights.trainable)
        }
        LayerKind::Embedding { trainable, .. } | LayerKind::PositionEmbedding { trainable, .. } => Some(*trainable),
        _ => None,
    }
}
