//! The kernel for f64, in plain Rust; the x86 levels compile it again with their instructions.
#![allow(clippy::inline_always, reason = "the x86 levels compile these loops again with their own instructions")]
use std::ops::RangeInclusive;

use super::{Asked, Moments, Sums, exponent_of, lanes, pad_exponents};

/// Magnitudes whose squares, 4096 of them, neither overflow f64 nor lose what matters to underflow (2^-480 .. 2^490).
pub(super) const SAFE: RangeInclusive<f64> = f64::from_bits((1023 - 480) << 52)..=f64::from_bits((1023 + 490) << 52);

/// Partial results side by side.
const L: usize = 32;

/// See [`super::sums_f64`].
#[inline(always)]
pub(super) fn sums(block: &[f64], asked: Asked<f64>, exponents: &mut [u8]) -> Sums {
    let mut total = Sums::empty(block.len());
    let (rows, rest) = block.as_chunks::<L>();
    lanes::add_f64(rows, asked.bound, &mut total);
    for &x in rest {
        total.add(x, asked.bound);
    }
    if asked.histogram {
        for (out, x) in exponents.iter_mut().zip(block) {
            *out = exponent_of(x.abs());
        }
        pad_exponents(exponents, block.len());
    }
    total
}

/// See [`super::Wide::moments`].
pub(super) fn moments(block: &[f64]) -> Option<Moments> {
    let count = block.len() as f64;
    let (mut sum, mut l1, mut squares, mut abs_max) = (0.0_f64, 0.0_f64, 0.0_f64, 0.0_f64);
    for x in block {
        sum += x;
        l1 += x.abs();
        squares += x * x;
        abs_max = abs_max.max(x.abs());
    }
    if abs_max != 0.0 && !SAFE.contains(&abs_max) {
        return None;
    }
    let mean = if block.is_empty() { 0.0 } else { sum / count };
    let (mut drift, mut m2) = (0.0, 0.0);
    for x in block {
        let away = x - mean;
        drift += away;
        m2 += away * away;
    }
    let correction = if block.is_empty() { 0.0 } else { drift * drift / count };
    Some(Moments { sum, l1, squares, m2: (m2 - correction).max(0.0) })
}
