//! What a network is made of, and what it costs.
mod flops;

use crate::Network;
use crate::error::TrainError;
use crate::model::Model;
use crate::recipe::{
    Activation, LayerKind, LayerSpec, OptimizerKind, Recipe, Shape, inner_shapes, layer_names, shapes_inside,
};
use barograph_burn::{Parameters, cpu};

/// Bytes of a value in single precision.
const BYTES: u64 = 4;

/// The layers of a network with their shapes and costs, as [`summarize`] finds them.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The layers in order; those inside of another one follow it, one level deeper.
    pub layers: Vec<SummaryLayer>,
    /// All layers together.
    pub total: Cost,
    /// What training one batch keeps in memory.
    pub memory: Memory,
    /// Rows of a batch.
    pub batch: u64,
}

/// One layer of a [`Summary`].
#[derive(Clone, Debug, PartialEq)]
pub struct SummaryLayer {
    /// Its site.
    pub site: String,
    /// How many layers it lies inside of.
    pub depth: usize,
    /// Its kind, and its activation function: `dense, relu`.
    pub kind: String,
    /// The shape of one example behind it.
    pub output: Shape,
    /// Its cost, with that of the layers inside.
    pub cost: Cost,
}

/// What a layer costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Elements of its weights, frozen ones too.
    pub parameters: u64,
    /// Those that the optimizer changes.
    pub trainable: u64,
    /// Floating point operations of one example on its way forward in evaluation: 2 for each multiply-add of a product or convolution, 1 for
    /// each other operation on a value (bias, addition, activation function, comparison), 2 a value for a batch norm, 4 for an RMS norm, 7 for a
    /// layer or group norm, 5 for a softmax. A backward pass takes about twice as many.
    pub flops: u64,
    /// Values that it puts out for one example and that are kept for the backward pass; with an activation function both what goes into it and
    /// what comes out.
    pub values: u64,
}

impl Cost {
    fn add(&mut self, other: Self) {
        self.parameters = self.parameters.saturating_add(other.parameters);
        self.trainable = self.trainable.saturating_add(other.trainable);
        self.flops = self.flops.saturating_add(other.flops);
        self.values = self.values.saturating_add(other.values);
    }
}

/// Bytes that training keeps, in single precision. What operations need for a moment comes on top.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Weights.
    pub parameters: u64,
    /// Their gradients.
    pub gradients: u64,
    /// Means and momenta of the optimizer.
    pub optimizer: u64,
    /// Outputs of layers, of all rows of a batch.
    pub activations: u64,
}

impl Memory {
    /// All of it.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.parameters.saturating_add(self.gradients).saturating_add(self.optimizer).saturating_add(self.activations)
    }
}

/// Lists the layers of a recipe's network for so many input columns, with their shapes, parameters, operations and memory.
///
/// # Errors
/// When the layers do not fit the columns or each other.
pub fn summarize(recipe: &Recipe, inputs: usize) -> Result<Summary, TrainError> {
    // Only a device with autodiff tells which weights take part in training.
    let network = Network::from_recipe(recipe, inputs, &cpu(true))?;
    let input = recipe.data.image.map_or(Shape::Row(inputs as u64), Shape::Image);
    let mut lister = Lister { layers: Vec::new(), memory: None };
    let mut before = input;
    let shapes = recipe.shapes(inputs as u64)?;
    for ((spec, site), &output) in recipe.layers.iter().zip(recipe.layer_names()).zip(&shapes) {
        lister.list(spec, &site, 0, before, output);
        before = output;
    }
    for output in &recipe.outputs {
        let mut before = shapes.get(recipe.start_of(output)).copied().unwrap_or(input);
        // The shapes have been worked out with the network.
        let own = inner_shapes(&output.layers, before).unwrap_or_default();
        for ((spec, name), shape) in output.layers.iter().zip(layer_names(&output.layers)).zip(own) {
            lister.list(spec, &format!("{}.{name}", output.name), 0, before, shape);
            before = shape;
        }
    }
    let mut layers = lister.layers;
    for parameter in Parameters::of(&network).renamed(|path| network.site_of(path)).list() {
        let parameters = parameter.shape.iter().product::<usize>() as u64;
        let trainable = if parameter.trainable { parameters } else { 0 };
        for place in owners(&layers, &parameter.path) {
            layers[place].cost.add(Cost { parameters, trainable, ..Cost::default() });
        }
    }
    let mut total = Cost::default();
    layers.iter().filter(|layer| layer.depth == 0).for_each(|layer| total.add(layer.cost));
    let batch = recipe.batch;
    let bytes = |values: u64| values.saturating_mul(BYTES);
    let memory = Memory {
        parameters: bytes(total.parameters),
        gradients: bytes(total.trainable),
        optimizer: bytes(total.trainable).saturating_mul(moments(recipe)),
        activations: bytes(total.values.saturating_add(input.values())).saturating_mul(batch),
    };
    Ok(Summary { layers, total, memory, batch })
}

/// The layer that a weight belongs to, and all that this one lies inside of.
fn owners(layers: &[SummaryLayer], path: &str) -> Vec<usize> {
    let is_inside = |site: &str| path.strip_prefix(site).is_some_and(|rest| rest.starts_with('.'));
    // A layer may be named like a part of another one, `a.b` beside `a`; the longer name is the nearer layer.
    let places = (0..layers.len()).filter(|&place| is_inside(&layers[place].site));
    let Some(nearest) = places.max_by_key(|&place| layers[place].site.len()) else { return Vec::new() };
    let mut owners = vec![nearest];
    let mut depth = layers[nearest].depth;
    for place in (0..nearest).rev() {
        if layers[place].depth < depth {
            depth = layers[place].depth;
            owners.push(place);
        }
    }
    owners
}

