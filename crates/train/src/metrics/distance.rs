//! How far numbers are from their targets.
use super::Answers;
use crate::data::Scaling;
use crate::metric::{Metric, MetricBatch};
use crate::recipe::MetricKind;

/// A target nearer to 0 counts as this in a percentage, as in the loss `mape`.
const LEAST: f64 = 1e-7;

/// A mean, or the largest, of distances in the unit of the targets.
#[derive(Clone, Debug)]
pub(super) struct Distance {
    name: String,
    kind: MetricKind,
    /// What was done to the targets.
    scaling: Scaling,
    /// The sum of what is averaged, or the largest.
    sum: f64,
    count: u64,
}

impl Distance {
    pub(super) const fn new(name: String, kind: MetricKind, scaling: Scaling) -> Self {
        Self { name, kind, scaling, sum: 0.0, count: 0 }
    }

    fn add(&mut self, output: f64, target: f64) {
        let apart = (output - target).abs();
        self.count += 1;
        match self.kind {
            // A NaN stays one: `max` would pass over it.
            MetricKind::MaxError => self.sum = if apart > self.sum || apart.is_nan() { apart } else { self.sum },
            MetricKind::Mse | MetricKind::Rmse => self.sum += apart * apart,
            MetricKind::Mape => self.sum += 100.0 * apart / target.abs().max(LEAST),
            _ => self.sum += apart,
        }
    }
}

impl Metric for Distance {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn see(&mut self, batch: &MetricBatch<'_>) {
        let Answers::Real(targets) = batch.targets else { return };
        if targets.len() != batch.outputs.len() {
            return;
        }
        let (mut outputs, mut targets) = (batch.outputs.to_vec(), targets.to_vec());
        self.scaling.undo(&mut outputs);
        self.scaling.undo(&mut targets);
        outputs.iter().zip(&targets).for_each(|(output, target)| self.add(f64::from(*output), f64::from(*target)));
    }

    fn value(&self) -> Option<f64> {
        let mean = self.sum / self.count.max(1) as f64;
        let value = match self.kind {
            MetricKind::MaxError => self.sum,
            MetricKind::Rmse => mean.sqrt(),
            _ => mean,
        };
        (self.count > 0).then_some(value)
    }

    fn state(&self) -> String {
        // As bits, for JSON has no NaN.
        serde_json::to_string(&(self.sum.to_bits(), self.count)).unwrap_or_default()
    }

    fn restore(&mut self, state: &str) {
        let (sum, count) = serde_json::from_str(state).unwrap_or_default();
        (self.sum, self.count) = (f64::from_bits(sum), count);
    }
}
