//! The trainer: what people ask for, before it becomes a run.
mod end;
mod observe;
mod perform;
mod rate;
mod resume;
mod run;
mod samples;

pub(crate) use observe::see_rows;
pub(crate) use run::{rows_per_step, steps_per_epoch};

use crate::auxiliary::{AskedLoss, AuxiliaryLoss};
use crate::batches::Rows;
use crate::callbacks::Callback;
use crate::check;
use crate::data::RowSource;
use crate::engine::Engine;
use crate::error::TrainError;
use crate::gradient_hook::GradientHook;
use crate::layers::Initialize;
use crate::losses::{Loss, OutputLosses};
use crate::metric::{Metric, Metrics};
use crate::metrics::Scoring;
use crate::model::Model;
use crate::outcome::Outcome;
use crate::parts::{Given, Parts};
use crate::prepare::{Prepared, prepare};
use crate::preprocessing::Preprocessing;
use crate::recipe::Recipe;
use crate::weight_rules::{AskedRule, Constraint, Regularizer};
use barograph_burn::device_of;
use run::Run;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Trains a model on a data set, observed.
///
/// ```
/// use barograph_train::{Network, Trainer, data::{Dataset, Targets}, recipe::{LayerSpec, LossKind, Recipe}};
/// let recipe = Recipe { layers: vec![LayerSpec::dense(1)], loss: LossKind::Mse.into(), epochs: 3, ..Recipe::default() };
/// let data = Dataset::new(vec![0.0, 1.0, 2.0, 3.0], 1, Targets::Real { values: vec![1.0, 3.0, 5.0, 7.0], columns: 1 })?;
/// let outcome = Trainer::from_recipe(&recipe, &data)?.fit(&data)?;
/// assert_eq!(outcome.steps, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Trainer<M> {
    recipe: Recipe,
    model: M,
    parts: Parts,
    hooks: Vec<Box<dyn GradientHook>>,
    callbacks: Vec<Box<dyn Callback>>,
    folder: Option<PathBuf>,
    interrupt: Arc<AtomicBool>,
    observed: bool,
    resume: bool,
}

impl Trainer<crate::Network> {
    /// Trains the network of a recipe on its device, with its loss and its callbacks.
    ///
    /// # Errors
    /// When the layers do not fit the data or each other, or the device cannot be used.
    pub fn from_recipe(recipe: &Recipe, data: &dyn RowSource) -> Result<Self, TrainError> {
        let model = crate::Network::from_recipe(recipe, data.features(), &recipe.open_device(true)?)?;
        let loss = OutputLosses::of_recipe(recipe, &model, data)?;
        let parts = Parts { is_loss_of_recipe: true, ..Parts::new(loss) };
        Ok(Self { parts, ..Self::new(model, recipe.loss.clone()).recipe(recipe.clone()) })
    }
}

impl<M: Model> Trainer<M> {
    /// Trains `model` with `loss`, and the defaults of a recipe for all else.
    #[must_use]
    pub fn new(model: M, loss: impl Loss + 'static) -> Self {
        Self {
            recipe: Recipe::default(),
            model,
            parts: Parts::new(Box::new(loss)),
            hooks: Vec::new(),
            callbacks: Vec::new(),
            folder: None,
            interrupt: Arc::default(),
            observed: true,
            resume: false,
        }
    }

    /// Takes epochs, batch, seed, optimizer, penalty, clipping, schedule, callbacks and observation from a recipe. Its layers, loss,
    /// device and data file are not used: a model is trained where its weights are.
    #[must_use]
    pub fn recipe(mut self, recipe: Recipe) -> Self {
        self.recipe = recipe;
        self
    }

    /// Adds a callback; they are asked in the order in which they were added, after those of the recipe.
    #[must_use]
    pub fn callback(mut self, callback: impl Callback + 'static) -> Self {
        self.callbacks.push(Box::new(callback));
        self
    }

    /// Adds to the loss what this says of the weight at a site, such as `dense1.weight`.
    #[must_use]
    pub fn regularizer(mut self, site: impl Into<String>, regularizer: impl Regularizer + 'static) -> Self {
        self.parts.rules.push(AskedRule::Regularizer(site.into(), Arc::new(regularizer)));
        self
    }

    /// Brings the weight at a site, such as `dense1.weight`, back to this after each update.
    #[must_use]
    pub fn constraint(mut self, site: impl Into<String>, constraint: impl Constraint + 'static) -> Self {
        self.parts.rules.push(AskedRule::Constraint(site.into(), Arc::new(constraint)));
        self
    }