/// Values that the optimizer keeps for each weight.
const fn moments(recipe: &Recipe) -> u64 {
    let own = match recipe.optimizer.kind {
        OptimizerKind::Sgd { momentum, .. } | OptimizerKind::SgdW { momentum, .. } => (momentum > 0.0) as u64,
        OptimizerKind::RmsProp { momentum, .. } => 1 + (momentum > 0.0) as u64,
        OptimizerKind::Adam { .. }
        | OptimizerKind::AdamW { .. }
        | OptimizerKind::RAdam { .. }
        | OptimizerKind::NAdam { .. }
        | OptimizerKind::QHAdam { .. } => 2,
    };
    if recipe.optimizer.lookahead_steps.is_some() { own + 1 } else { own }
}

struct Lister {
    layers: Vec<SummaryLayer>,
    /// What the encoder around puts out, for the layers of its decoder.
    memory: Option<Shape>,
}

impl Lister {
    /// Lists a layer and those inside of it. Returns what they cost, but for their weights.
    fn list(&mut self, spec: &LayerSpec, site: &str, depth: usize, input: Shape, output: Shape) -> Cost {
        let place = self.layers.len();
        let mut cost = own_cost(&spec.kind, input, output, self.memory);
        self.layers.push(SummaryLayer { site: site.to_owned(), depth, kind: kind(&spec.kind), output, cost });
        if let Some(specs) = spec.kind.layers() {
            // The shapes have been worked out before, so that they are there.
            let shapes = shapes_inside(&spec.kind, input).unwrap_or_default();
            let outer = self.memory;
            for ((inner, name), [input, output]) in specs.iter().zip(layer_names(specs)).zip(shapes) {
                cost.add(self.list(inner, &format!("{site}.{name}"), depth + 1, input, output));
                if matches!(spec.kind, LayerKind::EncoderDecoder { .. }) {
                    self.memory = Some(output);
                }
            }
            self.memory = outer;
        }
        self.layers[place].cost = cost;
        cost
    }
}

/// `dense, relu`.
fn kind(kind: &LayerKind) -> String {
    let activation = activation(kind);
    match kind {
        LayerKind::Activation { activation } => activation.name().to_owned(),
        _ if activation == Activation::Linear => kind.name().to_owned(),
        _ => format!("{}, {}", kind.name(), activation.name()),
    }
}

/// The activation function behind the layer; linear where there is none.
const fn activation(kind: &LayerKind) -> Activation {
    match kind {
        LayerKind::Dense { activation, .. }
        | LayerKind::Conv2d { activation, .. }
        | LayerKind::Conv1d { activation, .. }
        | LayerKind::Conv2dTranspose { activation, .. }
        | LayerKind::Activation { activation } => *activation,
        _ => Activation::Linear,
    }
}

/// What a layer costs by itself, but for its weights.
fn own_cost(kind: &LayerKind, input: Shape, output: Shape, memory: Option<Shape>) -> Cost {
    let mut cost =
        Cost { flops: flops::of(kind, input, output), values: values(kind, input, output), ..Cost::default() };
    if let (LayerKind::TransformerDecoder { block }, Some(memory)) = (kind, memory) {
        let ([time, features], memory) = (flops::sequence(input), flops::sequence(memory));
        cost.flops = cost.flops.saturating_add(flops::of_memory([time, features], memory, block));
        // Queries, what is mixed, the norm and the sum; keys and values; scores and their softmax.
        let own = time.saturating_mul(features).saturating_mul(5);
        let read = memory[0].saturating_mul(features).saturating_mul(2);
        let scores = block.heads.saturating_mul(time).saturating_mul(memory[0]).saturating_mul(2);
        cost.values = cost.values.saturating_add(own).saturating_add(read).saturating_add(scores);
    }
    cost
}

/// Values that are kept for the backward pass.
fn values(kind: &LayerKind, input: Shape, output: Shape) -> u64 {
    let out = output.values();
    let [time, features] = match input {
        Shape::Sequence([time, features]) => [time, features],
        Shape::Row(_) | Shape::Image(_) => [1, input.values()],
    };
    let attention = |heads: u64| {
        // Queries, keys, values, scores, their softmax, and what is mixed.
        let products = time.saturating_mul(features).saturating_mul(4);
        products.saturating_add(heads.saturating_mul(time).saturating_mul(time).saturating_mul(2))
    };
    match kind {
        LayerKind::Flatten
        | LayerKind::Reshape { .. }
        | LayerKind::Sequential { .. }
        | LayerKind::EncoderDecoder { .. } => 0,
        LayerKind::Rnn { recurrent, .. } => recurrent.outputs().saturating_mul(time).saturating_mul(2),
        // Four gates before and behind their activation functions, memory, its tanh, and the output.
        LayerKind::Lstm { recurrent, .. } => recurrent.outputs().saturating_mul(time).saturating_mul(11),
        LayerKind::Gru { recurrent } => recurrent.outputs().saturating_mul(time).saturating_mul(9),
        LayerKind::MultiHeadAttention { heads, .. } => attention(*heads).saturating_add(out),
        LayerKind::TransformerEncoder { block } | LayerKind::TransformerDecoder { block } => {
            let hidden = block.hidden_units(features).saturating_mul(time).saturating_mul(2);
            // Two norms, two sums, the attention's and the second dense layer's output.
            attention(block.heads).saturating_add(hidden).saturating_add(out.saturating_mul(6))
        }
        _ if activation(kind) != Activation::Linear && !matches!(kind, LayerKind::Activation { .. }) => {
            out.saturating_mul(2)
        }
        _ => out,
    }
}

#[cfg(test)]
mod tests;
