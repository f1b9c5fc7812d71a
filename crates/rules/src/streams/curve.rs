//! A whole curve in bounded memory.

/// Buckets a curve holds at most; at this number neighbours are merged in pairs. Our choice: fine enough for a trend over a tenth of a run.
const MOST: usize = 512;

/// Some neighbouring values of a curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// The first step in it.
    pub step: u64,
    /// Finite values.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// Sum of the magnitudes of the changes from value to value: the noise.
    pub changes: f64,
    /// Values that were NaN or infinite.
    pub non_finite: u64,
}

impl Bucket {
    const fn empty(step: u64) -> Self {
        Self { step, count: 0, sum: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY, changes: 0.0, non_finite: 0 }
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.changes += other.changes;
        self.non_finite += other.non_finite;
    }
}

/// A scalar over the whole run, in at most 512 buckets of equal numbers of values. Exact for runs of up to 512 steps.
#[derive(Clone, Debug)]
pub struct Curve {
    buckets: Vec<Bucket>,
    width: u64,
    previous: Option<f64>,
    seen: u64,
}

impl Default for Curve {
    fn default() -> Self {
        Self { buckets: Vec::with_capacity(MOST), width: 1, previous: None, seen: 0 }
    }
}

impl Curve {
    /// Adds the value of a step.
    pub fn push(&mut self, step: u64, value: f64) {
        let full = |last: &Bucket| last.count + last.non_finite >= self.width;
        if self.buckets.last().is_none_or(full) {
            if self.buckets.len() == MOST {
                self.halve();
            }
            self.buckets.push(Bucket::empty(step));
        }
        self.seen += 1;
        let Some(bucket) = self.buckets.last_mut() else { return };
        if value.is_finite() {
            bucket.count += 1;
            bucket.sum += value;
            bucket.min = bucket.min.min(value);
            bucket.max = bucket.max.max(value);
            bucket.changes += self.previous.map_or(0.0, |previous| (value - previous).abs());
            self.previous = Some(value);
        } else {
            bucket.non_finite += 1;
        }
    }

    fn halve(&mut self) {
        for at in 0..MOST / 2 {
            let mut merged = self.buckets[2 * at];
            merged.merge(&self.buckets[2 * at + 1]);
            self.buckets[at] = merged;
        }
        self.buckets.truncate(MOST / 2);
        self.width *= 2;
    }

    /// Values seen, finite or not.
    #[must_use]
    pub const fn seen(&self) -> u64 {
        self.seen
    }

    /// The buckets in order.
    #[must_use]
    pub fn buckets(&self) -> &[Bucket] {
        &self.buckets
    }

    /// The part of the curve between two shares of its length, at least one bucket: `part(0.9, 1.0)` is the last tenth.
    #[must_use]
    pub fn part(&self, from: f64, to: f64) -> Option<Bucket> {
        let length = self.buckets.len();
        let first = ((length as f64 * from).floor() as usize).min(length.saturating_sub(1));
        let end = ((length as f64 * to).ceil() as usize).clamp(first + 1, length.max(first + 1));
        let mut parts = self.buckets.get(first..end)?.iter();
        let mut whole = *parts.next()?;
        parts.for_each(|bucket| whole.merge(bucket));
        Some(whole)
    }

    /// Mean of the finite values between two shares of the curve's length.
    #[must_use]
    pub fn mean(&self, from: f64, to: f64) -> Option<f64> {
        let part = self.part(from, to)?;
        (part.count > 0).then(|| part.sum / part.count as f64)
    }

    /// Mean magnitude of the change from one value to the next, between two shares of the curve's length.
    #[must_use]
    pub fn noise(&self, from: f64, to: f64) -> Option<f64> {
        let part = self.part(from, to)?;
        (part.count > 0).then(|| part.changes / part.count as f64)
    }

    /// Least-squares slope between two shares, per whole length of the curve: what a run as long as this one would change at this pace.
    #[must_use]
    pub fn slope(&self, from: f64, to: f64) -> Option<f64> {
        let length = self.buckets.len();
        let first = (length as f64 * from).floor() as usize;
        let end = ((length as f64 * to).ceil() as usize).min(length);
        let part = self.buckets.get(first..end)?;
        let points = || {
            let values = part.iter().enumerate().filter(|(_, bucket)| bucket.count > 0);
            values.map(|(at, bucket)| (at as f64, bucket.sum / bucket.count as f64))
        };
        let count = points().count() as f64;
        if count < 2.0 {
            return None;
        }
        let (sum_x, sum_y) = points().fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
        let (mean_x, mean_y) = (sum_x / count, sum_y / count);
        let (covariance, variance) = points()
            .fold((0.0, 0.0), |(c, v), (x, y)| (c + (x - mean_x) * (y - mean_y), v + (x - mean_x) * (x - mean_x)));
        Some(covariance / variance * length as f64)
    }

    /// The smallest and largest finite value of all.
    #[must_use]
    pub fn extremes(&self) -> Option<(f64, f64)> {
        let whole = self.part(0.0, 1.0)?;
        (whole.count > 0).then_some((whole.min, whole.max))
    }

    /// The first finite value.
    #[must_use]
    pub fn first(&self) -> Option<f64> {
        let bucket = self.buckets.iter().find(|bucket| bucket.count > 0)?;
        Some(bucket.sum / bucket.count as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(steps: u64) -> Curve {
        let mut curve = Curve::default();
        (0..steps).for_each(|step| curve.push(step, step as f64));
        curve
    }

    #[test]
    fn a_long_curve_stays_bounded_and_keeps_its_mean() {
        let curve = line(100_000);
        assert!(curve.buckets().len() <= MOST);
        assert_eq!((curve.seen(), curve.mean(0.0, 1.0)), (100_000, Some(49_999.5)));
        assert_eq!(curve.extremes(), Some((0.0, 99_999.0)));
    }

    #[test]
    fn the_slope_is_per_length_of_the_run() {
        for steps in [20, 512, 5_000] {
            let slope = line(steps).slope(0.5, 1.0).unwrap();
            assert!((slope / steps as f64 - 1.0).abs() < 0.02, "{steps}: {slope}");
        }
    }

    #[test]
    fn the_noise_of_a_line_is_its_step() {
        assert_eq!(line(5_000).noise(0.5, 1.0), Some(1.0));
    }

    #[test]
    fn a_bad_value_is_counted_and_left_out() {
        let mut curve = line(4);
        curve.push(4, f64::NAN);
        assert_eq!(curve.part(0.0, 1.0).map(|part| part.non_finite), Some(1));
        assert_eq!(curve.mean(0.0, 1.0), Some(1.5));
    }

    #[test]
    fn an_empty_curve_says_nothing() {
        let curve = Curve::default();
        assert!(curve.part(0.0, 1.0).is_none() && curve.slope(0.0, 1.0).is_none() && curve.first().is_none());
    }
}
