//! The kernel for AVX-512 with VBMI and GFNI (Ice Lake, Zen 4 and later).
//!
//! Four tricks carry it. `vfixupimmps` turns an element into a number that counts zeros and negatives in one register.
//! Extremes are taken with integer instructions, which more ports have. Exponents of 64 elements are merged into one
//! register by rotations and bitwise selection. Exponents are looked up as one-hot bytes, sixteen of them in two bytes, and
//! counted by position with carry-save adders.
#![allow(clippy::wildcard_imports, reason = "sixty intrinsics, all with the prefix _mm512")]
use std::arch::x86_64::*;

use super::{
    Asked, BLOCK, Bins, CHAIN, EXPONENT_GROUP, Moments, OVERFLOW_EXPONENT, Sums, UNDERFLOW_EXPONENT, double, portable,
};
use crate::source::Lanes;

/// Elements of a register.
const WIDTH: usize = 16;

/// Registers that are read together, each with sums of its own.
const WAYS: usize = 4;

/// Elements that are read together; their exponents fill one register.
const CHUNK: usize = WIDTH * WAYS;

// One block is one chain of f32 additions per sum.
const _: () = assert!(BLOCK == CHUNK * CHAIN);

/// Elements ahead of which memory is asked for. The hardware's prefetcher stops at each page of 4 KB. Reading 4,096
/// elements ahead gave half as much again from memory as not to, and more than 1,024 or 16,384 (Zen 5, our bench); in cache
/// it costs nothing.
const AHEAD: usize = 4096;

/// Selectors of `vpternlogq` for the two outputs of a full adder.
const PARITY: i32 = 0x96;
const MAJORITY: i32 = 0xe8;

/// Bitwise `a ? b : c`.
const SELECT: i32 = 0xca;

/// Responses of `vfixupimmps`, four bits per class of its operand: a zero becomes -Inf, a negative number the lowest
/// finite number, all else +0. As integers these are -2^23, -2^23 - 1 and 0, so that the negative of their sum holds the
/// number of negatives in its low 23 bits and that of zeros and negatives above. Two registers share the rows, so that a
/// lane sees at most 128 elements.
const CLASSES: u32 = 0x8f88_8488;
const CLASS_SHIFT: u32 = 23;
const _: () = assert!(BLOCK / WIDTH / 2 * ((1 << CLASS_SHIFT) + 1) < i32::MAX as usize);

/// Partial results of a block, one per lane.
struct State {
    sum: [__m512; WAYS],
    l1: [__m512; WAYS],
    squares: [__m512; WAYS],
    /// Largest bits as signed integers: the largest element, where one is positive.
    signed_max: __m512i,
    /// Largest bits as unsigned integers: the smallest element, where one is negative.
    unsigned_max: __m512i,
    /// Sum of the numbers that stand for classes, see [`CLASSES`].
    classes: [__m512i; 2],
    saturated: __m512i,
}

impl State {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn new() -> Self {
        let (none, no_count) = (_mm512_setzero_ps(), _mm512_setzero_si512());
        Self {
            sum: [none; WAYS],
            l1: [none; WAYS],
            squares: [none; WAYS],
            signed_max: no_count,
            unsigned_max: no_count,
            classes: [no_count; 2],
            saturated: no_count,
        }
    }

    /// Adds a chunk. Lanes outside the masks hold 0; they count as zeros.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn add<const BOUND: bool>(&mut self, rows: [__m512; WAYS], masks: [__mmask16; WAYS], bound: __m512i) {
        let classes = _mm512_set1_epi32(CLASSES.cast_signed());
        for way in 0..WAYS {
            let x = rows[way];
            let bits = _mm512_castps_si512(x);
            let magnitude = _mm512_abs_ps(x);
            self.sum[way] = _mm512_add_ps(self.sum[way], x);
            self.l1[way] = _mm512_add_ps(self.l1[way], magnitude);
            self.squares[way] = _mm512_fmadd_ps(x, x, self.squares[way]);
            self.signed_max = _mm512_max_epi32(self.signed_max, bits);
            self.unsigned_max = _mm512_max_epu32(self.unsigned_max, bits);
            let class = _mm512_fixupimm_ps::<0>(x, x, classes);
            self.classes[way % 2] = _mm512_add_epi32(self.classes[way % 2], _mm512_castps_si512(class));
            if BOUND {
                let above = _mm512_mask_cmpge_epu32_mask(masks[way], _mm512_castps_si512(magnitude), bound);
                let minus_one = _mm512_set1_epi32(-1);
                self.saturated = _mm512_mask_sub_epi32(self.saturated, above, self.saturated, minus_one);
            }
        }
    }

    /// The sums over all lanes, of which `padding` were added as zeros. An extreme is infinite where integers do not tell
    /// it: the smallest of a block without zeros and negatives, the largest of one of negatives only.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    fn finish(&self, count: usize, padding: usize) -> Sums {
        let (zeros, negatives) = count_classes(self.classes);
        let zeros = zeros.saturating_sub(padding);
        let of_bits = |bits: u32| f64::from(f32::from_bits(bits));
        let (min, max) = (
            if negatives > 0 { of_bits(_mm512_reduce_max_epu32(self.unsigned_max)) } else { f64::INFINITY },
            if negatives + zeros < count {
                of_bits(_mm512_reduce_max_epi32(self.signed_max).cast_unsigned())
            } else {
                f64::NEG_INFINITY
            },
        );
        let (min, max) = if zeros > 0 { (min.min(0.0), max.max(0.0)) } else { (min, max) };
        Sums {
            count,
            zeros: zeros as u64,
            negatives: negatives as u64,
            saturated: _mm512_reduce_add_epi32(self.saturated) as u64,
            min,
            max,
            sum: total(self.sum),
            l1: total(self.l1),
            squares: total(self.squares),
        }
    }
}

