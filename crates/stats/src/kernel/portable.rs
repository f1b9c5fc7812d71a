//! The kernel in plain Rust: `L` sums side by side, which compilers turn into vectors.
#![allow(clippy::inline_always, reason = "the x86 levels compile these loops again with their own instructions")]
use barograph_vocab::BIN_UNDERFLOW;

use super::{Asked, Bins, CHAIN, Moments, OVERFLOW_EXPONENT, Sums, UNDERFLOW_EXPONENT, pad_exponents};

/// `L` partial results of a block; lane `i` holds those of elements `i`, `i + L`, `i + 2L`, ...
struct Lanes<const L: usize> {
    sum: [f32; L],
    l1: [f32; L],
    squares: [f32; L],
    min: [f32; L],
    max: [f32; L],
    zeros: [u32; L],
    negatives: [u32; L],
    saturated: [u32; L],
}

impl<const L: usize> Lanes<L> {
    /// Adds one element per lane. Counts wrap, since a check per lane would keep the loop from becoming vector code; a
    /// lane sees at most `CHAIN` elements.
    #[inline(always)]
    fn add(&mut self, row: &[f32; L], bound: Option<f32>) {
        for (lane, &x) in row.iter().enumerate() {
            let magnitude = x.abs();
            self.sum[lane] += x;
            self.l1[lane] += magnitude;
            self.squares[lane] += x * x;
            self.min[lane] = if x < self.min[lane] { x } else { self.min[lane] };
            self.max[lane] = if x > self.max[lane] { x } else { self.max[lane] };
            self.zeros[lane] = self.zeros[lane].wrapping_add(u32::from(x == 0.0));
            self.negatives[lane] = self.negatives[lane].wrapping_add(u32::from(x < 0.0));
        }
        if let Some(bound) = bound {
            for (lane, x) in row.iter().enumerate() {
                self.saturated[lane] = self.saturated[lane].wrapping_add(u32::from(x.abs() >= bound));
            }
        }
    }

    fn new() -> Self {
        Self {
            sum: [0.0; L],
            l1: [0.0; L],
            squares: [0.0; L],
            min: [f32::INFINITY; L],
            max: [f32::NEG_INFINITY; L],
            zeros: [0; L],
            negatives: [0; L],
            saturated: [0; L],
        }
    }
}

/// See [`super::sums`].
#[inline(always)]
pub(super) fn sums<const L: usize>(block: &[f32], asked: Asked<f32>, exponents: &mut [u8]) -> Sums {
    let mut total = Sums::empty(block.len());
    for chunk in block.chunks(L * CHAIN) {
        let mut lanes = Lanes::<L>::new();
        let (rows, rest) = chunk.as_chunks::<L>();
        for row in rows {
            lanes.add(row, asked.bound);
        }
        for lane in 0..L {
            total.sum += f64::from(lanes.sum[lane]);
            total.l1 += f64::from(lanes.l1[lane]);
            total.squares += f64::from(lanes.squares[lane]);
            total.min = total.min.min(f64::from(lanes.min[lane]));
            total.max = total.max.max(f64::from(lanes.max[lane]));
            total.zeros += u64::from(lanes.zeros[lane]);
            total.negatives += u64::from(lanes.negatives[lane]);
            total.saturated += u64::from(lanes.saturated[lane]);
        }
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
    const OCTAVES: usize = (OVERFLOW_EXPONENT - UNDERFLOW_EXPONENT) as usize + 1;
    let mut tables = [[0_u32; OCTAVES]; TABLES];
    let octave = |exponent: u8| usize::from(exponent.clamp(UNDERFLOW_EXPONENT, OVERFLOW_EXPONENT) - UNDERFLOW_EXPONENT);
    let (rows, rest) = exponents[..len].as_chunks::<TABLES>();
    for row in rows {
        for (table, exponent) in tables.iter_mut().zip(row) {
            table[octave(*exponent)] += 1;
        }
    }
    for exponent in rest {
        tables[0][octave(*exponent)] += 1;
    }
    for (octave, bin) in bins[BIN_UNDERFLOW..].iter_mut().enumerate().skip(1) {
        *bin += tables.iter().map(|table| u64::from(table[octave])).sum::<u64>();
    }
}
