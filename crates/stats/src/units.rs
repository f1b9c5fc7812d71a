//! What only a view per unit shows: dead, constant and duplicate units.
//!
//! One pass in memory order keeps per unit an OR of magnitudes, an OR of differences from its first value, the largest
//! magnitude and a sum of products (a multilinear hash). Only units of one hash are compared element by element.
use half::{bf16, f16};

use crate::elements::{Data, Elements, ElementsError};
use crate::layout::Cursor;

/// Units named in [`UnitCounts::worst`].
const WORST: usize = 4;

/// Stands in [`UnitCounts::worst`] where there is no unit.
pub const NO_UNIT: u32 = u32::MAX;

/// Elements copied at a time where a view cannot be read in place.
const COPIED: usize = 512;

/// Counts over the units of one tensor: [`barograph_vocab::UnitReading`] without its site and role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitCounts {
    /// Units looked at.
    pub units: u32,
    /// Units that are zero throughout.
    pub dead: u32,
    /// Units with one and the same value throughout, dead ones included.
    pub constant: u32,
    /// Units beyond the first of each group of exactly equal ones; dead units and those with a non-finite value left out.
    pub duplicates: u32,
    /// Units with a non-finite value.
    pub non_finite: u32,
    /// Up to four of the units concerned: non-finite ones first, then dead, duplicate and constant ones, each by number;
    /// [`NO_UNIT`] where there is none.
    pub worst: [u32; WORST],
}

/// Memory for unit readings. Keep one per thread: once it has seen the largest tensor, nothing is allocated.
#[derive(Debug, Default)]
pub struct UnitScratch {
    narrow: States<u32>,
    wide: States<u64>,
    /// Hash and number of the units that may be duplicates, sorted.
    candidates: Vec<(u64, u32)>,
    /// What is wrong with each unit, worst highest.
    verdicts: Vec<Verdict>,
    copy_narrow: Vec<u32>,
    copy_wide: Vec<u64>,
}

impl UnitScratch {
    /// Empty; it grows as it is used.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

/// What a unit is reported as, in rising order of how bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Fine,
    Constant,
    Duplicate,
    Dead,
    NonFinite,
}

/// Reads the units of an activation laid out `[batch, units, inner]`, `inner` being the positions of a channel (1 for a
/// dense layer). The view's own shape does not matter, only its logical order.
///
/// A unit is constant only if there are two examples or more; of a single example, no more than dead units count.
///
/// # Errors
///
/// When the view does not have `batch * units * inner` elements.
///
/// ```
/// use barograph_stats::{Elements, UnitScratch, read_units};
///
/// // Three examples of four units: unit 0 is dead, unit 1 constant, unit 3 equals unit 2.
/// let activation = [0.0_f32, 5.0, 1.0, 1.0, 0.0, 5.0, 2.0, 2.0, -0.0, 5.0, 3.0, 3.0];
/// let counts = read_units(Elements::contiguous(&activation), 3, 4, 1, &mut UnitScratch::new())?;
/// assert_eq!((counts.dead, counts.constant, counts.duplicates), (1, 2, 1));
/// assert_eq!(counts.worst, [0, 3, 1, u32::MAX]);
/// # Ok::<(), barograph_stats::ElementsError>(())
/// ```
pub fn read_units(
    view: Elements<'_>,
    batch: usize,
    units: usize,
    inner: usize,
    scratch: &mut UnitScratch,
) -> Result<UnitCounts, ElementsError> {
    view.expect_len(&[batch, units, inner])?;
    Ok(read_shape(view, Shape { outer: batch, units, inner }, batch >= 2, scratch))
}

/// Reads the units of a weight laid out `[rows, columns]`. A unit is a row, the incoming weights of one output; with
/// `transposed`, for weights stored `[inputs, outputs]`, it is a column.
///
/// A unit is constant only if it has two weights or more.
///
/// # Errors
///
/// When the view does not have `rows * columns` elements.
pub fn read_weight_units(
    view: Elements<'_>,
    rows: usize,
    columns: usize,
    transposed: bool,
    scratch: &mut UnitScratch,
) -> Result<UnitCounts, ElementsError> {
    view.expect_len(&[rows, columns])?;
    let (shape, weights) = if transposed {
        (Shape { outer: rows, units: columns, inner: 1 }, rows)
    } else {
        (Shape { outer: 1, units: rows, inner: columns }, columns)
    };
    Ok(read_shape(view, shape, weights >= 2, scratch))
}

/// How the elements of a view fall to units, outermost first.
#[derive(Clone, Copy)]
struct Shape {
    outer: usize,
    units: usize,
    inner: usize,
}

impl Shape {
    /// Elements of one unit.
    fn per_unit(&self) -> usize {
        self.outer * self.inner
    }

    /// Logical number of element `at` of a unit.
    fn index(&self, unit: usize, at: usize) -> usize {
        ((at / self.inner) * self.units + unit) * self.inner + at % self.inner
    }
}