/// How many zeros and negatives sums of [`CLASSES`] stand for.
#[inline]
#[target_feature(enable = "avx512f")]
fn count_classes(sums: [__m512i; 2]) -> (usize, usize) {
    // Both counts of all lanes fit 16 bits, one above the other.
    const _: () = assert!(BLOCK < 1 << 16);
    let counts = sums.map(|sum| {
        let sum = _mm512_sub_epi32(_mm512_setzero_si512(), sum);
        let negative = _mm512_and_si512(sum, _mm512_set1_epi32((1 << CLASS_SHIFT) - 1));
        let zero = _mm512_sub_epi32(_mm512_srli_epi32::<CLASS_SHIFT>(sum), negative);
        _mm512_or_si512(_mm512_slli_epi32::<16>(zero), negative)
    });
    let counts = _mm512_reduce_add_epi32(_mm512_add_epi32(counts[0], counts[1])).cast_unsigned();
    ((counts >> 16) as usize, (counts & 0xffff) as usize)
}

/// The smallest magnitude of a block.
///
/// # Safety
///
/// As for [`sums`].
#[cold]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn smallest_magnitude<S: Lanes>(source: &S, start: usize, len: usize) -> f64 {
    let mut smallest = _mm512_set1_epi32(f32::INFINITY.to_bits().cast_signed());
    for at in (0..len).step_by(WIDTH) {
        let mask = if len - at < WIDTH { (1 << (len - at)) - 1 } else { !0 };
        // SAFETY: the mask ends with the block.
        let bits = _mm512_castps_si512(_mm512_abs_ps(unsafe { source.some(start + at, mask) }));
        smallest = _mm512_mask_min_epu32(smallest, mask, smallest, bits);
    }
    f64::from(f32::from_bits(_mm512_reduce_min_epu32(smallest)))
}

/// Sum of the lanes, in f64 from sixteen lanes on.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn total(ways: [__m512; WAYS]) -> f64 {
    let lanes = _mm512_add_ps(_mm512_add_ps(ways[0], ways[1]), _mm512_add_ps(ways[2], ways[3]));
    let low = _mm512_cvtps_pd(_mm512_castps512_ps256(lanes));
    let high = _mm512_cvtps_pd(_mm512_extractf32x8_ps::<1>(lanes));
    _mm512_reduce_add_pd(_mm512_add_pd(low, high))
}

/// The exponents of a chunk, in an order of their own: those of row `j` in byte `3 - j` of each 4 bytes.
#[inline]
#[target_feature(enable = "avx512f")]
fn exponents_of(rows: [__m512; WAYS]) -> __m512i {
    let [first, second, third, fourth] = rows.map(|row| _mm512_castps_si512(row));
    let select = |bytes: i32, one, other| _mm512_ternarylogic_epi32::<SELECT>(_mm512_set1_epi32(bytes), one, other);
    // An exponent fills bits 23 to 30; doubling is a shift that more ports have.
    let upper = select(!0 << 24, _mm512_add_epi32(first, first), _mm512_srli_epi32::<7>(second));
    let lower = select(!0 << 8, _mm512_srli_epi32::<15>(third), _mm512_srli_epi32::<23>(fourth));
    select(!0 << 16, upper, lower)
}

