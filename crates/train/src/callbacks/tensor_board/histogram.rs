//! The values of a tensor as TensorBoard shows them.
use super::events::Histogram;
use barograph_stats::SignedHistogram;
use barograph_vocab::Reading;

/// The histogram of the finite values of a tensor; `None` where there are none.
pub(super) fn histogram(values: &SignedHistogram, reading: &Reading) -> Option<Histogram> {
    let (mut bucket_limit, mut bucket) = (Vec::new(), Vec::new());
    for counted in values.buckets() {
        // A bucket begins where the one before it ends: where nothing lies between two, an empty one does.
        if bucket_limit.last().is_some_and(|limit| *limit < counted.low) {
            bucket_limit.push(counted.low);
            bucket.push(0.0);
        }
        bucket_limit.push(counted.high);
        bucket.push(counted.count as f64);
    }
    if bucket.is_empty() {
        return None;
    }
    Some(Histogram {
        min: reading.min,
        max: reading.max,
        num: reading.finite() as f64,
        sum: reading.mean * reading.finite() as f64,
        sum_squares: reading.l2 * reading.l2,
        bucket_limit,
        bucket,
    })
}

#[cfg(test)]
mod tests {
    use super::histogram;
    use barograph_stats::{Elements, Options, SignedHistogram, read};

    fn of(values: &[f32]) -> Option<super::Histogram> {
        let elements = Elements::contiguous(values);
        histogram(&SignedHistogram::of(elements), &read(elements, Options::default()))
    }

    #[test]
    fn empty_stretches_are_one_empty_bucket_and_nan_is_left_out() {
        let histogram = of(&[-3.0, 1.0, 1.1, 8.0, f32::NAN]).unwrap();
        assert_eq!(histogram.bucket_limit, [-3.0, 1.0, 1.25, 8.0, 10.0]);
        assert_eq!(histogram.bucket, [1.0, 0.0, 2.0, 0.0, 1.0]);
        assert_eq!((histogram.min, histogram.max, histogram.num), (-3.0, 8.0, 4.0));
        assert!((histogram.sum - 7.1).abs() < 1e-6 && (histogram.sum_squares - 75.21).abs() < 1e-5);
    }

    #[test]
    fn a_tensor_without_a_finite_value_has_none() {
        assert_eq!(of(&[f32::NAN, f32::INFINITY]), None);
        assert_eq!(of(&[]), None);
    }
}
