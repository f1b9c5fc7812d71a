//! One number over the steps of a run.
use super::grid::Cell;

/// What a range of steps had to say about one number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bucket {
    /// Finite values.
    pub finite: u64,
    /// NaN and infinite values.
    pub non_finite: u64,
    /// Smallest finite value; 0 when there is none.
    pub min: f64,
    /// Largest finite value; 0 when there is none.
    pub max: f64,
    /// Mean of the finite values; 0 when there is none.
    pub mean: f64,
    /// The last value, finite or not.
    pub last: f64,
    /// The first step with a non-finite value.
    pub first_non_finite: Option<u64>,
}

impl Bucket {
    /// Whether nothing was seen.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.finite == 0 && self.non_finite == 0
    }

    pub(super) fn see(&mut self, step: u64, value: f64) {
        let one = if value.is_finite() {
            Self { finite: 1, min: value, max: value, mean: value, last: value, ..Self::default() }
        } else {
            Self { non_finite: 1, last: value, first_non_finite: Some(step), ..Self::default() }
        };
        self.merge(&one);
    }
}

impl Cell for Bucket {
    fn merge(&mut self, later: &Self) {
        if later.is_empty() {
            return;
        }
        if later.finite > 0 {
            let all = (self.finite + later.finite) as f64;
            let first = self.finite == 0;
            self.min = if first { later.min } else { self.min.min(later.min) };
            self.max = if first { later.max } else { self.max.max(later.max) };
            // Weighted, not summed: the sum of two large losses may overflow.
            self.mean = self.mean * (self.finite as f64 / all) + later.mean * (later.finite as f64 / all);
        }
        self.finite += later.finite;
        self.non_finite += later.non_finite;
        self.last = later.last;
        self.first_non_finite = match (self.first_non_finite, later.first_non_finite) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
}

/// The ends and extremes of one number over the whole run, exact however coarse its buckets are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extent {
    /// The first value, finite or not, and its step.
    pub first: (u64, f64),
    /// The last value, finite or not, and its step.
    pub last: (u64, f64),
    /// The smallest finite value and its step.
    pub lowest: Option<(u64, f64)>,
    /// The largest finite value and its step.
    pub highest: Option<(u64, f64)>,
    /// The first step with a non-finite value.
    pub first_non_finite: Option<u64>,
    /// NaN and infinite values.
    pub non_finite: u64,
    /// Values, finite or not.
    pub values: u64,
}

impl Extent {
    pub(super) fn new(step: u64, value: f64) -> Self {
        let at = (step, value);
        let mut extent =
            Self { first: at, last: at, lowest: None, highest: None, first_non_finite: None, non_finite: 0, values: 0 };
        extent.see(step, value);
        extent
    }

    pub(super) fn see(&mut self, step: u64, value: f64) {
        self.values += 1;
        self.last = (step, value);
        if value.is_finite() {
            if self.lowest.is_none_or(|(_, lowest)| value < lowest) {
                self.lowest = Some((step, value));
            }
            if self.highest.is_none_or(|(_, highest)| value > highest) {
                self.highest = Some((step, value));
            }
        } else {
            self.non_finite += 1;
            self.first_non_finite = Some(self.first_non_finite.map_or(step, |first| first.min(step)));
        }
    }
}

/// One number over the steps of a run.
#[derive(Clone, Copy, Debug)]
pub struct Series<'a> {
    /// The buckets in order of time; some may be empty.
    pub buckets: &'a [Bucket],
    /// First step of the first bucket.
    pub origin: u64,
    /// Steps of one bucket.
    pub width: u64,
    /// Ends and extremes.
    pub extent: &'a Extent,
}

impl Series<'_> {
    /// The first and the last step of a bucket.
    #[must_use]
    pub fn steps(&self, bucket: usize) -> (u64, u64) {
        let first = self.origin.saturating_add(self.width.saturating_mul(bucket as u64));
        (first, first.saturating_add(self.width - 1))
    }

    /// The smallest and the largest finite value.
    #[must_use]
    pub fn range(&self) -> Option<(f64, f64)> {
        Some((self.extent.lowest?.1, self.extent.highest?.1))
    }
}
