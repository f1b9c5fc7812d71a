//! What one tensor came down to.
use crate::signal::{Signal, update_ratio};
use crate::streams::Trail;
use barograph_vocab::{Reading, UnitReading};

/// The beginning, end and extremes of one tensor's statistics over the run.
#[derive(Clone, Debug, Default)]
pub struct SiteDigest {
    /// Root mean square.
    pub rms: Trail,
    /// Euclidean norm.
    pub l2: Trail,
    /// Mean.
    pub mean: Trail,
    /// Standard deviation.
    pub std: Trail,
    /// Smallest element of the steps.
    pub min: Trail,
    /// Largest element of the steps.
    pub max: Trail,
    /// Share of zeros.
    pub zero_share: Trail,
    /// Share of saturated elements.
    pub saturated_share: Trail,
    /// For updates: rms of the update over rms of the weight.
    pub update_ratio: Trail,
    /// Share of units that are zero for the whole batch.
    pub dead_units: Trail,
    /// Share of units with one value for the whole batch.
    pub constant_units: Trail,
    /// Share of units that equal another one.
    pub duplicate_units: Trail,
}

impl SiteDigest {
    pub(super) fn push(&mut self, reading: &Reading) {
        if reading.finite() == 0 {
            return; // An empty tensor has zeros for statistics, which are not measurements.
        }
        self.rms.push(reading.rms());
        self.l2.push(reading.l2);
        self.mean.push(reading.mean);
        self.std.push(reading.std());
        self.min.push(reading.min);
        self.max.push(reading.max);
        self.zero_share.push(Signal::ZeroShare.of(reading));
        self.saturated_share.push(Signal::SaturatedShare.of(reading));
    }

    pub(super) fn push_ratio(&mut self, update: &Reading, weight: &Reading) {
        if let Some(ratio) = update_ratio(update, weight) {
            self.update_ratio.push(ratio);
        }
    }

    pub(super) fn push_units(&mut self, units: &UnitReading) {
        if units.units > 0 {
            let share = |part: u32| f64::from(part) / f64::from(units.units);
            self.dead_units.push(share(units.dead));
            self.constant_units.push(share(units.constant));
            self.duplicate_units.push(share(units.duplicates));
        }
    }
}