/// See [`super::sums`].
///
/// # Safety
///
/// The processor has the features, `start + len` is at most the source's length, `len` at most `BLOCK`, and `exponents`,
/// where asked for, has `len` bytes, rounded up to `EXPONENT_GROUP`.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) unsafe fn sums<S: Lanes>(
    source: &S,
    start: usize,
    len: usize,
    asked: Asked<f32>,
    exponents: &mut [u8],
) -> Sums {
    // SAFETY: the caller's promise.
    unsafe {
        match (asked.histogram, asked.bound) {
            (false, None) => sums_as::<S, false, false>(source, start, len, 0, exponents),
            (true, None) => sums_as::<S, true, false>(source, start, len, 0, exponents),
            // As integers, magnitudes are ordered as they are as floats. A bound of zero or less holds for all.
            (false, Some(bound)) => sums_as::<S, false, true>(source, start, len, bound.max(0.0).to_bits(), exponents),
            (true, Some(bound)) => sums_as::<S, true, true>(source, start, len, bound.max(0.0).to_bits(), exponents),
        }
    }
}

/// See [`sums`].
///
/// # Safety
///
/// As for [`sums`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn sums_as<S: Lanes, const HISTOGRAM: bool, const BOUND: bool>(
    source: &S,
    start: usize,
    len: usize,
    bound: u32,
    exponents: &mut [u8],
) -> Sums {
    let mut state = State::new();
    let bound = _mm512_set1_epi32(bound.cast_signed());
    let chunks = len / CHUNK;
    for chunk in 0..chunks {
        // It cannot wrap; a check of each sum would cost a tenth of the loop.
        let at = start.wrapping_add(chunk * CHUNK);
        // SAFETY: `at + CHUNK` is at most `start + len`, which the caller vouches for.
        let rows = unsafe {
            [
                source.full(at),
                source.full(at.wrapping_add(WIDTH)),
                source.full(at.wrapping_add(2 * WIDTH)),
                source.full(at.wrapping_add(3 * WIDTH)),
            ]
        };
        for way in 0..WAYS {
            source.prefetch(at.wrapping_add(AHEAD + way * WIDTH));
        }
        state.add::<BOUND>(rows, [!0; WAYS], bound);
        if HISTOGRAM {
            // SAFETY: the buffer has `len` bytes, rounded up.
            unsafe { _mm512_storeu_si512(exponents.as_mut_ptr().add(chunk * CHUNK).cast(), exponents_of(rows)) };
        }
    }
    let rest = len % CHUNK;
    let mut padding = 0;
    if rest > 0 {
        padding = CHUNK - rest;
        let at = start + chunks * CHUNK;
        let bits = (1_u64 << rest) - 1;
        let masks = [bits as u16, (bits >> 16) as u16, (bits >> 32) as u16, (bits >> 48) as u16];
        // SAFETY: the masks hold `rest` bits, and `at + rest` is `start + len`.
        let rows = unsafe {
            [
                source.some(at, masks[0]),
                source.some(at + WIDTH, masks[1]),
                source.some(at + 2 * WIDTH, masks[2]),
                source.some(at + 3 * WIDTH, masks[3]),
            ]
        };
        state.add::<BOUND>(rows, masks, bound);
        if HISTOGRAM {
            // SAFETY: the buffer has `len` bytes, rounded up.
            unsafe { _mm512_storeu_si512(exponents.as_mut_ptr().add(chunks * CHUNK).cast(), exponents_of(rows)) };
        }
    }
    let mut sums = state.finish(len, padding);
    if len > 0 && sums.min == f64::INFINITY {
        // SAFETY: the caller's promise.
        sums.min = unsafe { smallest_magnitude(source, start, len) };
    } else if sums.max == f64::NEG_INFINITY {
        // SAFETY: the caller's promise.
        sums.max = -unsafe { smallest_magnitude(source, start, len) };
    }
    sums
}

/// One-hot bytes counted by bit position: bit `i` of byte `j` in `ones`, `twos`, `fours` and `eights` is a digit of the
/// number of times that bit was set in byte `j` of a register, and `sixteens` already holds numbers, by position.
struct Counter {
    ones: __m512i,
    twos: __m512i,
    fours: __m512i,
    eights: __m512i,
    sixteens: __m512i,
}

/// A full adder per bit: the sum and the carry.
#[inline]
#[target_feature(enable = "avx512f")]
fn full_adder(a: __m512i, b: __m512i, c: __m512i) -> (__m512i, __m512i) {
    (_mm512_ternarylogic_epi64::<PARITY>(a, b, c), _mm512_ternarylogic_epi64::<MAJORITY>(a, b, c))
}

