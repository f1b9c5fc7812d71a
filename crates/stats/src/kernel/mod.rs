//! The block kernels: sums of at most [`BLOCK`] elements, one file per instruction set.
//!
//! A kernel answers fast and may be wrong in a way that shows: a non-finite element makes `l1` non-finite, and squares
//! that leave the range of f32 show in the extremes. [`crate::fold`] looks, and redoes such a block carefully.
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod double;
mod lanes;
mod portable;

use crate::level::Level;
use crate::source::Source;

/// Elements of a block: 16 KB of f32, so that it and its exponents stay in a first-level cache of 32 KB. Twice the block
/// halves what bringing lanes together costs; half the block read a tenth fewer bytes per second in cache.
pub(crate) const BLOCK: usize = 4096;

/// Additions in f32 that one sum goes through before it is widened to f64. It bounds the rounding error of a block:
/// 64 roundings of 2^-24 each, relative to the sum of magnitudes.
pub(crate) const CHAIN: usize = 64;

/// Counts per histogram bin while a tensor is read; u64, since a bin may pass u32 before the reading saturates it.
pub(crate) type Bins = [u64; barograph_vocab::BINS];

/// What a kernel found in one block, under the assumption that all elements are finite.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sums {
    pub(crate) count: usize,
    pub(crate) zeros: u64,
    pub(crate) negatives: u64,
    pub(crate) saturated: u64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) sum: f64,
    pub(crate) l1: f64,
    pub(crate) squares: f64,
}

impl Sums {
    /// The sums of nothing, to which `count` elements will be added.
    fn empty(count: usize) -> Self {
        Self {
            count,
            zeros: 0,
            negatives: 0,
            saturated: 0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            sum: 0.0,
            l1: 0.0,
            squares: 0.0,
        }
    }

    /// Adds one element to everything but the count.
    fn add(&mut self, x: f64, bound: Option<f64>) {
        self.sum += x;
        self.l1 += x.abs();
        self.squares += x * x;
        self.min = self.min.min(x);
        self.max = self.max.max(x);
        self.zeros += u64::from(x == 0.0);
        self.negatives += u64::from(x < 0.0);
        self.saturated += u64::from(bound.is_some_and(|bound| x.abs() >= bound));
    }

    /// Largest magnitude.
    pub(crate) fn abs_max(&self) -> f64 {
        self.max.max(-self.min)
    }
}

/// Sums of a finite block in f64, with the squared deviations taken about the block's own mean.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moments {
    pub(crate) sum: f64,
    pub(crate) l1: f64,
    pub(crate) squares: f64,
    pub(crate) m2: f64,
}

/// What a kernel is asked for besides the sums.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<W> {
    /// Smallest magnitude that counts as saturated.
    pub(crate) bound: Option<W>,
    /// Whether exponents are wanted.
    pub(crate) histogram: bool,
}

impl<W> Asked<W> {
    /// Checks what the kernels rely on.
    fn check(&self, len: usize, exponents: &[u8]) {
        assert!(len <= BLOCK, "a block of {len} elements");
        assert!(
            !self.histogram || len.next_multiple_of(EXPONENT_GROUP) <= exponents.len(),
            "too few exponents for {len}"
        );
    }
}

/// Memory for the exponents of a tensor of `len` elements, read block by block.
pub(crate) const fn exponents_needed(len: usize) -> usize {
    if len > BLOCK { BLOCK } else { len.next_multiple_of(EXPONENT_GROUP) }
}

/// Exponents are counted in groups of this size; those beyond the elements are zero.
pub(crate) const EXPONENT_GROUP: usize = 256;

/// Zeroes what lies beyond `len` up to the end of its group.
fn pad_exponents(exponents: &mut [u8], len: usize) {
    exponents[len..len.next_multiple_of(EXPONENT_GROUP)].fill(0);
}

/// The largest biased f32 exponent of bin 1; each one above begins the next bin.
const UNDERFLOW_EXPONENT: u8 = (barograph_vocab::LOWEST_EXPONENT + 127 - 1) as u8;

/// The biased f32 exponent that begins the last bin.
const OVERFLOW_EXPONENT: u8 =
    UNDERFLOW_EXPONENT + (barograph_vocab::BIN_OVERFLOW - barograph_vocab::BIN_UNDERFLOW) as u8;

/// The biased exponent that this magnitude has as f32, or would have if f32 were wide enough: at most 254, and 0 from the
/// subnormal f32 down.
pub(crate) fn exponent_of(magnitude: f64) -> u8 {
    const REBIAS: u64 = 1023 - 127;
    (magnitude.to_bits() >> 52).saturating_sub(REBIAS).min(254) as u8
}

/// The arithmetic in which a block is read: f32 for elements of at most 32 bits, f64 for f64.
pub(crate) trait Wide: Copy + Into<f64> + 'static {
    /// Zero.
    const ZERO: Self;

    /// 1 for +Inf, -1 for -Inf, 0 for NaN, `None` for a finite value.
    fn non_finite(self) -> Option<i8>;

    /// The smallest value of this type that is not below `bound`, so that comparing with either gives the same answer.
    fn at_least(bound: f64) -> Self;

    /// Whether the squares of a block whose largest magnitude is this can be summed as the kernel does.
    fn squares_are_safe(abs_max: f64) -> bool;

    /// Reads a block of at most `BLOCK` elements, and fills `exponents` where asked.
    fn sums(level: Level, block: &[Self], asked: Asked<Self>, exponents: &mut [u8]) -> Sums;

    /// Reads a finite block again, in f64. `None` where f64 itself could overflow or underflow.
    fn moments(level: Level, block: &[Self]) -> Option<Moments>;
}

