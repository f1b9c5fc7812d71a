//! The kernel for AVX-512 with VBMI2 and GFNI (Ice Lake, Zen 4 and later).
//!
//! Three tricks carry it. Signs and zeros are not counted but collected: `x` and `x - 1`, taken as integers, have top bits
//! whose AND says "below zero" and whose XOR says "zero", and `vpshldd` appends a top bit to a register in one
//! instruction; every 32 registers the bits are counted at once. Exponents of 64 elements come together by
//! `vpmultishiftqb`. Octaves are looked up as one-hot bytes, sixteen octaves in two bytes, and counted by position with
//! carry-save adders.
#![allow(clippy::wildcard_imports, reason = "sixty intrinsics, all with the prefix _mm512")]
use std::arch::x86_64::*;

use super::{Asked, BLOCK, Bins, CHAIN, Moments, OCTAVE_GROUP, OCTAVE_ORIGIN, Sums, TOP_OCTAVE, double, portable};
use crate::source::Lanes;

/// Elements of a register.
const WIDTH: usize = 16;

/// Registers that are read together, each with sums of its own.
const WAYS: usize = 4;

/// Elements that are read together; their octaves fill one register.
const CHUNK: usize = WIDTH * WAYS;

/// Chunks after which the collected top bits fill their registers.
const CHUNKS_PER_FLUSH: usize = 32 / WAYS;

// One block is one chain of f32 additions per sum.
const _: () = assert!(BLOCK == CHUNK * CHAIN);

/// Elements ahead of which memory is asked for. The hardware's prefetcher stops at each page of 4 KB; two blocks ahead it
/// cost nothing in cache and gave half as much again from memory, where 1,024 and 16,384 gave less (Zen 5, our bench).
const AHEAD: usize = 2 * BLOCK;

/// Selectors of `vpternlogq` for the two outputs of a full adder.
const PARITY: i32 = 0x96;
const MAJORITY: i32 = 0xe8;

/// Partial results of a block, one per lane.
struct State {
    sum: [__m512; WAYS],
    l1: [__m512; WAYS],
    squares: [__m512; WAYS],
    min: [__m512; 2],
    max: [__m512; 2],
    /// Top bits of the last 32 elements per lane.
    tops: __m512i,
    /// Top bits of the last 32 elements less one (as integers) per lane.
    tops_less_one: __m512i,
    zeros: __m512i,
    negatives: __m512i,
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
            min: [_mm512_set1_ps(f32::INFINITY); 2],
            max: [_mm512_set1_ps(f32::NEG_INFINITY); 2],
            tops: no_count,
            tops_less_one: no_count,
            zeros: no_count,
            negatives: no_count,
            saturated: no_count,
        }
    }

    /// Adds a chunk. With `PART`, lanes outside the masks hold 0 and are kept out of the extremes; they do count as zeros.
    #[inline]
    #[target_feature(enable = "avx512f,avx512vbmi2")]
    fn add<const PART: bool, const BOUND: bool>(
        &mut self,
        rows: [__m512; WAYS],
        masks: [__mmask16; WAYS],
        bound: __m512i,
    ) {
        let minus_one = _mm512_set1_epi32(-1);
        for way in 0..WAYS {
            let (x, mask) = (rows[way], masks[way]);
            let magnitude = _mm512_abs_ps(x);
            self.sum[way] = _mm512_add_ps(self.sum[way], x);
            self.l1[way] = _mm512_add_ps(self.l1[way], magnitude);
            self.squares[way] = _mm512_fmadd_ps(x, x, self.squares[way]);
            let (min, max) = (self.min[way % 2], self.max[way % 2]);
            self.min[way % 2] = if PART { _mm512_mask_min_ps(min, mask, min, x) } else { _mm512_min_ps(min, x) };
            self.max[way % 2] = if PART { _mm512_mask_max_ps(max, mask, max, x) } else { _mm512_max_ps(max, x) };
            let bits = _mm512_castps_si512(x);
            self.tops = _mm512_shldi_epi32::<1>(self.tops, bits);
            self.tops_less_one = _mm512_shldi_epi32::<1>(self.tops_less_one, _mm512_add_epi32(bits, minus_one));
            if BOUND {
                let above = _mm512_mask_cmpge_epu32_mask(mask, _mm512_castps_si512(magnitude), bound);
                self.saturated = _mm512_mask_sub_epi32(self.saturated, above, self.saturated, minus_one);
            }
        }
    }

    /// Counts the collected top bits. For every x but zeros both bits are the sign; for +0 only the second is set, for -0
    /// only the first.
    #[inline]
    #[target_feature(enable = "avx512f,avx512vpopcntdq")]
    fn flush(&mut self) {
        let zero = _mm512_xor_si512(self.tops, self.tops_less_one);
        let negative = _mm512_and_si512(self.tops, self.tops_less_one);
        self.zeros = _mm512_add_epi32(self.zeros, _mm512_popcnt_epi32(zero));
        self.negatives = _mm512_add_epi32(self.negatives, _mm512_popcnt_epi32(negative));
        self.tops = _mm512_setzero_si512();
        self.tops_less_one = _mm512_setzero_si512();
    }

    /// The sums over all lanes. `padding` lanes were added as zeros.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    fn finish(&self, count: usize, padding: usize) -> Sums {
        let zeros = _mm512_reduce_add_epi32(self.zeros) as u64;
        Sums {
            count,
            zeros: zeros.saturating_sub(padding as u64),
            negatives: _mm512_reduce_add_epi32(self.negatives) as u64,
            saturated: _mm512_reduce_add_epi32(self.saturated) as u64,
            min: f64::from(_mm512_reduce_min_ps(_mm512_min_ps(self.min[0], self.min[1]))),
            max: f64::from(_mm512_reduce_max_ps(_mm512_max_ps(self.max[0], self.max[1]))),
            sum: total(self.sum),
            l1: total(self.l1),
            squares: total(self.squares),
        }
    }
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

