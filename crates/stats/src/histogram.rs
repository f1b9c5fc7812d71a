//! How often each value occurs, with its sign: for plots. Rules read the histogram of a reading, which costs nothing extra.
use crate::elements::{Elements, for_each_dtype};
use half::{bf16, f16};

/// Bits of an f32 below those that number its bucket: what is left is the sign, the exponent and the first two bits of the fraction, so
/// that an octave has four buckets.
const BELOW: u32 = 21;

/// Buckets: one for each sign, exponent and quarter of an octave.
const BUCKETS: usize = 1 << (32 - BELOW);

/// The sign as a bit of a bucket's number.
const NEGATIVE: u32 = 1 << (31 - BELOW);

/// The first bucket of magnitudes that are not finite.
const NOT_FINITE: u32 = 0x7f80_0000 >> BELOW;

/// How often each value occurs: four buckets an octave for positive and negative values, and one for zero with what is below 2^-128.
/// Values that are not finite are left out; f64 beyond the range of f32 count as the largest f32.
///
/// ```
/// use barograph_stats::{Elements, SignedHistogram};
/// let histogram = SignedHistogram::of(Elements::contiguous(&[-1.0_f32, 0.0, 1.1, 1.2, f32::NAN]));
/// let buckets: Vec<_> = histogram.buckets().map(|bucket| (bucket.low, bucket.high, bucket.count)).collect();
/// let least = 2.0_f64.powi(-128);
/// assert_eq!(buckets, [(-1.25, -1.0, 1), (-least, least, 1), (1.0, 1.25, 2)]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHistogram {
    counts: Vec<u64>,
}

/// The values of one bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HistogramBucket {
    /// Where it begins. A bucket of positive values holds this value, one of negative values does not.
    pub low: f64,
    /// Where it ends. A bucket of negative values holds this value, one of positive values does not.
    pub high: f64,
    /// Values, at least one.
    pub count: u64,
}

/// An element as an f32.
trait Narrow: Copy {
    fn narrow(self) -> f32;
}

impl Narrow for f32 {
    fn narrow(self) -> f32 {
        self
    }
}

impl Narrow for f64 {
    fn narrow(self) -> f32 {
        if self.is_finite() { (self as f32).clamp(f32::MIN, f32::MAX) } else { f32::NAN }
    }
}

impl Narrow for f16 {
    fn narrow(self) -> f32 {
        self.to_f32()
    }
}

impl Narrow for bf16 {
    fn narrow(self) -> f32 {
        self.to_f32()
    }
}

impl SignedHistogram {
    /// Counts the elements of a tensor, in one pass over memory.
    #[must_use]
    pub fn of(elements: Elements<'_>) -> Self {
        let elements = elements.unordered();
        let mut counts = vec![0; BUCKETS];
        let mut add = |value: f32| counts[(value.to_bits() >> BELOW) as usize] += 1;
        if elements.strided.is_none() {
            for_each_dtype!(elements.data, slice => slice.iter().for_each(|value| add(value.narrow())));
        } else {
            (0..elements.len()).for_each(|at| add(elements.get(at).narrow()));
        }
        Self { counts }
    }

    /// The buckets that hold something, from the lowest to the highest.
    pub fn buckets(&self) -> impl Iterator<Item = HistogramBucket> + '_ {
        let edge = |number: u32| match number {
            NOT_FINITE => f64::from(f32::MAX),
            number => f64::from(f32::from_bits(number << BELOW)),
        };
        let count = |number: u32| self.counts[number as usize];
        let negative = (1..NOT_FINITE).rev().map(move |number| HistogramBucket {
            low: -edge(number + 1),
            high: -edge(number),
            count: count(number | NEGATIVE),
        });
        let zero = HistogramBucket { low: -edge(1), high: edge(1), count: count(0) + count(NEGATIVE) };
        let positive = (1..NOT_FINITE).map(move |number| HistogramBucket {
            low: edge(number),
            high: edge(number + 1),
            count: count(number),
        });
        negative.chain(std::iter::once(zero)).chain(positive).filter(|bucket| bucket.count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_that_are_not_finite_are_left_out() {
        let values = [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
        assert_eq!(SignedHistogram::of(Elements::contiguous(&values)).buckets().count(), 0);
        let wide = [f64::NAN, f64::INFINITY, 1e300, -1e300];
        let histogram = SignedHistogram::of(Elements::contiguous(&wide));
        let buckets: Vec<_> = histogram.buckets().collect();
        assert_eq!(buckets.len(), 2);
        assert!(buckets[0].low == f64::from(f32::MIN) && buckets[1].high == f64::from(f32::MAX));
    }

    #[test]
    fn zeros_of_both_signs_and_subnormals_are_one_bucket() {
        let values = [0.0, -0.0, f32::from_bits(1), -f32::from_bits(1)];
        let buckets: Vec<_> = SignedHistogram::of(Elements::contiguous(&values)).buckets().collect();
        assert_eq!(buckets.iter().map(|bucket| bucket.count).collect::<Vec<_>>(), [4]);
        assert_eq!(buckets[0].low, -buckets[0].high);
    }

    #[test]
    fn a_view_counts_its_own_elements() {
        let values = [1.0_f32, 9.0, 1.0, 9.0, 1.0, 9.0];
        let view = Elements::strided(&values, &[3], &[2], 0).unwrap();
        let buckets: Vec<_> = SignedHistogram::of(view).buckets().collect();
        assert_eq!(buckets, [HistogramBucket { low: 1.0, high: 1.25, count: 3 }]);
    }

    proptest! {
        #[test]
        fn each_value_lies_in_a_bucket_that_counts_it(values in proptest::collection::vec(any::<f32>(), 0..200)) {
            let histogram = SignedHistogram::of(Elements::contiguous(&values));
            let buckets: Vec<_> = histogram.buckets().collect();
            prop_assert!(buckets.windows(2).all(|pair| pair[0].high <= pair[1].low));
            for bucket in &buckets {
                let holds = |value: &&f32| {
                    let value = f64::from(**value);
                    let is_last = bucket.high == f64::from(f32::MAX) && value == bucket.high;
                    let is_first = bucket.low == f64::from(f32::MIN) && value == bucket.low;
                    match (bucket.low < 0.0, bucket.high > 0.0) {
                        (true, true) => bucket.low < value && value < bucket.high,
                        (false, _) => bucket.low <= value && value < bucket.high || is_last,
                        (true, false) => bucket.low < value && value <= bucket.high || is_first,
                    }
                };
                prop_assert_eq!(values.iter().filter(holds).count() as u64, bucket.count);
            }
            let finite = values.iter().filter(|value| value.is_finite()).count() as u64;
            prop_assert_eq!(buckets.iter().map(|bucket| bucket.count).sum::<u64>(), finite);
        }
    }
}
