//! Several outputs, each with targets and a loss of its own.
use super::visit::{Limits, Section, Visitor};
use super::{LayerSpec, LossKind, LossSpec, MetricKind};

/// `[[outputs]]`: one of several outputs. Each hangs on the layers of the recipe with layers of its own, and learns target columns of its own;
/// the losses are added up. Without this table there is one output, the last layer, and `[loss]`.
///
/// ```toml
/// [[outputs]]
/// name = "species"
/// target = "species"
/// loss = { kind = "cross_entropy" }
/// layers = [{ kind = "dense", units = 3 }]
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct OutputSpec {
    /// `name`: of the output; the site of its loss, and of its layers. Required.
    pub name: String,
    /// `from`: the layer whose output it starts from. Default: the last of `[[layers]]`.
    pub from: Option<String>,
    /// `target`: the column, or the list of columns, that it learns. Required.
    pub target: Vec<String>,
    /// `weight`: by which its loss counts in the sum. Default 1.
    pub weight: f64,
    /// `[outputs.loss]`, with the keys of `[loss]`. Required.
    pub loss: LossSpec,
    /// `metrics`: what is measured of it besides its loss, a list such as `["f1", "auc"]`. Default: none but `accuracy` of classes or `r2` of
    /// numbers.
    pub metrics: Vec<MetricKind>,
    /// `[[outputs.layers]]`: its own layers, in order; the last gives the answer. Default: none, the layer `from` gives it.
    pub layers: Vec<LayerSpec>,
}

impl Default for OutputSpec {
    fn default() -> Self {
        Self {
            name: String::new(),
            from: None,
            target: Vec::new(),
            weight: 1.0,
            loss: LossSpec::default(),
            metrics: Vec::new(),
            layers: Vec::new(),
        }
    }
}

impl Section for OutputSpec {
    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        visitor.text("name", &mut self.name);
        visitor.text_or_none("from", &mut self.from);
        visitor.texts("target", &mut self.target);
        visitor.number("weight", &mut self.weight, Limits::NOT_NEGATIVE);
        visitor.words("metrics", &mut self.metrics);
        visitor.section("loss", &mut self.loss, true);
        visitor.sections("layers", &mut self.layers);
    }
}

impl OutputSpec {
    /// An output of this name that learns one column, with the loss of its kind and layers of its own.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        target: impl Into<String>,
        loss: LossKind,
        layers: impl Into<Vec<LayerSpec>>,
    ) -> Self {
        Self {
            name: name.into(),
            target: vec![target.into()],
            loss: loss.into(),
            layers: layers.into(),
            ..Self::default()
        }
    }

    /// With these measures besides its loss.
    #[must_use]
    pub fn with_metrics(mut self, metrics: impl Into<Vec<MetricKind>>) -> Self {
        self.metrics = metrics.into();
        self
    }

    /// With a loss that counts so much in the sum.
    #[must_use]
    pub const fn with_weight(mut self, weight: f64) -> Self {
        self.weight = weight;
        self
    }

    /// That starts from the layer of this name.
    #[must_use]
    pub fn from_layer(mut self, name: impl Into<String>) -> Self {
        self.from = Some(name.into());
        self
    }
}
