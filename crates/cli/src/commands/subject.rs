//! What the commands that look at a recipe before its training work on: its network and its data.
use super::recipe_argument::RecipeArgument;
use crate::context::Context;
use crate::experiment::{say_notes, with_the_file};
use anyhow::Result;
use barograph_train::data::{self, Loaded};
use barograph_train::recipe::Recipe;
use barograph_train::{Loss, Network, Subject, TrainError, recipe_loss};

/// A recipe with its network and its data.
pub(super) struct Loading {
    pub(super) recipe: Recipe,
    pub(super) data: Loaded,
    pub(super) model: Network,
    loss: Box<dyn Loss>,
}

impl Loading {
    /// Reads the recipe and its data, and builds the network.
    pub(super) fn new(argument: &RecipeArgument, context: &Context) -> Result<Self> {
        Self::of(argument.load()?, context)
    }

    /// Reads the data of a recipe, and builds its network.
    pub(super) fn of(recipe: Recipe, context: &Context) -> Result<Self> {
        let data = data::load(&recipe)?;
        say_notes(&data, context);
        let model = Network::from_recipe(&recipe, data.dataset.features(), &recipe.open_device(true)?)?;
        let loss = recipe_loss(&recipe, &model, &data.dataset).map_err(|error| with_the_file(&recipe, error))?;
        Ok(Self { recipe, data, model, loss })
    }

    /// Runs `work` on them; what does not fit together is told with the name of the data file.
    pub(super) fn run<R>(&self, work: impl FnOnce(&Subject<'_, Network>) -> Result<R, TrainError>) -> Result<R> {
        let Self { recipe, data, model, loss } = self;
        let subject = Subject { model, loss: loss.as_ref(), recipe, data: &data.dataset };
        work(&subject).map_err(|error| with_the_file(recipe, error))
    }
}
