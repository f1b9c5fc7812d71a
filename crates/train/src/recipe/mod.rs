//! The recipe: a training run as a TOML file, or as plain structs built in code.
//!
//! ```toml
//! name = "digits"          # the run's name; default: the file's
//! seed = 0
//! epochs = 20
//! batch = 32
//! task = "multiclass"      # default: told by the targets and the loss
//!
//! [data]                   # DataSpec
//! file = "digits.csv"
//! target = "label"
//! normalize = "standard"
//! validation = 0.2
//!
//! [[layers]]               # LayerSpec; one table per layer
//! kind = "dense"
//! units = 64
//! activation = "relu"
//!
//! [[layers]]
//! kind = "dense"
//! units = 10
//!
//! [loss]                   # LossSpec
//! kind = "cross_entropy"
//!
//! [optimizer]              # OptimizerSpec; and [penalty], [clip], [loss_scale], [schedule], [[callbacks]], [observe]
//! kind = "adam"
//! learning_rate = 0.001
//! ```
//!
//! Only `[[layers]]` and `[loss]` are required (or `[[outputs]]`, where there are several). Each key is documented at the field that it fills.

mod activation;
mod block_shapes;
mod callbacks;
mod check;
mod constraint;
mod custom;
mod data;
mod device;
mod diff;
mod edit;
mod error;
mod examples;
mod initializer;
mod layer;
mod layers;
mod loss;
mod loss_kind;
mod metric;
mod model;
mod monitor;
mod new;
mod observe;
mod optimizer;
mod origin;
mod outputs;
mod precision;
mod read;
mod recurrent;
mod regularizer;
mod schedule;
mod shapes;
pub(crate) mod suggest;
mod transformer;
mod visit;
mod weights;
mod write;

pub use activation::Activation;
pub(crate) use block_shapes::{inner_shapes, shapes_inside};
pub use callbacks::{CallbackSpec, ClipMethod};
pub use constraint::ConstraintKind;
pub use custom::CustomSpec;
pub use data::{DataSpec, Missing, Normalize, Task};
pub use diff::{DiffLine, diff, diff_text};
pub use error::{Problem, RecipeError};
pub use examples::{BrokenImages, Channels, Examples, ImageSpec, Resize, TokenSpec};
pub use initializer::Initializer;
pub use layer::{LayerSpec, layer_names};
pub use layers::{LARGEST_LAYER, LayerKind, Merge, Padding};
pub use loss::{LossSpec, LossTakes, Reduction};
pub use loss_kind::{LossKind, LossWants};
pub use metric::MetricKind;
pub use model::ModelSpec;
pub(crate) use monitor::HELD_OUT;
pub use monitor::{Mode, Monitor, ThresholdMode, Watch};
pub use new::{new_recipe, new_recipe_for};
pub use observe::ObserveSpec;
pub use optimizer::{ClipSpec, DEFAULT_LEARNING_RATE, OptimizerKind, OptimizerSpec, PenaltySpec};
pub use origin::Origin;
pub use outputs::OutputSpec;
pub use precision::{LossScaleSpec, Precision};
pub use recurrent::RecurrentSpec;
pub use regularizer::{OrthogonalMode, RegularizerKind};
pub use schedule::{ScheduleKind, ScheduleSpec, Swing, Unit};
pub use shapes::Shape;

pub use transformer::{NormPlace, TransformerSpec};
pub use weights::WeightSpec;

use barograph_burn::DeviceName;
use std::path::{Path, PathBuf};
#[cfg(test)]
pub(crate) use visit::Kind;
use visit::{Counts, Section, Visitor};

/// Largest batch that a recipe may ask for: our choice, far above any use.
const LARGEST_BATCH: u64 = 1 << 30;

