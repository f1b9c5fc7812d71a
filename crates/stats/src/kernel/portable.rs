//! The kernel in plain Rust: `L` sums side by side, which compilers turn into vectors.
#![allow(clippy::inline_always, reason = "the x86 levels compile these loops again with their own instructions")]
use barograph_vocab::{BIN_OVERFLOW, BIN_UNDERFLOW};

use super::{Asked, BLOCK, Bins, CHAIN, Moments, OVERFLOW_EXPONENT, Sums, UNDERFLOW_EXPONENT, lanes, pad_exponents};

/// See [`super::sums`].
#[inline(always)]
pub(super) fn sums<const L: usize>(block: &[f32], asked: Asked<f32>, exponents: &mut [u8]) -> Sums {
    let mut total = Sums::empty(block.len());
    for chunk in block.chunks(L * CHAIN) {
        let (rows, rest) = chunk.as_chunks::<L>();
        lanes::add_f32(rows, asked.bound, &mut total);
        for &x in rest {
            total.add(f64::from(x), asked.bound.map(f64::from));
        }
    }
    if asked.histogram {
        for (out, x) in exponents.iter_mut().zip(block) {
            *out = (x.to_bits() >> 23) as u8;
        }
        pad_exponents(exponents, block.len());
    }
    total
}

/// See [`super::Wide::moments`].
#[inline(always)]
pub(super) fn moments(block: &[f32]) -> Moments {
    const L: usize = 8;
    let (mut sum, mut l1, mut squares) = ([0.0_f64; L], [0.0_f64; L], [0.0_f64; L]);
    let (rows, rest) = block.as_chunks::<L>();
    for row in rows {
        for (lane, x) in row.iter().enumerate() {
            let x = f64::from(*x);
            sum[lane] += x;
            l1[lane] += x.abs();
            squares[lane] += x * x;
        }
    }
    for (lane, x) in rest.iter().enumerate() {
        let x = f64::from(*x);
        sum[lane] += x;
        l1[lane] += x.abs();
        squares[lane] += x * x;
    }
    let sum: f64 = sum.iter().sum();
    let mean = if block.is_empty() { 0.0 } else { sum / block.len() as f64 };
    let (mut drift, mut m2) = ([0.0_f64; L], [0.0_f64; L]);
    for row in rows {
        for (lane, x) in row.iter().enumerate() {
            let away = f64::from(*x) - mean;
            drift[lane] += away;
            m2[lane] += away * away;
        }
    }
    for (lane, x) in rest.iter().enumerate() {
        let away = f64::from(*x) - mean;
        drift[lane] += away;
        m2[lane] += away * away;
    }
    // The deviations would sum to zero if the mean were exact; their square corrects for its rounding.
    let drift: f64 = drift.iter().sum();
    let m2 = m2.iter().sum::<f64>() - if block.is_empty() { 0.0 } else { drift * drift / block.len() as f64 };
    Moments { sum, l1: l1.iter().sum(), squares: squares.iter().sum(), m2: m2.max(0.0) }
}

/// See [`super::add_exponents`]. Four tables, because an increment waits for the one before it to the same address.
pub(super) fn add_exponents(exponents: &[u8], len: usize, bins: &mut Bins) {
    const TABLES: usize = 4;
    // A table sees at most a block.
    const _: () = assert!(BLOCK <= u16::MAX as usize);
    let mut tables = [[0_u16; 256]; TABLES];
    let (rows, rest) = exponents[..len].as_chunks::<TABLES>();
    for row in rows {
        for (table, exponent) in tables.iter_mut().zip(row) {
            let count = &mut table[usize::from(*exponent)];
            *count = count.wrapping_add(1);
        }
    }
    for exponent in rest {
        tables[0][usize::from(*exponent)] += 1;
    }
    let count = |exponent: u8| tables.iter().map(|table| u64::from(table[usize::from(exponent)])).sum::<u64>();
    for (bin, exponent) in bins[BIN_UNDERFLOW..].iter_mut().zip(UNDERFLOW_EXPONENT..OVERFLOW_EXPONENT).skip(1) {
        *bin += count(exponent);
    }
    bins[BIN_OVERFLOW] += (OVERFLOW_EXPONENT..=u8::MAX).map(count).sum::<u64>();
}
