//! Where a signal began, where it is, and how far it went between.
use super::Ema;

/// Values that the beginning is averaged over.
const EARLY: u64 = 5;

/// Span of the average at the end.
const LATE: u32 = 10;

/// A signal over the whole run in a few numbers. Values that are not finite are left out.
#[derive(Clone, Copy, Debug)]
pub struct Trail {
    /// The first value; 0 before there is one.
    pub first: f64,
    /// The last value; 0 before there is one.
    pub last: f64,
    /// The smallest value; +Inf before there is one.
    pub min: f64,
    /// The largest value; -Inf before there is one.
    pub max: f64,
    early: f64,
    sum: f64,
    late: Ema,
}

impl Default for Trail {
    fn default() -> Self {
        let late = Ema::over(LATE);
        Self { first: 0.0, last: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY, early: 0.0, sum: 0.0, late }
    }
}

impl Trail {
    /// Adds a value.
    pub fn push(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        if self.late.seen() == 0 {
            self.first = value;
        }
        self.last = value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.sum += value;
        self.late.push(value);
        if self.late.seen() <= EARLY {
            self.early = self.sum / self.late.seen() as f64;
        }
    }

    /// Values seen.
    #[must_use]
    pub const fn seen(&self) -> u64 {
        self.late.seen()
    }

    /// Mean of the first five values.
    #[must_use]
    pub fn early(&self) -> Option<f64> {
        (self.seen() > 0).then_some(self.early)
    }

    /// Smoothed over about the last ten values.
    #[must_use]
    pub fn late(&self) -> Option<f64> {
        self.late.get()
    }

    /// Mean of all values.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.seen() > 0).then(|| self.sum / self.seen() as f64)
    }
}