    /// Adds to the loss, times `weight`, what this says of the activations at some sites, such as `dense1`. Logged at the site `name`.
    ///
    /// ```
    /// # use barograph_train::{Trainer, TrainError, data::{Dataset, Targets}, recipe::{Activation, LayerSpec, LossKind, Recipe}};
    /// use barograph_burn::ops;
    /// use burn::Tensor;
    /// # let layers = vec![LayerSpec::dense(4).with_activation(Activation::Relu), LayerSpec::dense(1)];
    /// # let recipe = Recipe { layers, loss: LossKind::Mse.into(), epochs: 1, ..Recipe::default() };
    /// # let data = Dataset::new(vec![0.0, 1.0], 1, Targets::Real { values: vec![1.0, 3.0], columns: 1 })?;
    /// // A sparse code: the mean magnitude of a hidden layer.
    /// let trainer = Trainer::from_recipe(&recipe, &data)?
    ///     .auxiliary_loss("sparsity", 0.1, ["dense1"], |hidden: &[Tensor<2>], _: &_| ops::mean(ops::abs(hidden[0].clone())));
    /// let outcome = trainer.fit(&data)?;
    /// assert!(outcome.history[0].named("sparsity_loss").is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn auxiliary_loss<S: Into<String>>(
        mut self,
        name: impl Into<String>,
        weight: f64,
        sites: impl IntoIterator<Item = S>,
        loss: impl AuxiliaryLoss + 'static,
    ) -> Self {
        let sites = sites.into_iter().map(Into::into).collect();
        self.parts.auxiliary.push(AskedLoss { name: name.into(), weight, sites, loss: Arc::new(loss) });
        self
    }

    /// Measures this over each epoch, on the training rows and on those that are held out.
    #[must_use]
    pub fn metric(mut self, metric: impl Metric + Clone + 'static) -> Self {
        self.parts.metrics.add(metric);
        self
    }

    /// Draws the first values of the weight at a site, such as `dense1.weight`, in this way, from the recipe's seed.
    #[must_use]
    pub fn initializer(mut self, site: impl Into<String>, initializer: impl Initialize + 'static) -> Self {
        self.parts.initializers.push((site.into(), Box::new(initializer)));
        self
    }

    /// Adds something that changes gradients before they are read.
    #[must_use]
    pub fn gradient_hook(mut self, hook: impl GradientHook + 'static) -> Self {
        self.hooks.push(Box::new(hook));
        self
    }

    /// Writes the run log, checkpoints and the model to this folder.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Ends the run as interrupted, with its log closed and a checkpoint kept, after the step during which this becomes true.
    #[must_use]
    pub fn interrupt(mut self, flag: Arc<AtomicBool>) -> Self {
        self.interrupt = flag;
        self
    }

    /// Goes on from the backup in the folder (see [`crate::callbacks::BackupAndRestore`]), to the bit as if the training had not been
    /// interrupted. Recipe, data, callbacks and gradient hooks must be those of the training that was. What the run log holds of later
    /// steps is cut off, as they are done again; a note in it says so.
    #[must_use]
    pub fn resume(mut self) -> Self {
        self.resume = true;
        self
    }

    /// Trains without a session: nothing is read, judged or logged. The weights come out the same to the last bit.
    #[must_use]
    pub fn unobserved(mut self) -> Self {
        self.observed = false;
        self
    }

    /// Trains.
    ///
    /// # Errors
    /// When the data set is empty, a class has no output, or the folder cannot be used. A loss that becomes NaN is not an error: it
    /// is in the outcome.
    pub fn fit(self, data: &dyn RowSource) -> Result<Outcome<M>, TrainError> {
        let Self { recipe, model, mut parts, hooks, callbacks, folder, interrupt, observed, resume } = self;
        let takes = parts.loss.describe().takes;
        let Prepared { rows: data, task, training, validation } = prepare(data, &recipe, takes)?;
        let scoring = Scoring::new(task, takes);
        parts.metrics = Metrics::with_those_of(&recipe, parts.metrics, scoring, &data.targets)?;
        let (model, rules, auxiliary) = parts.given_to(model, data.features(), recipe.seed)?;
        check::check_inputs(&model, &data, &training, &validation)?;
        let (training, validation) = (Rows::new(&data, training), Rows::new(&data, validation));
        let outputs = check::outputs(&model, data.features());
        recipe.check_precision(&device_of(&model, true))?;
        let (loss, device) = (parts.loss.as_ref(), device_of(&model, true));
        let engine = Engine { recipe: &recipe, loss, rows: &training, scoring, outputs, device, rules, auxiliary };
        check::check_outputs(&engine, &data)?;
        let asked = Asked { model, hooks, callbacks, folder, interrupt, observed, resume };
        let mut run = Run::begin(asked, &engine, validation.len())?;
        let preprocessing = Preprocessing::of(&data, task)?;
        run.keep(&preprocessing);
        run.choose_samples(&data, &validation)?;
        let end = run.train(&validation);
        let outcome = run.end(end);
        Ok(Outcome { given: Some(Given { recipe, parts, preprocessing }), ..outcome })
    }
}

/// What was asked of a trainer, besides the recipe and the loss.
struct Asked<M> {
    model: M,
    hooks: Vec<Box<dyn GradientHook>>,
    callbacks: Vec<Box<dyn Callback>>,
    folder: Option<PathBuf>,
    interrupt: Arc<AtomicBool>,
    observed: bool,
    resume: bool,
}