/// In each 8 bytes, byte `j` of the result is the number of bytes with bit `j` set. The affine product with the unit
/// vectors transposes the 8 x 8 bits.
#[inline]
#[target_feature(enable = "avx512f,avx512bitalg,gfni")]
fn by_position(bits: __m512i) -> __m512i {
    let unit_vectors = _mm512_set1_epi64(0x8040_2010_0804_0201_u64.cast_signed());
    _mm512_popcnt_epi8(_mm512_gf2p8affine_epi64_epi8::<0>(unit_vectors, bits))
}

impl Counter {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn new() -> Self {
        let none = _mm512_setzero_si512();
        Self { ones: none, twos: none, fours: none, eights: none, sixteens: none }
    }

    /// Adds four registers and returns the carry into `fours`.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn add_four(&mut self, bits: [__m512i; 4]) -> __m512i {
        let (ones, carry) = full_adder(self.ones, bits[0], bits[1]);
        let (ones, other_carry) = full_adder(ones, bits[2], bits[3]);
        self.ones = ones;
        let (twos, fours) = full_adder(self.twos, carry, other_carry);
        self.twos = twos;
        fours
    }

    /// Adds four carries into `fours`, that is sixteen registers.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512bitalg,gfni")]
    fn carry_four(&mut self, carries: [__m512i; 4]) {
        let (fours, carry) = full_adder(self.fours, carries[0], carries[1]);
        let (fours, other_carry) = full_adder(fours, carries[2], carries[3]);
        self.fours = fours;
        let (eights, sixteens) = full_adder(self.eights, carry, other_carry);
        self.eights = eights;
        self.sixteens = _mm512_add_epi8(self.sixteens, by_position(sixteens));
    }

    /// Adds one carry into `fours`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512bitalg,gfni")]
    fn carry_one(&mut self, carry: __m512i) {
        let eights = _mm512_and_si512(self.fours, carry);
        self.fours = _mm512_xor_si512(self.fours, carry);
        let sixteens = _mm512_and_si512(self.eights, eights);
        self.eights = _mm512_xor_si512(self.eights, eights);
        self.sixteens = _mm512_add_epi8(self.sixteens, by_position(sixteens));
    }

    /// How often each of the eight bits was set: lane `j` counts bit `j`. A byte holds at most 8 * 15 before the last step.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512bitalg,avx512vbmi,gfni")]
    fn counts(&self) -> __m512i {
        let mut low = by_position(self.eights);
        for digit in [self.fours, self.twos, self.ones] {
            low = _mm512_add_epi8(_mm512_add_epi8(low, low), by_position(digit));
        }
        // SAFETY: the table has 64 bytes.
        let transposed = unsafe { _mm512_loadu_si512(TRANSPOSED.as_ptr().cast()) };
        let none = _mm512_setzero_si512();
        let low = _mm512_sad_epu8(_mm512_permutexvar_epi8(transposed, low), none);
        let high = _mm512_sad_epu8(_mm512_permutexvar_epi8(transposed, self.sixteens), none);
        _mm512_add_epi64(low, _mm512_slli_epi64::<4>(high))
    }
}

/// Byte `8 j + i` is taken from `8 i + j`.
const TRANSPOSED: [u8; 64] = {
    let mut table = [0; 64];
    let mut at = 0;
    while at < 64 {
        table[at] = ((at % 8) * 8 + at / 8) as u8;
        at += 1;
    }
    table
};

/// One-hot byte of the exponents `first..first + 8` above a base, 0 for others.
const fn one_hot(first: usize) -> [u8; 64] {
    let mut table = [0; 64];
    let mut bit = 0;
    while bit < 8 {
        table[first + bit] = 1 << bit;
        bit += 1;
    }
    table
}

/// Exponents counted in one pass over a block.
const WINDOW: u8 = 16;
static LOW: [u8; 64] = one_hot(1);
static HIGH: [u8; 64] = one_hot(9);

