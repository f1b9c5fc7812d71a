//! The layers of a network that hold weights, and what each would be called and look like in PyTorch.
use super::file::Stored;
use crate::layers::{Dense, Direction, Layer, LayerNorm, MultiHeadAttention, Recurrent};
use crate::network::Network;
use burn::module::Param;
use burn::prelude::*;
use std::collections::BTreeMap;

/// A layer with weights.
pub(super) struct Unit {
    pub(super) site: String,
    /// Its kind, as a recipe names it.
    pub(super) kind: &'static str,
    parts: Vec<Part>,
}

/// A weight or a buffer of a layer: the sum of what its sources hold.
struct Part {
    /// Its name within the layer.
    ours: String,
    shape: Vec<usize>,
    sources: Vec<Source>,
}

/// A tensor of a PyTorch module, or some of its rows.
#[derive(Clone)]
struct Source {
    leaf: String,
    /// The shape of the whole tensor.
    shape: Vec<usize>,
    /// First row and count of those that are taken.
    rows: Option<[usize; 2]>,
    transposed: bool,
}

impl Source {
    fn whole(leaf: impl Into<String>, shape: &[usize]) -> Self {
        Self { leaf: leaf.into(), shape: shape.to_vec(), rows: None, transposed: false }
    }

    /// A tensor `[outputs, inputs]` for a weight `[inputs, outputs]`.
    fn transposed(leaf: impl Into<String>, [inputs, outputs]: [usize; 2]) -> Self {
        Self { transposed: true, ..Self::whole(leaf, &[outputs, inputs]) }
    }

    fn take(&self, tensor: &Stored) -> Vec<f32> {
        let width: usize = tensor.shape.iter().skip(1).product();
        let values = match self.rows {
            Some([first, count]) => &tensor.values[first * width..(first + count) * width],
            None => &tensor.values[..],
        };
        if !self.transposed {
            return values.to_vec();
        }
        let rows = values.len() / width.max(1);
        (0..width).flat_map(|column| (0..rows).map(move |row| values[row * width + column])).collect()
    }
}

impl Unit {
    /// The tensors that a PyTorch module must hold, with their shapes.
    pub(super) fn wants(&self) -> BTreeMap<&str, &[usize]> {
        let sources = self.parts.iter().flat_map(|part| &part.sources);
        sources.map(|source| (source.leaf.as_str(), source.shape.as_slice())).collect()
    }

    /// Our names and shapes, the names whole.
    pub(super) fn own(&self) -> impl Iterator<Item = (String, &[usize])> {
        self.parts.iter().map(|part| (format!("{}.{}", self.site, part.ours), part.shape.as_slice()))
    }

    /// Our weights and buffers by their whole names, made of the tensors of a module that [`Self::wants`] fits.
    pub(super) fn values(&self, module: &BTreeMap<String, Stored>) -> Vec<(String, Stored)> {
        let value = |part: &Part| {
            let mut values = vec![0.0; part.shape.iter().product()];
            for source in &part.sources {
                let taken = module.get(&source.leaf).map(|tensor| source.take(tensor)).unwrap_or_default();
                values.iter_mut().zip(taken).for_each(|(sum, value)| *sum += value);
            }
            (format!("{}.{}", self.site, part.ours), Stored { shape: part.shape.clone(), values })
        };
        self.parts.iter().map(value).collect()
    }
}

/// The layers of a network that hold weights, those inside of others too.
pub(super) fn of(network: &Network) -> Vec<Unit> {
    let units = network.all_layers().into_iter().filter_map(|(site, layer)| {
        let (kind, parts) = parts_of(layer)?;
        Some(Unit { site, kind, parts })
    });
    units.collect()
}

fn parts_of(layer: &Layer) -> Option<(&'static str, Vec<Part>)> {
    Some(match layer {
        Layer::Dense(layer) => ("dense", dense(layer, "", "", None)),
        Layer::Conv1d(layer) => ("conv1d", convolution(&layer.weight, layer.bias.as_ref())),
        Layer::Conv2d(layer) => ("conv2d", convolution(&layer.weight, layer.bias.as_ref())),
        Layer::Conv2dTranspose(layer) => ("conv2d_transpose", convolution(&layer.weight, layer.bias.as_ref())),
        Layer::BatchNorm(layer) => {
            let channels = layer.scale.dims();
            let mut parts = norm(&layer.scale, Some(&layer.shift), "", "");
            parts.push(same("running_mean", "running_mean", &channels));
            parts.push(same("running_variance", "running_var", &channels));
            ("batch_norm", parts)
        }
        Layer::LayerNorm(layer) => ("layer_norm", norm(&layer.scale, Some(&layer.shift), "", "")),
        Layer::GroupNorm(layer) => ("group_norm", norm(&layer.scale, Some(&layer.shift), "", "")),
        Layer::RmsNorm(layer) => ("rms_norm", norm(&layer.scale, None, "", "")),
        Layer::Embedding(layer) => ("embedding", vec![same("weight", "weight", &layer.weight.dims())]),
        Layer::PositionEmbedding(layer) => ("position_embedding", vec![same("weight", "weight", &layer.weight.dims())]),
        Layer::Prelu(layer) => ("prelu", vec![same("slope", "weight", &layer.slope.dims())]),
        Layer::Recurrent(layer) => ("recurrent", recurrent(layer)),
        Layer::MultiHeadAttention(layer) => ("multi_head_attention", attention(layer, "", "")),
        Layer::Transformer(layer) => {
            let mut parts = attention(&layer.attention, "attention.", "self_attn.");
            parts.extend(dense(&layer.feed_forward1, "feed_forward1.", "linear1.", None));
            parts.extend(dense(&layer.feed_forward2, "feed_forward2.", "linear2.", None));
            let mut norms =
                vec![(&layer.attention_norm, "attention_norm."), (&layer.feed_forward_norm, "feed_forward_norm.")];
            if let (Some(attended), Some(norm)) = (&layer.memory_attention, &layer.memory_norm) {
                parts.extend(attention(attended, "memory_attention.", "multihead_attn."));
                norms.insert(1, (norm, "memory_norm."));
            }
            // PyTorch numbers them as they come.
            for (number, (LayerNorm { scale, shift, .. }, ours)) in (1..).zip(norms) {
                parts.extend(norm(scale, Some(shift), ours, &format!("norm{number}.")));
            }
            ("transformer", parts)
        }
        // What a user wrote has the names that it has there.
        Layer::Custom(layer) => ("custom", layer.shapes().map(|(name, shape)| same(name, name, &shape)).collect()),
        // These hold no weights, or what they hold is listed by itself.
        Layer::Pool1d(_)
        | Layer::Pool2d(_)
        | Layer::Dropout(_)
        | Layer::Masking(_)
        | Layer::Activation(_)
        | Layer::GlobalPool(_)
        | Layer::LeakyRelu(_)
        | Layer::RRelu(_)
        | Layer::Threshold(_)
        | Layer::Glu(_)
        | Layer::Residual(_)
        | Layer::Parallel(_)
        | Layer::EncoderDecoder(_)
        | Layer::Sequential(_) => return None,
    })
}