/// A training run, described.
///
/// ```
/// # use barograph_train::recipe::{Activation, LayerSpec, LossKind, OptimizerKind, OptimizerSpec, Recipe};
/// let recipe = Recipe {
///     name: "digits".to_owned(),
///     layers: vec![LayerSpec::dense(64).with_activation(Activation::Relu), LayerSpec::dense(10)],
///     loss: LossKind::CrossEntropy.into(),
///     optimizer: OptimizerSpec::from(OptimizerKind::adam()).with_learning_rate(0.01),
///     ..Recipe::default()
/// };
/// recipe.check()?;
/// # Ok::<(), barograph_train::recipe::RecipeError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// `name`: of the run. Default: the name of the recipe's file without its ending, or `run`.
    pub name: String,
    /// `seed`: of everything drawn at random. Default 0.
    pub seed: u64,
    /// `epochs`: passes over the training rows. Default 10.
    pub epochs: u64,
    /// `validation_every`: epochs between two measurements of the rows that are held out, the `validation_freq` of Keras. The last epoch has
    /// one in any case. What watches a number of these rows does nothing in an epoch without one: `patience` counts measurements. Default 1.
    pub validation_every: u64,
    /// `batch`: rows of one step. Default 32.
    pub batch: u64,
    /// `device`: where to train: `cpu`, `cuda`, `cuda:1` (the second card) or `wgpu`. The last two need a build with the feature of that name. Default `cpu`.
    pub device: String,
    /// `precision`: of products. Default `f32`.
    pub precision: Precision,
    /// `task`: default: told by the targets and the loss.
    pub task: Option<Task>,
    /// `[data]`.
    pub data: DataSpec,
    /// `[model]`.
    pub model: ModelSpec,
    /// `[[layers]]`: at least one.
    pub layers: Vec<LayerSpec>,
    /// `[[outputs]]`: where there are several. Default: one, the last layer.
    pub outputs: Vec<OutputSpec>,
    /// `[loss]`: of the one output. Required, unless there are several.
    pub loss: LossSpec,
    /// `metrics`: what is measured besides the loss, a list such as `["f1", "auc"]`; of several outputs, each has its own. Default: none but
    /// `accuracy` of classes or `r2` of numbers.
    pub metrics: Vec<MetricKind>,
    /// `[optimizer]`.
    pub optimizer: OptimizerSpec,
    /// `[penalty]`.
    pub penalty: PenaltySpec,
    /// `[clip]`.
    pub clip: ClipSpec,
    /// `[loss_scale]`.
    pub loss_scale: LossScaleSpec,
    /// `[schedule]`.
    pub schedule: ScheduleSpec,
    /// `[[callbacks]]`.
    pub callbacks: Vec<CallbackSpec>,
    /// `[observe]`.
    pub observe: ObserveSpec,
    /// Where it was written; `Origin::default()` in code.
    pub origin: Origin,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            name: "run".to_owned(),
            seed: 0,
            epochs: 10,
            validation_every: 1,
            batch: 32,
            device: DeviceName::Cpu.to_string(),
            precision: Precision::F32,
            task: None,
            data: DataSpec::default(),
            model: ModelSpec::default(),
            layers: Vec::new(),
            outputs: Vec::new(),
            loss: LossSpec::default(),
            metrics: Vec::new(),
            optimizer: OptimizerSpec::default(),
            penalty: PenaltySpec::default(),
            clip: ClipSpec::default(),
            loss_scale: LossScaleSpec::default(),
            schedule: ScheduleSpec::default(),
            callbacks: Vec::new(),
            observe: ObserveSpec::default(),
            origin: Origin::default(),
        }
    }
}

impl Section for Recipe {
    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        visitor.text("name", &mut self.name);
        visitor.count("seed", &mut self.seed, Counts::from(0), false);
        visitor.count("epochs", &mut self.epochs, Counts::from(1), false);
        visitor.count("validation_every", &mut self.validation_every, Counts::from(1), false);
        visitor.count("batch", &mut self.batch, Counts::between(1, LARGEST_BATCH), false);
        visitor.text("device", &mut self.device);
        visitor.word("precision", &mut self.precision);
        visitor.word_or_none("task", &mut self.task);
        visitor.words("metrics", &mut self.metrics);
        visitor.section("data", &mut self.data, false);
        visitor.section("model", &mut self.model, false);
        visitor.sections("layers", &mut self.layers);
        visitor.sections("outputs", &mut self.outputs);
        visitor.section("loss", &mut self.loss, self.outputs.is_empty());
        visitor.section("optimizer", &mut self.optimizer, false);
        visitor.section("penalty", &mut self.penalty, false);
        visitor.section("clip", &mut self.clip, false);
        visitor.section("loss_scale", &mut self.loss_scale, false);
        visitor.section("schedule", &mut self.schedule, false);
        visitor.sections("callbacks", &mut self.callbacks);
        visitor.section("observe", &mut self.observe, false);
    }
}

