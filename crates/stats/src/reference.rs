//! Plain twins of the kernels: loops in f64 that are easy to believe. Property tests hold the kernels to them.
use barograph_vocab::{Reading, bin_of};

use crate::checksum::{BEGIN, LANES, MULTIPLIER, SPARE_BITS};
use crate::read::Options;
use crate::units::{NO_UNIT, UnitCounts};

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

/// The checksum of these tensors, each given as the little-endian bytes of its elements in logical order: word by word.
#[must_use]
pub fn checksum(tensors: &[Vec<u8>]) -> u64 {
    let fold = |word: u64| {
        let product = u128::from(word) * u128::from(MULTIPLIER);
        (product % (1 << 64)) as u64 ^ (product / (1 << 64)) as u64
    };
    let mut state = 0;
    for bytes in tensors {
        let mut lanes = BEGIN;
        let blocks = bytes.len().div_ceil(8 * LANES);
        for number in 0..blocks * LANES {
            let byte = |at: usize| u64::from(bytes.get(8 * number + at).copied().unwrap_or(0));
            let word: u64 = (0..8).map(|at| byte(at) << (8 * at)).sum();
            lanes[number % LANES] = fold(lanes[number % LANES] ^ word);
        }
        for word in lanes.into_iter().chain([bytes.len() as u64]) {
            state = fold(state ^ word);
        }
    }
    state >> SPARE_BITS
}

/// The unit reading of an activation `[batch, units, inner]`, each unit compared with each earlier one.
///
/// # Panics
///
/// When there are fewer values than the dimensions need.
#[must_use]
pub fn read_units(values: &[f64], batch: usize, units: usize, inner: usize) -> UnitCounts {
    let unit_of = |unit: usize| -> Vec<f64> {
        let at = |example: usize| (example * units + unit) * inner;
        (0..batch).flat_map(|example| values[at(example)..at(example) + inner].iter().copied()).collect()
    };
    judge(&(0..units).map(unit_of).collect::<Vec<_>>(), batch >= 2)
}

/// The unit reading of a weight `[rows, columns]`.
///
/// # Panics
///
/// When there are fewer values than the dimensions need.
#[must_use]
pub fn read_weight_units(values: &[f64], rows: usize, columns: usize, transposed: bool) -> UnitCounts {
    let units: Vec<Vec<f64>> = if transposed {
        (0..columns).map(|column| (0..rows).map(|row| values[row * columns + column]).collect()).collect()
    } else {
        (0..rows).map(|row| values[row * columns..][..columns].to_vec()).collect()
    };
    let weights = if transposed { rows } else { columns };
    judge(&units, weights >= 2)
}

fn judge(units: &[Vec<f64>], may_be_constant: bool) -> UnitCounts {
    let mut counts = UnitCounts {
        units: units.len() as u32,
        dead: 0,
        constant: 0,
        duplicates: 0,
        non_finite: 0,
        worst: [NO_UNIT; 4],
    };
    let mut concerned: Vec<(u32, u32)> = Vec::new();
    for (number, unit) in units.iter().enumerate() {
        if unit.is_empty() {
            continue;
        }
        let finite = unit.iter().all(|x| x.is_finite());
        let dead = unit.iter().all(|x| *x == 0.0);
        let constant = dead || (finite && may_be_constant && unit.iter().all(|x| *x == unit[0]));
        // NaN equals nothing, and two infinities do not make a duplicate.
        let duplicate = finite && !dead && units[..number].contains(unit);
        counts.non_finite += u32::from(!finite);
        counts.dead += u32::from(dead);
        counts.constant += u32::from(constant);
        counts.duplicates += u32::from(duplicate);
        if let Some(severity) = [!finite, dead, duplicate, constant].iter().position(|concerned| *concerned) {
            concerned.push((severity as u32, number as u32));
        }
    }
    concerned.sort_unstable();
    for (place, (_, unit)) in counts.worst.iter_mut().zip(concerned) {
        *place = unit;
    }
    counts
}