/// See [`super::add_exponents`]. Passes over the block in cache, sixteen exponents each from the top down, until every element
/// was counted or only underflow is left.
///
/// # Safety
///
/// The processor has the features, and `exponents` has `len` bytes, rounded up to `EXPONENT_GROUP`.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vbmi,avx512bitalg,gfni")]
pub(super) unsafe fn add_exponents(exponents: &mut [u8], len: usize, top: u8, counted: usize, bins: &mut Bins) {
    let rows = pad_to_four(exponents, len);
    let mut missing = counted as u64;
    if top > OVERFLOW_EXPONENT {
        lower(exponents, rows);
    }
    let mut top = top.min(OVERFLOW_EXPONENT);
    while top > UNDERFLOW_EXPONENT && missing > 0 {
        let base = top.saturating_sub(WINDOW).max(UNDERFLOW_EXPONENT);
        // Exponents above `top` were counted by the pass before; they reach into the window only in the last pass.
        let wanted = (1_u32 << (top - base)) - 1;
        let (low, high) = window(exponents, rows, base);
        let low = _mm512_maskz_mov_epi64(wanted as u8, low);
        let high = _mm512_maskz_mov_epi64((wanted >> 8) as u8, high);
        // SAFETY: `base` is at most `OVERFLOW_EXPONENT - WINDOW`, so that 16 bins from that of `base + 1` on exist.
        unsafe {
            let at = bins.as_mut_ptr().add(usize::from(base - UNDERFLOW_EXPONENT) + 2);
            _mm512_storeu_si512(at.cast(), _mm512_add_epi64(_mm512_loadu_si512(at.cast()), low));
            let at = at.add(8);
            _mm512_storeu_si512(at.cast(), _mm512_add_epi64(_mm512_loadu_si512(at.cast()), high));
        }
        missing -= _mm512_reduce_add_epi64(_mm512_add_epi64(low, high)) as u64;
        top = base;
    }
}

/// Lowers exponents beyond the last bin to it, so that a byte's distance from a window's base stays below 64.
#[cold]
#[target_feature(enable = "avx512f,avx512bw")]
fn lower(exponents: &mut [u8], rows: usize) {
    for exponent in &mut exponents[..rows * 64] {
        *exponent = (*exponent).min(OVERFLOW_EXPONENT);
    }
}

/// Zeroes the exponents beyond the block's last register up to a multiple of four, and returns the number of registers.
#[inline]
#[target_feature(enable = "avx512f")]
fn pad_to_four(exponents: &mut [u8], len: usize) -> usize {
    let (used, rows) = (len.div_ceil(64), len.next_multiple_of(EXPONENT_GROUP) / 64);
    for row in used..rows {
        exponents[row * 64..][..64].fill(0);
    }
    rows
}

/// Counts the exponents `base + 1 ..= base + 16` of `rows` registers, a multiple of four.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512bitalg,gfni")]
fn window(exponents: &[u8], rows: usize, base: u8) -> (__m512i, __m512i) {
    let (mut low, mut high) = (Counter::new(), Counter::new());
    let base = _mm512_set1_epi8(base.cast_signed());
    let mut row = 0;
    while row + 16 <= rows {
        let (low_0, high_0) = four_rows(exponents, row, base, &mut low, &mut high);
        let (low_1, high_1) = four_rows(exponents, row + 4, base, &mut low, &mut high);
        let (low_2, high_2) = four_rows(exponents, row + 8, base, &mut low, &mut high);
        let (low_3, high_3) = four_rows(exponents, row + 12, base, &mut low, &mut high);
        low.carry_four([low_0, low_1, low_2, low_3]);
        high.carry_four([high_0, high_1, high_2, high_3]);
        row += 16;
    }
    while row < rows {
        let (low_carry, high_carry) = four_rows(exponents, row, base, &mut low, &mut high);
        low.carry_one(low_carry);
        high.carry_one(high_carry);
        row += 4;
    }
    (low.counts(), high.counts())
}

/// Adds four registers of exponents to both counters and returns their carries.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn four_rows(exponents: &[u8], row: usize, base: __m512i, low: &mut Counter, high: &mut Counter) -> (__m512i, __m512i) {
    debug_assert!((row + 4) * 64 <= exponents.len());
    // SAFETY: the tables have 64 bytes.
    let (low_table, high_table) =
        unsafe { (_mm512_loadu_si512(LOW.as_ptr().cast()), _mm512_loadu_si512(HIGH.as_ptr().cast())) };
    let (mut low_bits, mut high_bits) = ([low_table; 4], [high_table; 4]);
    for way in 0..4 {
        // SAFETY: the callers keep `row + 4` within the registers of the buffer.
        let exponent = unsafe { _mm512_loadu_si512(exponents.as_ptr().add((row + way) * 64).cast()) };
        let above = _mm512_subs_epu8(exponent, base);
        low_bits[way] = _mm512_permutexvar_epi8(above, low_table);
        high_bits[way] = _mm512_permutexvar_epi8(above, high_table);
    }
    (low.add_four(low_bits), high.add_four(high_bits))
}

/// See [`super::Wide::moments`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,fma")]
pub(super) fn moments(block: &[f32]) -> Moments {
    portable::moments(block)
}

/// See [`super::sums_f64`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,fma")]
pub(super) fn sums_f64(block: &[f64], asked: Asked<f64>, exponents: &mut [u8]) -> Sums {
    double::sums(block, asked, exponents)
}
