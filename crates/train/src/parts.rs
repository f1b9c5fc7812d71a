//! What code adds to a recipe. A trial of a remedy has all of it, so that it is the same training but for the remedy.
use crate::auxiliary::{AskedLoss, Auxiliary};
use crate::error::TrainError;
use crate::first_weights::{self, AskedInitializer};
use crate::losses::{Loss, LossFacts};
use crate::metric::Metrics;
use crate::model::Model;
use crate::preprocessing::Preprocessing;
use crate::recipe::Recipe;
use crate::weight_rules::{AskedRule, WeightRules};

/// What was asked of a trainer and is not in the recipe.
pub(crate) struct Parts {
    /// What training makes small.
    pub(crate) loss: Box<dyn Loss>,
    /// Whether the recipe says what the loss is.
    pub(crate) is_loss_of_recipe: bool,
    /// Regularizers and constraints.
    pub(crate) rules: Vec<AskedRule>,
    pub(crate) auxiliary: Vec<AskedLoss>,
    pub(crate) initializers: Vec<AskedInitializer>,
    pub(crate) metrics: Metrics,
}

/// All that a training was given, which its outcome keeps.
pub(crate) struct Given {
    pub(crate) recipe: Recipe,
    pub(crate) parts: Parts,
    /// What was done to the data.
    pub(crate) preprocessing: Preprocessing,
}

impl Parts {
    pub(crate) fn new(loss: Box<dyn Loss>) -> Self {
        let (rules, auxiliary, initializers) = (Vec::new(), Vec::new(), Vec::new());
        Self { loss, is_loss_of_recipe: false, rules, auxiliary, initializers, metrics: Metrics::default() }
    }

    /// Whether the loss is what this recipe says.
    pub(crate) fn is_loss_of(&self, recipe: &Recipe) -> bool {
        let facts = self.loss.describe();
        self.is_loss_of_recipe || (facts != LossFacts::default() && facts == recipe.loss.describe())
    }

    /// A model that is to be trained with these parts, its first weights drawn.
    ///
    /// # Errors
    /// When it lacks a weight or a site that one of them is for.
    pub(crate) fn given_to<M: Model>(
        &self,
        model: M,
        features: usize,
        seed: u64,
    ) -> Result<(M, WeightRules, Auxiliary), TrainError> {
        let model = first_weights::draw(model, seed, &self.initializers)?;
        let rules = WeightRules::new(&model, &self.rules)?;
        let auxiliary = Auxiliary::new(&model, features, self.auxiliary.clone())?.with_metrics(self.metrics.clone());
        Ok((model, rules, auxiliary))
    }
}
