//! The format of a case.
use anyhow::{Context, Result, bail};
use barograph_train::recipe::{
    Activation, ClipSpec, DataSpec, Initializer, LayerKind, LayerSpec, OptimizerKind, OptimizerSpec, Padding,
    PenaltySpec, Recipe, Task, WeightSpec,
};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Epsilon of Adam where a case gives none.
const ADAM_EPSILON: f64 = 1e-7;

/// One training: a line of a file of cases.
#[derive(Clone, Debug, Deserialize)]
pub struct Case {
    /// Its name, opaque.
    pub id: String,
    /// What to train.
    pub spec: Spec,
}

/// What to train.
#[allow(clippy::struct_excessive_bools, reason = "the format has a switch for each planted error")]
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    pub(super) layers: Vec<Vec<serde_json::Value>>,
    pub(super) opt: String,
    pub(super) lr: f64,
    #[serde(default)]
    pub(super) mom: f64,
    #[serde(default)]
    pub(super) nesterov: bool,
    pub(super) eps: Option<f64>,
    #[serde(default)]
    pub(super) wd: f64,
    #[serde(default)]
    pub(super) l2: f64,
    pub(super) loss: String,
    pub(super) epochs: u64,
    #[serde(default = "default_batch")]
    pub(super) batch: u64,
    pub(super) clip: Option<f64>,
    pub(super) init: Option<String>,
    pub(super) data: DataFile,
    #[serde(default)]
    pub(super) no_zero_grad: bool,
    #[serde(default)]
    pub(super) maximize: bool,
    #[serde(default)]
    pub(super) freeze: bool,
    #[serde(default)]
    pub(super) wrong_params: bool,
    pub(super) lr_decay_step: Option<f64>,
}

const fn default_batch() -> u64 {
    32
}

/// Where the examples are.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct DataFile {
    file: PathBuf,
    task: String,
}

/// Reads a file of cases, one JSON object a line.
///
/// # Errors
/// When the file cannot be read, or a line is no case.
pub fn read_cases(path: &Path) -> Result<Vec<Case>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{}: cannot read the cases", path.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            serde_json::from_str(line).with_context(|| {
                format!("{}:{}: not a case: expected {{\"id\", \"spec\"}}", path.display(), number + 1)
            })
        })
        .collect()
}

impl Spec {
    /// The recipe of the training, without its loss and its planted errors. Data files are relative to `folder`.
    pub(super) fn recipe(&self, name: &str, folder: &Path, seed: u64) -> Result<Recipe> {
        let layers = self.layers.iter().map(|layer| self.layer(layer)).collect::<Result<Vec<_>>>()?;
        let convolves = layers.iter().any(|layer| matches!(layer.kind, LayerKind::Conv2d { .. }));
        Ok(Recipe {
            name: name.to_owned(),
            seed,
            epochs: self.epochs,
            batch: self.batch,
            task: Some(task(&self.data.task)?),
            data: DataSpec {
                file: Some(folder.join(&self.data.file)),
                image: convolves.then_some([1, 8, 8]),
                ..DataSpec::default()
            },
            layers,
            optimizer: self.optimizer()?,
            penalty: PenaltySpec { l2: self.l2, ..PenaltySpec::default() },
            clip: ClipSpec { global_norm: self.clip, ..ClipSpec::default() },
            ..Recipe::default()
        })
    }

    fn layer(&self, layer: &[serde_json::Value]) -> Result<LayerSpec> {
        let text = |place: usize| layer.get(place).and_then(serde_json::Value::as_str);
        let count = layer.get(1).and_then(serde_json::Value::as_u64);
        let activation = activation(text(2))?;
        let kind = match (text(0), count) {
            (Some("dense"), Some(units)) => LayerKind::Dense {
                units,
                activation,
                weights: weights(text(3).or(self.init.as_deref()).unwrap_or("glorot"))?,
            },
            (Some("conv"), Some(channels)) => {
                let weights = weights(text(3).unwrap_or("he"))?;
                LayerKind::Conv2d { channels, kernel: 3, stride: 1, padding: Padding::Same, activation, weights }
            }
            (Some("pool"), _) => LayerKind::MaxPool2d { size: 2, stride: None },
            (Some("drop"), _) => match layer.get(1).and_then(serde_json::Value::as_f64) {
                Some(rate) => LayerKind::Dropout { rate },
                None => bail!("a \"drop\" layer needs a rate"),
            },
            _ => bail!("unknown layer {layer:?}"),
        };
        Ok(kind.into())
    }

    fn optimizer(&self) -> Result<OptimizerSpec> {
        let kind = match self.opt.as_str() {
            "sgd" => OptimizerKind::Sgd { momentum: self.mom, nesterov: self.nesterov && self.mom > 0.0 },
            "adam" => OptimizerKind::Adam { beta1: 0.9, beta2: 0.999, epsilon: self.eps.unwrap_or(ADAM_EPSILON) },
            "rmsprop" => OptimizerKind::RmsProp { alpha: 0.9, epsilon: 1e-7, momentum: 0.0 },
            other => bail!("unknown optimizer {other:?}"),
        };
        let decay = if self.opt == "adam" { self.wd } else { 0.0 };
        Ok(OptimizerSpec::from(kind).with_learning_rate(self.lr).with_weight_decay(decay))
    }
}

fn task(name: &str) -> Result<Task> {
    Ok(match name {
        "binary" => Task::Binary,
        "multiclass" => Task::Multiclass,
        "multilabel" => Task::Multilabel,
        "regression" => Task::Regression,
        other => bail!("unknown task {other:?}"),
    })
}

fn activation(name: Option<&str>) -> Result<Activation> {
    Ok(match name {
        None | Some("linear") => Activation::Linear,
        Some("relu") => Activation::Relu,
        Some("sigmoid") => Activation::Sigmoid,
        Some("tanh") => Activation::Tanh,
        Some("elu") => Activation::Elu,
        Some("selu") => Activation::Selu,
        Some("exponential") => Activation::Exponential,
        Some("softmax") => Activation::Softmax,
        Some("softmax_batch") => Activation::SoftmaxBatch,
        Some(other) => bail!("unknown activation {other:?}"),
    })
}

/// Weights of an initializer; biases are 0 but for a `normal` whose deviation is not 0.05.
fn weights(name: &str) -> Result<WeightSpec> {
    let number = |prefix: &str, absent: f64| -> Result<f64> {
        let digits = &name[prefix.len()..];
        if digits.is_empty() {
            Ok(absent)
        } else {
            digits.parse().with_context(|| format!("unknown initializer {name:?}"))
        }
    };
    let initializer = match name {
        "glorot" => Initializer::GlorotUniform,
        "he" => Initializer::HeNormal,
        "uniform05" => Initializer::Uniform { bound: 0.05 },
        _ if name.starts_with("normal") => Initializer::Normal { std: number("normal", 0.05)? },
        _ if name.starts_with("const") => Initializer::Constant { value: number("const", 0.0)? },
        _ => bail!("unknown initializer {name:?}"),
    };
    let bias_initializer = match initializer {
        Initializer::Normal { .. } if name != "normal0.05" => initializer,
        _ => Initializer::Zeros,
    };
    Ok(WeightSpec { initializer, bias_initializer, ..WeightSpec::default() })
}
