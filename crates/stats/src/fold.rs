//! Blocks into a reading: looks at what a kernel says, redoes a bad block, and combines blocks in f64.
use barograph_vocab::{BIN_UNDERFLOW, BINS, Reading};

use crate::kernel::{self, Asked, BLOCK, Bins, Sums, Wide};
use crate::level::Level;
use crate::source::Source;
use crate::squares::Squares;

/// Share of the sum of squares that must be left after the mean is taken out, for squared deviations to be had by that
/// subtraction. An eighth costs at most three of the bits of a block's sums; below, the block is read again about its mean.
/// Our choice.
const LEAST_SPREAD: f64 = 0.125;

/// The reading so far.
pub(crate) struct Fold<W> {
    level: Level,
    asked: Asked<W>,
    finite: u64,
    nan: u64,
    pos_inf: u64,
    neg_inf: u64,
    zeros: u64,
    negatives: u64,
    saturated: u64,
    min: f64,
    max: f64,
    mean: f64,
    m2: f64,
    l1: f64,
    squares: Squares,
    bins: Bins,
}

impl<W: Wide> Fold<W> {
    #[inline]
    pub(crate) fn new(level: Level, bound: Option<f64>, histogram: bool) -> Self {
        // No magnitude is at or above NaN.
        let bound = bound.filter(|bound| !bound.is_nan()).map(W::at_least);
        Self {
            level,
            asked: Asked { bound, histogram },
            finite: 0,
            nan: 0,
            pos_inf: 0,
            neg_inf: 0,
            zeros: 0,
            negatives: 0,
            saturated: 0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            mean: 0.0,
            m2: 0.0,
            l1: 0.0,
            squares: Squares::default(),
            bins: [0; BINS],
        }
    }

    /// Adds every element of a source. `exponents` is memory for the histogram, see [`kernel::exponents_needed`].
    #[inline]
    pub(crate) fn add<S: Source<Wide = W>>(&mut self, source: &S, exponents: &mut [u8]) {
        let mut start = 0;
        while start < source.len() {
            let len = BLOCK.min(source.len() - start);
            let sums = source.sums(self.level, start, len, self.asked, exponents);
            if !(sums.l1.is_finite() && W::squares_are_safe(sums.abs_max())) {
                self.add_unsafe(source, start, len, exponents);
            } else if self.add_sums(&sums) {
                self.add_counts(&sums, exponents);
            } else {
                source.with_block(start, len, |block| self.add_moments(block));
                self.add_counts(&sums, exponents);
            }
            start += len;
        }
    }

    /// A block with a non-finite element, or with squares outside the range of the kernel's arithmetic.
    #[cold]
    #[inline(never)]
    fn add_unsafe<S: Source<Wide = W>>(&mut self, source: &S, start: usize, len: usize, exponents: &mut [u8]) {
        let mut values = [W::ZERO; BLOCK];
        source.copy(start, len, &mut values);
        let finite = self.drop_non_finite(&mut values[..len]);
        if finite == 0 {
            return;
        }
        let values = &values[..finite];
        let sums = W::sums(self.level, values, self.asked, exponents);
        let safe = sums.l1.is_finite() && W::squares_are_safe(sums.abs_max());
        if !(safe && self.add_sums(&sums)) {
            self.add_moments(values);
        }
        self.add_counts(&sums, exponents);
    }

    /// Counts non-finite values and moves the others to the front, in order. Returns how many they are.
    fn drop_non_finite(&mut self, values: &mut [W]) -> usize {
        let mut kept = 0;
        for at in 0..values.len() {
            let value = values[at];
            match value.non_finite() {
                None => {
                    values[kept] = value;
                    kept += 1;
                }
                Some(0) => self.nan += 1,
                Some(1) => self.pos_inf += 1,
                Some(_) => self.neg_inf += 1,
            }
        }
        kept
    }

    /// Adds the sums of a block, unless its mean is so large beside its spread that it must be read again about it.
    #[inline]
    fn add_sums(&mut self, sums: &Sums) -> bool {
        let mean = sums.sum / sums.count as f64;
        let m2 = sums.squares - sums.sum * mean;
        let spread = m2 >= LEAST_SPREAD * sums.squares;
        if spread {
            self.l1 += sums.l1;
            self.squares.add_sum(sums.squares);
            self.combine(sums.count, mean, m2);
        }
        spread
    }

