//! Plain twins of the kernels: loops in f64 that are easy to believe. Property tests hold the kernels to them.
use barograph_vocab::{Reading, bin_of};

use crate::read::Options;

/// The reading of these values, by plain loops: one for the counts, one for the sums, one for the squared deviations.
///
/// ```
/// use barograph_stats::{Options, reference};
///
/// let reading = reference::read(&[3.0, -4.0, f64::NAN], Options::default());
/// assert_eq!((reading.l2, reading.mean, reading.m2, reading.nan), (5.0, -0.5, 24.5, 1));
/// ```
#[must_use]
pub fn read(values: &[f64], options: Options) -> Reading {
    let mut reading = Reading { count: values.len() as u64, ..Reading::EMPTY };
    let mut finite = Vec::new();
    for &x in values {
        if x.is_nan() {
            reading.nan += 1;
        } else if x == f64::INFINITY {
            reading.pos_inf += 1;
        } else if x == f64::NEG_INFINITY {
            reading.neg_inf += 1;
        } else {
            finite.push(x);
        }
    }
    let Some(&first) = finite.first() else { return reading };
    (reading.min, reading.max) = (first, first);
    let count = finite.len() as f64;
    for &x in &finite {
        reading.zeros += u64::from(x == 0.0);
        reading.negatives += u64::from(x < 0.0);
        reading.saturated += u64::from(options.bound.is_some_and(|bound| x.abs() >= bound));
        reading.min = reading.min.min(x);
        reading.max = reading.max.max(x);
        reading.abs_max = reading.abs_max.max(x.abs());
        reading.l1 += x.abs();
        reading.mean += x / count;
        if options.histogram {
            reading.histogram[bin_of(x.abs())] += 1;
        }
    }
    // Halves of the largest power of two at most the largest magnitude are exact to scale by, and neither they nor their
    // squares overflow.
    let scale = f64::from_bits(reading.abs_max.to_bits() & (0x7ff << 52)).max(f64::MIN_POSITIVE);
    for &x in &finite {
        reading.l2 += (x / scale) * (x / scale);
        reading.m2 += (x - reading.mean) * (x - reading.mean);
    }
    reading.l2 = reading.l2.sqrt() * scale;
    reading
}

/// The reading of `new - old`, differences taken in f64.
#[must_use]
pub fn read_update(new: &[f64], old: &[f64], options: Options) -> Reading {
    let difference: Vec<f64> = new.iter().zip(old).map(|(new, old)| new - old).collect();
    read(&difference, options)
}
