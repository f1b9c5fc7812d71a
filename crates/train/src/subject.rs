//! What is looked at without training it: a model, its loss and its data.
use crate::auxiliary::Auxiliary;
use crate::batches::Rows;
use crate::check;
use crate::data::RowSource;
use crate::engine::{Engine, StepPlan};
use crate::error::TrainError;
use crate::losses::Loss;
use crate::metrics::Scoring;
use crate::model::Model;
use crate::prepare::{Prepared, prepare};
use crate::recipe::Recipe;
use crate::weight_rules::WeightRules;
use barograph_burn::device_of;

/// What [`crate::lr_find`], [`crate::gradcheck`], [`crate::overfit`] and [`crate::preflight`] look at. Nothing of it is changed: they work on
/// copies of the model, and all randomness is keyed by the recipe's seed.
///
/// ```
/// use barograph_train::{Network, Subject, data::{Dataset, Targets}, gradcheck, recipe::{LayerSpec, LossKind, Recipe}};
/// let recipe = Recipe { layers: vec![LayerSpec::dense(1)], loss: LossKind::Mse.into(), ..Recipe::default() };
/// let data = Dataset::new(vec![0.0, 1.0, 2.0, 3.0], 1, Targets::Real { values: vec![1.0, 3.0, 5.0, 7.0], columns: 1 })?;
/// let model = Network::from_recipe(&recipe, data.features(), &barograph_burn::cpu(true))?;
/// let subject = Subject { model: &model, loss: &recipe.loss, recipe: &recipe, data: &data };
/// assert!(gradcheck(&subject, &Default::default())?.is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct Subject<'a, M> {
    /// The model, on a device with autodiff.
    pub model: &'a M,
    /// Its loss; that of a recipe is [`crate::recipe_loss`].
    pub loss: &'a dyn Loss,
    /// Batch, seed, optimizer, penalty, clipping and what is done to the data. Its layers and its loss are not used.
    pub recipe: &'a Recipe,
    /// The data, as they are before they are split and scaled.
    pub data: &'a dyn RowSource,
}

impl<M: Model> Subject<'_, M> {
    /// Makes the data ready as training does, and runs `work` with them.
    pub(crate) fn with_engine<R>(
        &self,
        work: impl FnOnce(&Engine<'_>) -> Result<R, TrainError>,
    ) -> Result<R, TrainError> {
        let takes = self.loss.describe().takes;
        let Prepared { rows: data, task, training, validation } = prepare(self.data, self.recipe, takes)?;
        check::check_inputs(self.model, &data, &training, &validation)?;
        let rows = Rows::new(&data, training);
        let outputs = check::outputs(self.model, data.features());
        let scoring = Scoring::new(task, takes);
        let rules = WeightRules::new(self.model, &[])?;
        let auxiliary = Auxiliary::new(self.model, data.features(), Vec::new())?;
        let (recipe, loss, device) = (self.recipe, self.loss, device_of(self.model, true));
        let engine = Engine { recipe, loss, rows: &rows, scoring, outputs, device, rules, auxiliary };
        check::check_outputs(&engine, &data)?;
        work(&engine)
    }
}

impl Engine<'_> {
    /// Plans of the steps of a training that never ends, in the order of its epochs; the last, smaller batch of an epoch is one too.
    pub(crate) fn endless_plans(&self) -> impl Iterator<Item = StepPlan> + '_ {
        let recipe = self.recipe;
        let batches = (0..).flat_map(move |epoch| {
            let order = self.rows.order_in(recipe, epoch);
            let batches: Vec<_> = order.chunks(recipe.batch as usize).map(|places| (epoch, places.to_vec())).collect();
            batches
        });
        batches.zip(0..).map(|((epoch, places), step)| StepPlan {
            step,
            epoch,
            places,
            learning_rate: recipe.optimizer.learning_rate,
            momentum: None,
        })
    }
}
