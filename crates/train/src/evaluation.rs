//! What a trained model is worth on other rows.
use crate::auxiliary::Auxiliary;
use crate::batches::Rows;
use crate::check;
use crate::data::RowSource;
use crate::engine::Engine;
use crate::error::TrainError;
use crate::evaluate::evaluate as of_rows;
use crate::losses::Loss;
use crate::metric::Metrics;
use crate::metrics::Scoring;
use crate::model::Model;
use crate::outcome::Outcome;
use crate::parts::Given;
use crate::prepare::{Ready, keep_finite};
use crate::preprocessing::Preprocessing;
use crate::recipe::{Missing, Recipe};
use crate::weight_rules::WeightRules;
use barograph_burn::device_of;
use barograph_vocab::Scalar;

/// What a model is worth on rows that it did not learn from.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// How many rows there were; those with a value that is not finite are left out where training left such out.
    pub rows: usize,
    /// The mean loss, without penalties; rows count by their weights, where the data set has some.
    pub loss: f64,
    /// The share of right answers, or the coefficient of determination, if there is one.
    pub score: Option<(Scalar, f64)>,
    /// Losses and scores of single outputs, and metrics, by name.
    pub named: Vec<(String, f64)>,
}

impl<M: Model> Outcome<M> {
    /// Measures the model on another data set, as validation does: with the loss, the scales and the metrics of the training, dropout off and
    /// normalization by running statistics. Classes are told by their names, where they have some.
    ///
    /// ```
    /// # use barograph_train::{Trainer, data::{Dataset, Targets}, recipe::{LayerSpec, LossKind, Recipe}};
    /// # let line = |x: Vec<f32>| {
    /// #     let values = x.iter().map(|x| 2.0 * x + 1.0).collect();
    /// #     Dataset::new(x, 1, Targets::Real { values, columns: 1 })
    /// # };
    /// # let (train, test) = (line(vec![0.0, 1.0, 2.0, 3.0])?, line(vec![0.5, 1.5])?);
    /// # let recipe = Recipe { layers: vec![LayerSpec::dense(1)], loss: LossKind::Mse.into(), ..Recipe::default() };
    /// let outcome = Trainer::from_recipe(&recipe, &train)?.fit(&train)?;
    /// let evaluation = outcome.evaluate(&test)?;
    /// assert_eq!(evaluation.rows, 2);
    /// assert!(evaluation.loss.is_finite());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When there is no row, or the data set has other columns, or a class that training did not know.
    pub fn evaluate(&self, data: &dyn RowSource) -> Result<Evaluation, TrainError> {
        let Given { recipe, parts, preprocessing } = self.given();
        measure(&self.model, parts.loss.as_ref(), recipe, preprocessing, parts.metrics.clone(), data)
    }
}

/// The same for a model whose training is over: that of a run, with the loss and the metrics of its recipe, and with what its training did to
/// the data, see [`Preprocessing`].
///
/// # Errors
/// As [`Outcome::evaluate`].
pub fn evaluate<M: Model>(
    model: &M,
    loss: &dyn Loss,
    recipe: &Recipe,
    preprocessing: &Preprocessing,
    data: &dyn RowSource,
) -> Result<Evaluation, TrainError> {
    let scoring = Scoring::new(preprocessing.task().map_err(TrainError::Mismatch)?, loss.describe().takes);
    let scaling = preprocessing.of_targets();
    let metrics = Metrics::with_those_of(recipe, Metrics::default(), scoring, &scaling)?;
    measure(model, loss, recipe, preprocessing, metrics, data)
}

fn measure<M: Model>(
    model: &M,
    loss: &dyn Loss,
    recipe: &Recipe,
    preprocessing: &Preprocessing,
    metrics: Metrics,
    data: &dyn RowSource,
) -> Result<Evaluation, TrainError> {
    let ready = Ready::again(data, preprocessing)?;
    let mut places: Vec<usize> = (0..ready.rows()).collect();
    if recipe.data.missing == Missing::Drop {
        keep_finite(&ready, &mut places)?;
    }
    if places.is_empty() {
        return Err(TrainError::Mismatch("the data set has no rows to measure anything on".to_owned()));
    }
    check::check_inputs(model, &ready, &places, &[])?;
    let (features, takes) = (ready.features(), loss.describe().takes);
    let task = preprocessing.task().map_err(TrainError::Mismatch)?;
    let rows = Rows::new(&ready, places);
    let engine = Engine {
        recipe,
        loss,
        rows: &rows,
        scoring: Scoring::new(task, takes),
        outputs: check::outputs(model, features),
        device: device_of(model, true),
        rules: WeightRules::default(),
        auxiliary: Auxiliary::default().with_metrics(metrics),
    };
    check::check_outputs(&engine, &ready)?;
    let measured = of_rows(&engine, model, &rows)?;
    let scalar =
        |wanted: Scalar| measured.scalars.iter().find(|(scalar, _)| *scalar == wanted).map(|(_, value)| *value);
    let score = scalar(engine.scoring.validation_scalar()).map(|score| (engine.scoring.scalar(), score));
    let bare = |(name, value): (String, f64)| (name.trim_start_matches("validation_").to_owned(), value);
    let loss = scalar(Scalar::ValidationLoss).unwrap_or(f64::NAN);
    Ok(Evaluation { rows: rows.len(), loss, score, named: measured.named.clone().into_iter().map(bare).collect() })
}
