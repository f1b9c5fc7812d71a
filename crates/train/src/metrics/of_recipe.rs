//! The measures that a recipe names.
use super::Scoring;
use super::area::Area;
use super::confusion::Confusion;
use super::distance::Distance;
use super::top::TopFive;
use crate::data::Scaling;
use crate::error::TrainError;
use crate::metric::Metrics;
use crate::recipe::{MetricKind, Recipe};

impl Metrics {
    /// Those of an output, with `prefix` before their names; `scaling` is what was done to its targets.
    pub(crate) fn of_recipe(kinds: &[MetricKind], prefix: &str, scoring: Scoring, scaling: &Scaling) -> Self {
        let mut metrics = Self::default();
        for &kind in kinds {
            let name = format!("{prefix}{}", kind.name());
            match kind {
                // They are measured in any case.
                MetricKind::Accuracy | MetricKind::R2 => {}
                MetricKind::Precision | MetricKind::Recall | MetricKind::F1 => {
                    metrics.add(Confusion::new(name, kind, scoring));
                }
                MetricKind::Auc => metrics.add(Area::new(name, scoring)),
                MetricKind::TopFiveAccuracy => metrics.add(TopFive::new(name, scoring)),
                MetricKind::Mae | MetricKind::Mse | MetricKind::Rmse | MetricKind::MaxError | MetricKind::Mape => {
                    metrics.add(Distance::new(name, kind, scaling.clone()));
                }
            }
        }
        metrics
    }

    /// Those of a recipe, then those of the code. Of several outputs each has its own.
    pub(crate) fn with_those_of(
        recipe: &Recipe,
        of_code: Self,
        scoring: Scoring,
        scaling: &Scaling,
    ) -> Result<Self, TrainError> {
        let kinds: &[MetricKind] = if recipe.outputs.is_empty() { &recipe.metrics } else { &[] };
        let mut all = Self::of_recipe(kinds, "", scoring, scaling);
        all.metrics.extend(of_code.metrics);
        all.problem().map_or(Ok(all), |problem| Err(TrainError::Mismatch(problem)))
    }
}

#[cfg(test)]
mod tests;
