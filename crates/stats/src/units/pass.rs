//! The one pass over the elements: what is kept of each unit to tell dead, constant, equal and non-finite ones.
//!
//! Plain code, in loops over lanes that compilers turn into vectors; [`Level::run`] compiles it for each instruction set.
#![allow(clippy::inline_always, reason = "the levels compile these loops again with their own instructions")]
use super::Shape;
use crate::level::{Level, Plain};

/// Units, or elements of one unit, side by side: a register of AVX-512 of f32.
const LANES: usize = 16;

/// Rows that are added together, so that what is kept of a unit is loaded and stored once for all of them.
const ROWS: usize = 8;

/// Elements of a unit that lie together and have keys from a table; the next ones have the same keys, and another factor.
const SEGMENT: usize = 1024;

/// The keys of the elements of a segment.
static KEYS: [u64; SEGMENT] = {
    let mut keys = [0; SEGMENT];
    let mut at = 0;
    while at < SEGMENT {
        keys[at] = key_of(at);
        at += 1;
    }
    keys
};

/// The key of a position. Odd in both halves, and far apart for neighbours (Knuth's multiplier for 64 bits).
#[inline(always)]
const fn key_of(position: usize) -> u64 {
    let mixed = (position as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)) | 0x1_0000_0001
}

/// The bits of an element, -0 made 0, as an unsigned integer.
pub(super) trait Bits: Copy + Default + Ord + 'static {
    const INFINITY: Self;

    /// Without the sign.
    fn magnitude(self) -> Self;
    fn or(self, other: Self) -> Self;
    fn xor(self, other: Self) -> Self;
    /// The product with a key; whatever of it is lost, the comparison of elements makes good.
    fn times(self, key: u64) -> u64;
}

/// An element type that a pass is made over; the narrower ones are converted to f32.
pub(super) trait Float: Copy + Default + 'static {
    type Bits: Bits;

    /// -0 + 0 is 0; every other value keeps its bits.
    fn bits(self) -> Self::Bits;
}

impl Bits for u32 {
    const INFINITY: Self = f32::INFINITY.to_bits();

    #[inline(always)]
    fn magnitude(self) -> Self {
        self & (Self::MAX >> 1)
    }
    #[inline(always)]
    fn or(self, other: Self) -> Self {
        self | other
    }
    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        self ^ other
    }
    #[inline(always)]
    fn times(self, key: u64) -> u64 {
        // 32 by 32 bits, for which there is a vector instruction.
        u64::from(self).wrapping_mul(key & 0xffff_ffff)
    }
}

impl Bits for u64 {
    const INFINITY: Self = f64::INFINITY.to_bits();

    #[inline(always)]
    fn magnitude(self) -> Self {
        self & (Self::MAX >> 1)
    }
    #[inline(always)]
    fn or(self, other: Self) -> Self {
        self | other
    }
    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        self ^ other
    }
    #[inline(always)]
    fn times(self, key: u64) -> u64 {
        let product = self.wrapping_mul(key | 1);
        product ^ (product >> 32)
    }
}

impl Float for f32 {
    type Bits = u32;

    #[inline(always)]
    fn bits(self) -> u32 {
        (self + 0.0).to_bits()
    }
}

impl Float for f64 {
    type Bits = u64;

    #[inline(always)]
    fn bits(self) -> u64 {
        (self + 0.0).to_bits()
    }
}

/// What is kept of the units; one vector per quantity, so that units side by side become vector code.
#[derive(Debug)]
pub(super) struct States<F: Float> {
    /// The first element.
    first: Vec<F::Bits>,
    /// The bits in which any element differs from the first.
    differs: Vec<F::Bits>,
    /// The largest magnitude.
    largest: Vec<F::Bits>,
    /// The same for equal units.
    hash: Vec<u64>,
}

impl<F: Float> Default for States<F> {
    fn default() -> Self {
        Self { first: Vec::new(), differs: Vec::new(), largest: Vec::new(), hash: Vec::new() }
    }
}

impl<F: Float> States<F> {
    pub(super) fn reset(&mut self, units: usize) {
        for column in [&mut self.first, &mut self.differs, &mut self.largest] {
            column.clear();
            column.resize(units, F::Bits::default());
        }
        self.hash.clear();
        self.hash.resize(units, 0);
    }

    pub(super) fn is_finite(&self, unit: usize) -> bool {
        self.largest[unit] < F::Bits::INFINITY
    }

    pub(super) fn is_dead(&self, unit: usize) -> bool {
        self.largest[unit] == F::Bits::default()
    }

    pub(super) fn is_constant(&self, unit: usize) -> bool {
        self.is_finite(unit) && self.differs[unit] == F::Bits::default()
    }

    pub(super) fn hashes(&self) -> &[u64] {
        &self.hash
    }

