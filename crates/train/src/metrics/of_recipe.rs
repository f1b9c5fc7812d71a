//! The measures that a recipe names.
use super::Scoring;
use super::area::Area;
use super::confusion::Confusion;
use super::distance::Distance;
use super::top::TopFive;
use crate::data::Scaling;
use crate::metric::Metrics;
use crate::recipe::MetricKind;

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

    /// Adds others behind these.
    pub(crate) fn extend(&mut self, others: Self) {
        self.metrics.extend(others.metrics);
    }
}

#[cfg(test)]
mod tests;