/// The octaves of a chunk, in an order of their own: row `j` of f32 fills bytes `2j` and `2j + 1` of each 8 bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn octaves_of(rows: [__m512; WAYS]) -> __m512i {
    const ROW: [__mmask64; WAYS] =
        [0x0303_0303_0303_0303, 0x0c0c_0c0c_0c0c_0c0c, 0x3030_3030_3030_3030, 0xc0c0_c0c0_c0c0_c0c0];
    // The exponent fields of the two f32 in 8 bytes begin at bits 23 and 55.
    let fields = _mm512_set1_epi16(55 * 256 + 23);
    let mut exponents = _mm512_multishift_epi64_epi8(fields, _mm512_castps_si512(rows[0]));
    for way in 1..WAYS {
        let bits = _mm512_castps_si512(rows[way]);
        exponents = _mm512_mask_multishift_epi64_epi8(exponents, ROW[way], fields, bits);
    }
    let octaves = _mm512_subs_epu8(exponents, _mm512_set1_epi8(OCTAVE_ORIGIN as i8));
    _mm512_min_epu8(octaves, _mm512_set1_epi8(TOP_OCTAVE.cast_signed()))
}

/// See [`super::sums`].
///
/// # Safety
///
/// The processor has the features, `start + len` is at most the source's length, `len` at most `BLOCK`, and `octaves`,
/// where asked for, has `len` bytes, rounded up to `OCTAVE_GROUP`.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,avx512vpopcntdq")]
pub(super) unsafe fn sums<S: Lanes>(
    source: &S,
    start: usize,
    len: usize,
    asked: Asked<f32>,
    octaves: &mut [u8],
) -> Sums {
    // SAFETY: the caller's promise.
    unsafe {
        match (asked.histogram, asked.bound) {
            (false, None) => sums_as::<S, false, false>(source, start, len, 0, octaves),
            (true, None) => sums_as::<S, true, false>(source, start, len, 0, octaves),
            // As integers, magnitudes are ordered as they are as floats. A bound of zero or less holds for all.
            (false, Some(bound)) => sums_as::<S, false, true>(source, start, len, bound.max(0.0).to_bits(), octaves),
            (true, Some(bound)) => sums_as::<S, true, true>(source, start, len, bound.max(0.0).to_bits(), octaves),
        }
    }
}