fn same(ours: impl Into<String>, theirs: impl Into<String>, shape: &[usize]) -> Part {
    Part { ours: ours.into(), shape: shape.to_vec(), sources: vec![Source::whole(theirs, shape)] }
}

/// A dense layer; of a tensor for several at once, the place among so many.
fn dense(layer: &Dense, ours: &str, theirs: &str, joint: Option<[usize; 2]>) -> Vec<Part> {
    let [inputs, units] = layer.weight.dims();
    let [place, of] = joint.unwrap_or([0, 1]);
    let rows = joint.map(|_| [place * units, units]);
    let weight = Source { rows, ..Source::transposed(format!("{theirs}weight"), [inputs, of * units]) };
    let mut parts = vec![Part { ours: format!("{ours}weight"), shape: vec![inputs, units], sources: vec![weight] }];
    if layer.bias.is_some() {
        let bias = Source { rows, ..Source::whole(format!("{theirs}bias"), &[of * units]) };
        parts.push(Part { ours: format!("{ours}bias"), shape: vec![units], sources: vec![bias] });
    }
    parts
}

fn convolution<const D: usize>(weight: &Param<Tensor<D>>, bias: Option<&Param<Tensor<1>>>) -> Vec<Part> {
    let bias = bias.map(|bias| same("bias", "bias", &bias.dims()));
    std::iter::once(same("weight", "weight", &weight.dims())).chain(bias).collect()
}

fn norm(scale: &Param<Tensor<1>>, shift: Option<&Param<Tensor<1>>>, ours: &str, theirs: &str) -> Vec<Part> {
    let one = |name: &str, leaf: &str, param: &Param<Tensor<1>>| {
        same(format!("{ours}{name}"), format!("{theirs}{leaf}"), &param.dims())
    };
    std::iter::once(one("scale", "weight", scale)).chain(shift.map(|shift| one("shift", "bias", shift))).collect()
}

fn attention(layer: &MultiHeadAttention, ours: &str, theirs: &str) -> Vec<Part> {
    let joint = format!("{theirs}in_proj_");
    let inputs = [(&layer.query, "query."), (&layer.key, "key."), (&layer.value, "value.")];
    let mut parts = Vec::new();
    for (place, (dense_layer, name)) in inputs.into_iter().enumerate() {
        parts.extend(dense(dense_layer, &format!("{ours}{name}"), &joint, Some([place, 3])));
    }
    parts.extend(dense(&layer.output, &format!("{ours}output."), &format!("{theirs}out_proj."), None));
    parts
}

fn recurrent(layer: &Recurrent) -> Vec<Part> {
    let mut parts = direction(&layer.forward, "forward.", "");
    if let Some(backward) = &layer.backward {
        parts.extend(direction(backward, "backward.", "_reverse"));
    }
    parts
}

/// The gates lie in the same order as in PyTorch.
fn direction(layer: &Direction, ours: &str, ending: &str) -> Vec<Part> {
    let ([inputs, width], [units, _]) = (layer.input_weight.dims(), layer.recurrent_weight.dims());
    let weight = |name: &str, leaf: &str, shape: [usize; 2]| Part {
        ours: format!("{ours}{name}"),
        shape: shape.to_vec(),
        sources: vec![Source::transposed(format!("{leaf}{ending}"), shape)],
    };
    let mut parts = vec![
        weight("input_weight", "weight_ih", [inputs, width]),
        weight("recurrent_weight", "weight_hh", [units, width]),
    ];
    let bias = |leaf: &str| Source::whole(format!("{leaf}{ending}"), &[width]);
    // But in a GRU, the two biases of PyTorch are only ever added.
    let sources = match &layer.recurrent_bias {
        Some(_) => vec![bias("bias_ih")],
        None => vec![bias("bias_ih"), bias("bias_hh")],
    };
    if layer.bias.is_some() {
        parts.push(Part { ours: format!("{ours}bias"), shape: vec![width], sources });
    }
    if layer.recurrent_bias.is_some() {
        parts.push(Part { ours: format!("{ours}recurrent_bias"), shape: vec![width], sources: vec![bias("bias_hh")] });
    }
    parts
}