    /// Adds `R` whole rows, or with `R` of 1 a part of one: in each, one element of each unit from `unit` on.
    #[inline(always)]
    fn add_rows<const R: usize>(&mut self, rows: &[F], unit: usize, example: usize) {
        let width = rows.len() / R;
        let rows: [&[F]; R] = std::array::from_fn(|row| &rows[row * width..][..width]);
        let keys: [u64; R] = std::array::from_fn(|row| key_of(example + row));
        let units = unit..unit + width;
        let (first, differs) = (&mut self.first[units.clone()], &mut self.differs[units.clone()]);
        let (largest, hash) = (&mut self.largest[units.clone()], &mut self.hash[units]);
        if example == 0 {
            for (first, x) in first.iter_mut().zip(rows[0]) {
                *first = x.bits();
            }
        }
        let blocks = width / LANES;
        let columns = rows.map(|row| &row.as_chunks::<LANES>().0[..blocks]);
        let (firsts, _) = first.as_chunks::<LANES>();
        let (differing, differs) = differs.as_chunks_mut::<LANES>();
        let (largests, largest) = largest.as_chunks_mut::<LANES>();
        let (hashes, hash) = hash.as_chunks_mut::<LANES>();
        for block in 0..blocks {
            let first = &firsts[block];
            let (mut differs, mut largest, mut hash) = (differing[block], largests[block], hashes[block]);
            // Two loops: in one, 128-bit registers would not hold what is kept.
            for column in &columns {
                let column = &column[block];
                for lane in 0..LANES {
                    let x = column[lane].bits();
                    differs[lane] = differs[lane].or(x.xor(first[lane]));
                    largest[lane] = largest[lane].max(x.magnitude());
                }
            }
            for (column, key) in columns.iter().zip(keys) {
                let column = &column[block];
                for lane in 0..LANES {
                    hash[lane] = hash[lane].wrapping_add(column[lane].bits().times(key));
                }
            }
            (differing[block], largests[block], hashes[block]) = (differs, largest, hash);
        }
        for lane in 0..width % LANES {
            let at = blocks * LANES + lane;
            for (row, key) in rows.iter().zip(keys) {
                let x = row[at].bits();
                differs[lane] = differs[lane].or(x.xor(first[at]));
                largest[lane] = largest[lane].max(x.magnitude());
                hash[lane] = hash[lane].wrapping_add(x.times(key));
            }
        }
    }

    /// Adds elements of one unit that lie within a segment, from place `at` of it on.
    #[inline(always)]
    fn add_run(&mut self, run: &[F], unit: usize, segment: usize, at: usize) {
        if segment == 0
            && at == 0
            && let Some(x) = run.first()
        {
            self.first[unit] = x.bits();
        }
        let first = self.first[unit];
        let (mut differs, mut largest, mut hash) =
            ([F::Bits::default(); LANES], [F::Bits::default(); LANES], [0; LANES]);
        let keys = &KEYS[at..][..run.len()];
        let ((blocks, rest), (key_blocks, rest_keys)) = (run.as_chunks::<LANES>(), keys.as_chunks::<LANES>());
        for (block, keys) in blocks.iter().zip(key_blocks) {
            for lane in 0..LANES {
                let x = block[lane].bits();
                differs[lane] = differs[lane].or(x.xor(first));
                largest[lane] = largest[lane].max(x.magnitude());
                hash[lane] = x.times(keys[lane]).wrapping_add(hash[lane]);
            }
        }
        let (mut all_differs, mut all_largest, mut all_hash) = (self.differs[unit], self.largest[unit], 0_u64);
        for (x, key) in rest.iter().zip(rest_keys) {
            let x = x.bits();
            all_differs = all_differs.or(x.xor(first));
            all_largest = all_largest.max(x.magnitude());
            all_hash = all_hash.wrapping_add(x.times(*key));
        }
        if !blocks.is_empty() {
            for lane in 0..LANES {
                all_differs = all_differs.or(differs[lane]);
                all_largest = all_largest.max(largest[lane]);
                all_hash = all_hash.wrapping_add(hash[lane]);
            }
        }
        (self.differs[unit], self.largest[unit]) = (all_differs, all_largest);
        self.hash[unit] = self.hash[unit].wrapping_add(all_hash.wrapping_mul(key_of(segment)));
    }
}

/// A position in the logical order.
pub(super) struct Walk {
    level: Level,
    shape: Shape,
    next: usize,
}

impl Walk {
    pub(super) fn new(level: Level, shape: Shape) -> Self {
        Self { level, shape, next: 0 }
    }

    /// Adds the next elements to the units they belong to.
    pub(super) fn add<F: Float>(&mut self, states: &mut States<F>, elements: &[F]) {
        self.level.run(Add { walk: self, states, elements });
    }
}

struct Add<'a, F: Float> {
    walk: &'a mut Walk,
    states: &'a mut States<F>,
    elements: &'a [F],
}

impl<F: Float> Plain for Add<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { walk, states, elements: mut rest } = self;
        let Shape { units, inner, .. } = walk.shape;
        let segments = inner.div_ceil(SEGMENT);
        while !rest.is_empty() {
            let (run, column) = (walk.next / inner, walk.next % inner);
            let (example, unit) = (run / units, run % units);
            let len = if inner > 1 {
                let at = column % SEGMENT;
                let len = (inner - column).min(SEGMENT - at).min(rest.len());
                states.add_run(&rest[..len], unit, example * segments + column / SEGMENT, at);
                len
            } else if unit == 0 && rest.len() / ROWS >= units {
                states.add_rows::<ROWS>(&rest[..ROWS * units], 0, example);
                ROWS * units
            } else {
                let len = (units - unit).min(rest.len());
                states.add_rows::<1>(&rest[..len], unit, example);
                len
            };
            rest = &rest[len..];
            walk.next += len;
        }
    }
}