/// See [`sums`].
///
/// # Safety
///
/// As for [`sums`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,avx512vpopcntdq")]
unsafe fn sums_as<S: Lanes, const HISTOGRAM: bool, const BOUND: bool>(
    source: &S,
    start: usize,
    len: usize,
    bound: u32,
    octaves: &mut [u8],
) -> Sums {
    let mut state = State::new();
    let bound = _mm512_set1_epi32(bound.cast_signed());
    let chunks = len / CHUNK;
    let mut chunk = 0;
    while chunk < chunks {
        let end = chunks.min(chunk + CHUNKS_PER_FLUSH);
        while chunk < end {
            let at = start + chunk * CHUNK;
            // SAFETY: `at + CHUNK` is at most `start + len`, which the caller vouches for.
            let rows = unsafe {
                [source.full(at), source.full(at + WIDTH), source.full(at + 2 * WIDTH), source.full(at + 3 * WIDTH)]
            };
            for way in 0..WAYS {
                source.prefetch(at + AHEAD + way * WIDTH);
            }
            state.add::<false, BOUND>(rows, [!0; WAYS], bound);
            if HISTOGRAM {
                // SAFETY: the buffer has `len` bytes, rounded up.
                unsafe { _mm512_storeu_si512(octaves.as_mut_ptr().add(chunk * CHUNK).cast(), octaves_of(rows)) };
            }
            chunk += 1;
        }
        state.flush();
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
        state.add::<true, BOUND>(rows, masks, bound);
        if HISTOGRAM {
            // SAFETY: the buffer has `len` bytes, rounded up.
            unsafe { _mm512_storeu_si512(octaves.as_mut_ptr().add(chunks * CHUNK).cast(), octaves_of(rows)) };
        }
        state.flush();
    }
    state.finish(len, padding)
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

/// One-hot byte of the octaves `first..first + 8` above a base, 0 for others.
const fn one_hot(first: usize) -> [u8; 64] {
    let mut table = [0; 64];
    let mut bit = 0;
    while bit < 8 {
        table[first + bit] = 1 << bit;
        bit += 1;
    }
    table
}

/// Octaves counted in one pass over a block.
const WINDOW: usize = 16;
static LOW: [u8; 64] = one_hot(1);
static HIGH: [u8; 64] = one_hot(9);

/// See [`super::add_octaves`]. Passes over the block in cache, sixteen octaves each from the top down, until every element
/// was counted or only octave 0 is left.
///
/// # Safety
///
/// The processor has the features, and `octaves` has `len` bytes, rounded up to `OCTAVE_GROUP`.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vbmi,avx512bitalg,gfni")]
pub(super) unsafe fn add_octaves(octaves: &mut [u8], len: usize, top: usize, counted: usize, bins: &mut Bins) {
    let rows = pad_to_four(octaves, len);
    let mut missing = counted as u64;
    let mut top = top.min(usize::from(TOP_OCTAVE));
    while top > 0 && missing > 0 {
        let base = top.saturating_sub(WINDOW);
        // Octaves above `top` were counted by the pass before; they reach into the window only in the last pass.
        let wanted = (1_u32 << (top - base)) - 1;
        let (low, high) = window(octaves, rows, base);
        let low = _mm512_maskz_mov_epi64(wanted as u8, low);
        let high = _mm512_maskz_mov_epi64((wanted >> 8) as u8, high);
        // SAFETY: `base` is at most 46, so that bins up to `base + 17` exist.
        unsafe {
            let at = bins.as_mut_ptr().add(base + 2);
            _mm512_storeu_si512(at.cast(), _mm512_add_epi64(_mm512_loadu_si512(at.cast()), low));
            let at = at.add(8);
            _mm512_storeu_si512(at.cast(), _mm512_add_epi64(_mm512_loadu_si512(at.cast()), high));
        }
        missing -= _mm512_reduce_add_epi64(_mm512_add_epi64(low, high)) as u64;
        top = base;
    }
}

/// Zeroes the octaves beyond the block's last register up to a multiple of four, and returns the number of registers.
#[inline]
#[target_feature(enable = "avx512f")]
fn pad_to_four(octaves: &mut [u8], len: usize) -> usize {
    let (used, rows) = (len.div_ceil(64), len.next_multiple_of(OCTAVE_GROUP) / 64);
    for row in used..rows {
        octaves[row * 64..][..64].fill(0);
    }
    rows
}

/// Counts the octaves `base + 1 ..= base + 16` of `rows` registers, a multiple of four.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512bitalg,gfni")]
fn window(octaves: &[u8], rows: usize, base: usize) -> (__m512i, __m512i) {
    let (mut low, mut high) = (Counter::new(), Counter::new());
    let base = _mm512_set1_epi8(base as i8);
    let mut row = 0;
    while row + 16 <= rows {
        let (low_0, high_0) = four_rows(octaves, row, base, &mut low, &mut high);
        let (low_1, high_1) = four_rows(octaves, row + 4, base, &mut low, &mut high);
        let (low_2, high_2) = four_rows(octaves, row + 8, base, &mut low, &mut high);
        let (low_3, high_3) = four_rows(octaves, row + 12, base, &mut low, &mut high);
        low.carry_four([low_0, low_1, low_2, low_3]);
        high.carry_four([high_0, high_1, high_2, high_3]);
        row += 16;
    }
    while row < rows {
        let (low_carry, high_carry) = four_rows(octaves, row, base, &mut low, &mut high);
        low.carry_one(low_carry);
        high.carry_one(high_carry);
        row += 4;
    }
    (low.counts(), high.counts())
}

/// Adds four registers of octaves to both counters and returns their carries.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn four_rows(octaves: &[u8], row: usize, base: __m512i, low: &mut Counter, high: &mut Counter) -> (__m512i, __m512i) {
    debug_assert!((row + 4) * 64 <= octaves.len());
    // SAFETY: the tables have 64 bytes.
    let (low_table, high_table) =
        unsafe { (_mm512_loadu_si512(LOW.as_ptr().cast()), _mm512_loadu_si512(HIGH.as_ptr().cast())) };
    let (mut low_bits, mut high_bits) = ([low_table; 4], [high_table; 4]);
    for way in 0..4 {
        // SAFETY: the callers keep `row + 4` within the registers of the buffer.
        let octave = unsafe { _mm512_loadu_si512(octaves.as_ptr().add((row + way) * 64).cast()) };
        let above = _mm512_subs_epu8(octave, base);
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
pub(super) fn sums_f64(block: &[f64], asked: Asked<f64>, octaves: &mut [u8]) -> Sums {
    double::sums(block, asked, octaves)
}