/// The bits of an element, -0 made 0, as an unsigned integer: f32 and narrower types in 32 bits, f64 in 64.
trait Bits: Copy + Default + Ord + 'static {
    const INFINITY: Self;

    /// Without the sign.
    fn magnitude(self) -> Self;
    fn or(self, other: Self) -> Self;
    fn xor(self, other: Self) -> Self;
    /// The product with a key; whatever of it is lost, the comparison of elements makes good.
    fn times(self, key: u64) -> u64;
}

impl Bits for u32 {
    const INFINITY: Self = f32::INFINITY.to_bits();

    #[inline]
    fn magnitude(self) -> Self {
        self & (Self::MAX >> 1)
    }
    #[inline]
    fn or(self, other: Self) -> Self {
        self | other
    }
    #[inline]
    fn xor(self, other: Self) -> Self {
        self ^ other
    }
    #[inline]
    fn times(self, key: u64) -> u64 {
        // 32 by 32 bits, for which there is a vector instruction.
        u64::from(self) * (key & 0xffff_ffff)
    }
}

impl Bits for u64 {
    const INFINITY: Self = f64::INFINITY.to_bits();

    #[inline]
    fn magnitude(self) -> Self {
        self & (Self::MAX >> 1)
    }
    #[inline]
    fn or(self, other: Self) -> Self {
        self | other
    }
    #[inline]
    fn xor(self, other: Self) -> Self {
        self ^ other
    }
    #[inline]
    fn times(self, key: u64) -> u64 {
        let product = self.wrapping_mul(key | 1);
        product ^ (product >> 32)
    }
}

#[inline]
fn bits_of_f32(x: f32) -> u32 {
    // -0 + 0 is 0; every other value keeps its bits.
    (x + 0.0).to_bits()
}

#[inline]
fn bits_of_f64(x: f64) -> u64 {
    (x + 0.0).to_bits()
}

/// Per unit, what the pass keeps; one vector per quantity, so that units side by side become vector code.
#[derive(Debug, Default)]
struct States<B> {
    first: Vec<B>,
    differs: Vec<B>,
    largest: Vec<B>,
    hash: Vec<u64>,
}

impl<B: Bits> States<B> {
    fn reset(&mut self, units: usize) {
        for column in [&mut self.first, &mut self.differs, &mut self.largest] {
            column.clear();
            column.resize(units, B::default());
        }
        self.hash.clear();
        self.hash.resize(units, 0);
    }

    /// Adds one element of each unit from `unit` on.
    #[inline]
    fn add_row<T: Copy>(&mut self, row: &[T], unit: usize, is_first: bool, key: u64, bits: impl Fn(T) -> B + Copy) {
        let units = unit..unit + row.len();
        let first = &mut self.first[units.clone()];
        if is_first {
            for (first, x) in first.iter_mut().zip(row) {
                *first = bits(*x);
            }
        }
        let (differs, largest) = (&mut self.differs[units.clone()], &mut self.largest[units.clone()]);
        for (((first, differs), largest), x) in first.iter().zip(differs).zip(largest).zip(row) {
            let x = bits(*x);
            *differs = differs.or(x.xor(*first));
            *largest = (*largest).max(x.magnitude());
        }
        for (hash, x) in self.hash[units].iter_mut().zip(row) {
            *hash = hash.wrapping_add(bits(*x).times(key));
        }
    }

    /// Adds a run of elements of one unit; the run's first has number `position` within the unit.
    #[inline]
    fn add_run<T: Copy>(&mut self, run: &[T], unit: usize, position: usize, bits: impl Fn(T) -> B + Copy) {
        if position == 0
            && let Some(x) = run.first()
        {
            self.first[unit] = bits(*x);
        }
        let (first, mut differs, mut largest, mut hash) = (self.first[unit], B::default(), B::default(), 0_u64);
        for (at, x) in run.iter().enumerate() {
            let x = bits(*x);
            differs = differs.or(x.xor(first));
            largest = largest.max(x.magnitude());
            hash = hash.wrapping_add(x.times(key_of(position.wrapping_add(at))));
        }
        self.differs[unit] = self.differs[unit].or(differs);
        self.largest[unit] = self.largest[unit].max(largest);
        self.hash[unit] = self.hash[unit].wrapping_add(hash);
    }

    fn is_finite(&self, unit: usize) -> bool {
        self.largest[unit] < B::INFINITY
    }

    fn is_dead(&self, unit: usize) -> bool {
        self.largest[unit] == B::default()
    }

    fn is_constant(&self, unit: usize) -> bool {
        self.is_finite(unit) && self.differs[unit] == B::default()
    }
}

/// The key of an element's position in its unit. Odd in both halves, and far apart for neighbours (Knuth's multiplier for
/// 64 bits).
#[inline]
fn key_of(position: usize) -> u64 {
    let mixed = (position as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)) | 0x1_0000_0001
}