impl Recipe {
    /// Reads and checks the recipe in a file. Relative paths in it start from its folder.
    pub fn load(path: &Path) -> Result<Self, RecipeError> {
        let text = std::fs::read_to_string(path).map_err(|source| RecipeError::Unreadable {
            path: path.to_owned(),
            hint: if source.kind() == std::io::ErrorKind::NotFound {
                crate::data::nearby_files(path, &["toml"])
            } else {
                String::new()
            },
            source,
        })?;
        let mut recipe = read::read(&text, &path.display().to_string())?;
        recipe.origin.folder = path.parent().map(Path::to_owned);
        Ok(recipe)
    }

    /// Whether a layer reads on where the last batch ended.
    pub(crate) fn is_stateful(&self) -> bool {
        fn any(layers: &[LayerSpec]) -> bool {
            layers.iter().any(|layer| {
                layer.kind.recurrent().is_some_and(|recurrent| recurrent.stateful)
                    || layer.kind.layers().is_some_and(any)
            })
        }
        any(&self.layers) || self.outputs.iter().any(|output| any(&output.layers))
    }

    /// Reads and checks a recipe from its text; `origin` is what messages call it, such as `digits.toml`.
    pub fn parse(text: &str, origin: &str) -> Result<Self, RecipeError> {
        read::read(text, origin)
    }

    /// Checks what a recipe built in code says, as reading one from a file does.
    pub fn check(&self) -> Result<(), RecipeError> {
        let problems = check::problems(self);
        if problems.is_empty() { Ok(()) } else { Err(RecipeError::Invalid(problems)) }
    }

    /// Writes the recipe as TOML. Keys that hold their default are left out.
    #[must_use]
    pub fn to_toml(&self) -> String {
        write::to_toml(self)
    }

    /// The text it was read from, with later [`Recipe::set`]s in it; of a recipe built in code, [`Recipe::to_toml`].
    #[must_use]
    pub fn text(&self) -> String {
        self.origin.text.clone().unwrap_or_else(|| self.to_toml())
    }

    /// A number that stays the same as long as the recipe says the same: comments, order and defaults written out do not matter.
    #[must_use]
    pub fn hash(&self) -> u64 {
        /// FNV-1a, 64 bits (Fowler, Noll and Vo).
        const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0000_0100_0000_01b3;
        self.to_toml().bytes().fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
    }

    /// Where a dotted key stands, for messages: `digits.toml:14`. A key left out gives its table's line; a recipe built in code, "".
    #[must_use]
    pub fn place(&self, key: &str) -> &str {
        self.origin.place(key)
    }

    /// Batches of one step: more than one where gradients are accumulated.
    #[must_use]
    pub fn batches_per_step(&self) -> u64 {
        let batches = self.callbacks.iter().filter_map(|callback| match callback {
            CallbackSpec::GradientAccumulation { batches } => Some(*batches),
            _ => None,
        });
        batches.max().unwrap_or(1).max(1)
    }

    /// Whether the rows that are held out are measured after this epoch, counted from 0.
    pub(crate) const fn validates(&self, epoch: u64) -> bool {
        (epoch + 1).is_multiple_of(self.validation_every) || epoch + 1 == self.epochs
    }

    /// The site path of each layer, see [`layer_names`].
    #[must_use]
    pub fn layer_names(&self) -> Vec<String> {
        layer_names(&self.layers)
    }

    /// The data file, as seen from the working directory.
    pub fn data_file(&self) -> Result<PathBuf, RecipeError> {
        match &self.data.file {
            Some(file) => Ok(self.origin.resolve(file)),
            None => Err(RecipeError::one(
                self.place("data"),
                "data.file",
                "there is no data; name a .csv, .parquet, .npz or .safetensors with file = \"...\" under [data]",
            )),
        }
    }
}

#[cfg(test)]
mod tests;