    /// Adds a finite block, read again in f64.
    #[cold]
    #[inline(never)]
    fn add_moments(&mut self, block: &[W]) {
        if let Some(moments) = W::moments(self.level, block) {
            self.l1 += moments.l1;
            self.squares.add_sum(moments.squares);
            self.combine(block.len(), moments.sum / block.len() as f64, moments.m2);
        } else {
            self.add_extreme(block);
        }
    }

    /// Adds a finite block of f64 whose squares overflow or underflow f64.
    fn add_extreme(&mut self, block: &[W]) {
        /// 2^-64: no block of values shrunk by it has a sum that overflows, and none above 2^-480 loses a bit.
        const SHRINK: f64 = f64::from_bits((1023 - 64) << 52);
        let values = || block.iter().map(|x| -> f64 { (*x).into() });
        let count = block.len() as f64;
        let big = values().any(|x| x.abs() > 1.0);
        let mean = if big {
            values().map(|x| x * SHRINK).sum::<f64>() / count / SHRINK
        } else {
            values().sum::<f64>() / count
        };
        let mut m2 = 0.0;
        for x in values() {
            self.squares.add(x);
            self.l1 += x.abs();
            m2 += (x - mean) * (x - mean);
        }
        self.combine(block.len(), mean, m2);
    }

    /// Chan, Golub, `LeVeque` (1979): mean and squared deviations of two samples together.
    #[inline]
    fn combine(&mut self, count: usize, mean: f64, m2: f64) {
        let before = self.finite as f64;
        self.finite += count as u64;
        if before == 0.0 {
            (self.mean, self.m2) = (mean, m2);
            return;
        }
        let share = count as f64 / self.finite as f64;
        let delta = mean - self.mean;
        self.m2 += m2 + delta * delta * (before * share);
        self.mean =
            if delta.is_finite() { self.mean + delta * share } else { self.mean * (1.0 - share) + mean * share };
    }

    #[inline]
    fn add_counts(&mut self, sums: &Sums, exponents: &mut [u8]) {
        self.zeros += sums.zeros;
        self.negatives += sums.negatives;
        self.saturated += sums.saturated;
        self.min = self.min.min(sums.min);
        self.max = self.max.max(sums.max);
        let counted = sums.count - sums.zeros as usize;
        if self.asked.histogram && counted > 0 {
            let top = kernel::exponent_of(sums.abs_max());
            kernel::add_exponents(self.level, exponents, sums.count, top, counted, &mut self.bins);
        }
    }

    /// The reading of everything added.
    #[inline]
    pub(crate) fn finish(&self) -> Reading {
        // Adding zero turns -0 into 0: which zero comes first is no property of the tensor.
        let (min, max) = if self.finite == 0 { (0.0, 0.0) } else { (self.min + 0.0, self.max + 0.0) };
        let mut reading = Reading {
            count: self.finite + self.nan + self.pos_inf + self.neg_inf,
            nan: self.nan,
            pos_inf: self.pos_inf,
            neg_inf: self.neg_inf,
            zeros: self.zeros,
            negatives: self.negatives,
            saturated: self.saturated,
            min,
            max,
            mean: self.mean,
            m2: self.m2,
            l1: self.l1,
            l2: self.squares.norm(),
            abs_max: max.max(-min),
            histogram: [0; BINS],
        };
        if self.asked.histogram {
            self.fill_histogram(&mut reading.histogram);
        }
        reading
    }

    #[inline]
    fn fill_histogram(&self, histogram: &mut [u32; BINS]) {
        let saturating = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        if u32::try_from(self.finite).is_ok() {
            for (out, count) in histogram.iter_mut().zip(&self.bins) {
                *out = *count as u32;
            }
        } else {
            for (out, count) in histogram.iter_mut().zip(&self.bins) {
                *out = saturating(*count);
            }
        }
        let above: u64 = self.bins[BIN_UNDERFLOW + 1..].iter().sum();
        histogram[0] = saturating(self.zeros);
        histogram[BIN_UNDERFLOW] = saturating(self.finite - self.zeros - above);
    }
}