impl Wide for f32 {
    const ZERO: Self = 0.0;

    fn non_finite(self) -> Option<i8> {
        kind(self.is_finite(), self.is_nan(), self.is_sign_negative())
    }

    fn at_least(bound: f64) -> Self {
        let rounded = bound as f32;
        if f64::from(rounded) < bound { rounded.next_up() } else { rounded }
    }

    fn squares_are_safe(abs_max: f64) -> bool {
        // 4096 squares of 2^57 add up to 2^126. Below 2^-50 the squares that vanish would matter to the sum.
        const LARGE: f64 = (1_u64 << 57) as f64;
        const SMALL: f64 = 1.0 / (1_u64 << 50) as f64;
        abs_max == 0.0 || (SMALL..=LARGE).contains(&abs_max)
    }

    fn sums(level: Level, block: &[Self], asked: Asked<Self>, exponents: &mut [u8]) -> Sums {
        asked.check(block.len(), exponents);
        match level {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the level was checked against the processor, and the ranges just now.
            Level::Avx512 => unsafe { avx512::sums(&crate::source::Slice(block), 0, block.len(), asked, exponents) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the level was checked against the processor.
            Level::Avx2 => unsafe { avx2::sums(block, asked, exponents) },
            _ => portable::sums::<32>(block, asked, exponents),
        }
    }

    fn moments(level: Level, block: &[Self]) -> Option<Moments> {
        Some(match level {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the level was checked against the processor.
            Level::Avx512 => unsafe { avx512::moments(block) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the level was checked against the processor.
            Level::Avx2 => unsafe { avx2::moments(block) },
            _ => portable::moments(block),
        })
    }
}

impl Wide for f64 {
    const ZERO: Self = 0.0;

    fn non_finite(self) -> Option<i8> {
        kind(self.is_finite(), self.is_nan(), self.is_sign_negative())
    }

    fn at_least(bound: f64) -> Self {
        bound
    }

    fn squares_are_safe(abs_max: f64) -> bool {
        abs_max == 0.0 || double::SAFE.contains(&abs_max)
    }

    fn sums(level: Level, block: &[Self], asked: Asked<Self>, exponents: &mut [u8]) -> Sums {
        asked.check(block.len(), exponents);
        match level {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the level was checked against the processor.
            Level::Avx512 => unsafe { avx512::sums_f64(block, asked, exponents) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the level was checked against the processor.
            Level::Avx2 => unsafe { avx2::sums_f64(block, asked, exponents) },
            _ => double::sums(block, asked, exponents),
        }
    }

    fn moments(_level: Level, block: &[Self]) -> Option<Moments> {
        double::moments(block)
    }
}

fn kind(finite: bool, nan: bool, negative: bool) -> Option<i8> {
    match (finite, nan, negative) {
        (true, _, _) => None,
        (_, true, _) => Some(0),
        (_, _, true) => Some(-1),
        _ => Some(1),
    }
}

/// What a source of f32 needs so that every kernel can read it.
#[cfg(target_arch = "x86_64")]
pub(crate) trait Readable: Source<Wide = f32> + crate::source::Lanes {}
#[cfg(target_arch = "x86_64")]
impl<S: Source<Wide = f32> + crate::source::Lanes> Readable for S {}

/// What a source of f32 needs so that every kernel can read it.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) trait Readable: Source<Wide = f32> {}
#[cfg(not(target_arch = "x86_64"))]
impl<S: Source<Wide = f32>> Readable for S {}

/// Reads elements `start..start + len` of a source of f32, `len <= BLOCK`, and fills `exponents` where asked.
#[inline]
pub(crate) fn sums<S: Readable>(
    level: Level,
    source: &S,
    start: usize,
    len: usize,
    asked: Asked<f32>,
    exponents: &mut [u8],
) -> Sums {
    #[cfg(target_arch = "x86_64")]
    if level == Level::Avx512 {
        assert!(start + len <= source.len(), "a block outside its source");
        asked.check(len, exponents);
        // SAFETY: the level was checked against the processor, and the ranges just now.
        return unsafe { avx512::sums(source, start, len, asked, exponents) };
    }
    source.with_block(start, len, |block| f32::sums(level, block, asked, exponents))
}

/// Adds the exponents of `len` elements to the bins 2 and up, of which the highest is `top`. `counted` elements are not
/// zero. The bins of zeros and of underflow are left to the caller, who knows how many zeros there are.
#[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables, reason = "the portable kernel needs no hints"))]
pub(crate) fn add_exponents(level: Level, exponents: &mut [u8], len: usize, top: u8, counted: usize, bins: &mut Bins) {
    assert!(len.next_multiple_of(EXPONENT_GROUP) <= exponents.len().min(BLOCK), "too few exponents for {len} elements");
    match level {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the level was checked against the processor.
        Level::Avx512 => unsafe { avx512::add_exponents(exponents, len, top, counted, bins) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the level was checked against the processor.
        Level::Avx2 => unsafe { avx2::add_exponents(exponents, len, bins) },
        _ => portable::add_exponents(exponents, len, bins),
    }
}