fn read_shape(view: Elements<'_>, shape: Shape, may_be_constant: bool, scratch: &mut UnitScratch) -> UnitCounts {
    let UnitScratch { narrow, wide, candidates, verdicts, copy_narrow, copy_wide } = scratch;
    if shape.per_unit() == 0 || shape.units == 0 {
        return UnitCounts {
            units: shape.units as u32,
            dead: 0,
            constant: 0,
            duplicates: 0,
            non_finite: 0,
            worst: [NO_UNIT; WORST],
        };
    }
    let mut judge = Judge { view, shape, may_be_constant, candidates, verdicts };
    match view.data {
        Data::F32(slice) => judge.read(slice, narrow, copy_narrow, bits_of_f32),
        Data::F16(slice) => judge.read(slice, narrow, copy_narrow, |x: f16| bits_of_f32(x.to_f32())),
        Data::Bf16(slice) => judge.read(slice, narrow, copy_narrow, |x: bf16| bits_of_f32(x.to_f32())),
        Data::F64(slice) => judge.read(slice, wide, copy_wide, bits_of_f64),
    }
}

/// One call.
struct Judge<'a> {
    view: Elements<'a>,
    shape: Shape,
    may_be_constant: bool,
    candidates: &'a mut Vec<(u64, u32)>,
    verdicts: &'a mut Vec<Verdict>,
}

impl Judge<'_> {
    fn read<T: Copy, B: Bits>(
        &mut self,
        slice: &[T],
        states: &mut States<B>,
        copy: &mut Vec<B>,
        bits: impl Fn(T) -> B + Copy,
    ) -> UnitCounts {
        states.reset(self.shape.units);
        let mut walk = Walk { shape: self.shape, next: 0 };
        if let Some(layout) = self.view.strided {
            copy.resize(COPIED, B::default());
            let mut cursor = Cursor::new(layout);
            loop {
                let len = cursor.fill(slice, copy, bits);
                if len == 0 {
                    break;
                }
                walk.add(states, &copy[..len], |x| x);
            }
        } else {
            walk.add(states, slice, bits);
        }
        self.judge(states)
    }

    /// Counts, once every element was seen.
    fn judge<B: Bits>(&mut self, states: &States<B>) -> UnitCounts {
        let units = self.shape.units;
        self.candidates.clear();
        self.verdicts.clear();
        let mut counts = UnitCounts {
            units: units as u32,
            dead: 0,
            constant: 0,
            duplicates: 0,
            non_finite: 0,
            worst: [NO_UNIT; WORST],
        };
        for unit in 0..units {
            let (dead, finite) = (states.is_dead(unit), states.is_finite(unit));
            let constant = dead || (self.may_be_constant && states.is_constant(unit));
            counts.dead += u32::from(dead);
            counts.non_finite += u32::from(!finite);
            counts.constant += u32::from(constant);
            if finite && !dead {
                self.candidates.push((states.hash[unit], unit as u32));
            }
            self.verdicts.push(match (finite, dead, constant) {
                (false, ..) => Verdict::NonFinite,
                (_, true, _) => Verdict::Dead,
                (.., true) => Verdict::Constant,
                _ => Verdict::Fine,
            });
        }
        counts.duplicates = self.find_duplicates();
        counts.worst = self.worst();
        counts
    }

    /// Marks each unit that equals an earlier one, and counts them.
    fn find_duplicates(&mut self) -> u32 {
        self.candidates.sort_unstable();
        let mut duplicates = 0;
        for group in self.candidates.chunk_by(|one, other| one.0 == other.0) {
            for (at, &(_, unit)) in group.iter().enumerate().skip(1) {
                // Equal hashes of unequal units are so rare that the first comparison nearly always decides.
                if group[..at].iter().any(|&(_, earlier)| self.are_equal(earlier as usize, unit as usize)) {
                    duplicates += 1;
                    let verdict = &mut self.verdicts[unit as usize];
                    *verdict = (*verdict).max(Verdict::Duplicate);
                }
            }
        }
        duplicates
    }

    fn are_equal(&self, one: usize, other: usize) -> bool {
        let element = |unit, at| self.view.get(self.shape.index(unit, at));
        (0..self.shape.per_unit()).all(|at| element(one, at) == element(other, at))
    }

    fn worst(&self) -> [u32; WORST] {
        let mut worst = [NO_UNIT; WORST];
        let mut places = worst.iter_mut();
        for wanted in [Verdict::NonFinite, Verdict::Dead, Verdict::Duplicate, Verdict::Constant] {
            for (unit, verdict) in self.verdicts.iter().enumerate() {
                if *verdict == wanted {
                    let Some(place) = places.next() else { return worst };
                    *place = unit as u32;
                }
            }
        }
        worst
    }
}

/// A position in the logical order.
struct Walk {
    shape: Shape,
    next: usize,
}

impl Walk {
    /// Adds the next elements to the units they belong to.
    fn add<T: Copy, B: Bits>(&mut self, states: &mut States<B>, mut rest: &[T], bits: impl Fn(T) -> B + Copy) {
        let Shape { units, inner, .. } = self.shape;
        while !rest.is_empty() {
            let (run, column) = (self.next / inner, self.next % inner);
            let (example, unit) = (run / units, run % units);
            let len = if inner == 1 { units - unit } else { inner - column }.min(rest.len());
            let (head, tail) = rest.split_at(len);
            if inner == 1 {
                states.add_row(head, unit, example == 0, key_of(example), bits);
            } else {
                states.add_run(head, unit, example * inner + column, bits);
            }
            rest = tail;
            self.next += len;
        }
    }
}
