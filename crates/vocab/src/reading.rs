//! The fused statistics of one tensor.

/// Bins of the log2 histogram.
pub const BINS: usize = 64;

/// Bin of everything smaller than `2^LOWEST_EXPONENT` in magnitude, but not zero.
pub const BIN_UNDERFLOW: usize = 1;

/// Bin of everything at or above `2^(LOWEST_EXPONENT + 61)`, finite.
pub const BIN_OVERFLOW: usize = BINS - 1;

/// Exponent at which bin 2 begins: bin `b` in `2..=62` holds `2^(LOWEST_EXPONENT + b - 2) <= |x| < 2^(LOWEST_EXPONENT + b - 1)`.
/// With 61 such bins the range is 2^-40 .. 2^21: it holds the fp16 limits (2^-24, 2^-14, 65504) and all that a healthy network shows.
pub const LOWEST_EXPONENT: i32 = -40;

/// Statistics of one tensor at one step, gathered in one pass over memory.
///
/// All moments, norms and extremes are over the *finite* elements; `count` is over all. Empty tensors, and tensors
/// without a finite element, have `min = max = mean = m2 = l1 = l2 = abs_max = 0`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Elements, finite or not.
    pub count: u64,
    /// NaN elements.
    pub nan: u64,
    /// Elements that are +Inf.
    pub pos_inf: u64,
    /// Elements that are -Inf.
    pub neg_inf: u64,
    /// Elements that are +0 or -0.
    pub zeros: u64,
    /// Finite elements below zero.
    pub negatives: u64,
    /// Finite elements with `|x| >= bound`, the bound given by the site (4 at a pre-activation); 0 where none was given.
    pub saturated: u64,
    /// Smallest finite element.
    pub min: f64,
    /// Largest finite element.
    pub max: f64,
    /// Mean of the finite elements.
    pub mean: f64,
    /// Sum of squared deviations from the mean.
    pub m2: f64,
    /// Sum of magnitudes.
    pub l1: f64,
    /// Euclidean norm, accumulated in f64: the norm of four 1e20 is 2e20.
    pub l2: f64,
    /// Largest magnitude.
    pub abs_max: f64,
    /// Counts by log2 of the magnitude: bin 0 zeros, then underflow, octaves, overflow (see [`bin_of`]). All zero when not asked for.
    pub histogram: [u32; BINS],
}

impl Reading {
    /// The reading of nothing.
    pub const EMPTY: Self = Self {
        count: 0,
        nan: 0,
        pos_inf: 0,
        neg_inf: 0,
        zeros: 0,
        negatives: 0,
        saturated: 0,
        min: 0.0,
        max: 0.0,
        mean: 0.0,
        m2: 0.0,
        l1: 0.0,
        l2: 0.0,
        abs_max: 0.0,
        histogram: [0; BINS],
    };

    /// NaN and infinite elements.
    #[must_use]
    pub const fn non_finite(&self) -> u64 {
        self.nan + self.pos_inf + self.neg_inf
    }

    /// Finite elements.
    #[must_use]
    pub const fn finite(&self) -> u64 {
        self.count - self.non_finite()
    }

    /// Population variance of the finite elements; 0 when there is none.
    #[must_use]
    pub fn variance(&self) -> f64 {
        if self.finite() == 0 { 0.0 } else { self.m2 / self.finite() as f64 }
    }

    /// Population standard deviation of the finite elements.
    #[must_use]
    pub fn std(&self) -> f64 {
        self.variance().sqrt()
    }

    /// Root mean square of the finite elements; 0 when there is none.
    #[must_use]
    pub fn rms(&self) -> f64 {
        if self.finite() == 0 { 0.0 } else { self.l2 / (self.finite() as f64).sqrt() }
    }

    /// Share of `part` in all elements; 0 for an empty tensor.
    #[must_use]
    pub fn share(&self, part: u64) -> f64 {
        if self.count == 0 { 0.0 } else { part as f64 / self.count as f64 }
    }
}

/// The histogram bin of a finite magnitude: 0 for zero, [`BIN_UNDERFLOW`] below `2^-40`, [`BIN_OVERFLOW`] from `2^21` up.
#[must_use]
pub fn bin_of(magnitude: f64) -> usize {
    if magnitude == 0.0 {
        return 0;
    }
    // The exponent field of an f64 is the floor of log2 for normal numbers; subnormal f64 lie far below the first octave.
    let exponent = ((magnitude.to_bits() >> 52) & 0x7ff) as i32 - 1023;
    (exponent - LOWEST_EXPONENT + 2).clamp(BIN_UNDERFLOW as i32, BIN_OVERFLOW as i32) as usize
}
