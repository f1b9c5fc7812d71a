//! What only a view per unit shows: dead, constant and duplicate units.
//!
//! One pass in memory order keeps per unit an OR of differences from its first value, the largest magnitude and a sum of
//! products (a multilinear hash). Only units of one hash are compared element by element.
mod pass;

use crate::elements::{Data, Elements, ElementsError};
use crate::kernel::BLOCK;
use crate::level::Level;
use crate::source::Narrow;
use pass::{Float, States, Walk};

/// Units named in [`UnitCounts::worst`].
const WORST: usize = 4;

/// Stands in [`UnitCounts::worst`] where there is no unit.
pub const NO_UNIT: u32 = u32::MAX;

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
    narrow: States<f32>,
    wide: States<f64>,
    /// A hash table of units that differ, by number.
    slots: Vec<u32>,
    /// What is wrong with each unit, worst highest.
    verdicts: Vec<Verdict>,
    copy_narrow: Vec<f32>,
    copy_wide: Vec<f64>,
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
    read_units_at(Level::best(), view, batch, units, inner, scratch)
}

/// [`read_units`] with the kernels of a level, for tests and benchmarks. A level that the processor lacks is lowered.
///
/// # Errors
///
/// As for [`read_units`].
pub fn read_units_at(
    level: Level,
    view: Elements<'_>,
    batch: usize,
    units: usize,
    inner: usize,
    scratch: &mut UnitScratch,
) -> Result<UnitCounts, ElementsError> {
    view.expect_len(&[batch, units, inner])?;
    Ok(read_shape(level, view, Shape { outer: batch, units, inner }, batch >= 2, scratch))
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
    read_weight_units_at(Level::best(), view, rows, columns, transposed, scratch)
}

/// [`read_weight_units`] with the kernels of a level, for tests and benchmarks. A level that the processor lacks is lowered.
///
/// # Errors
///
/// As for [`read_weight_units`].
pub fn read_weight_units_at(
    level: Level,
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
    Ok(read_shape(level, view, shape, weights >= 2, scratch))
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

fn read_shape(
    level: Level,
    view: Elements<'_>,
    shape: Shape,
    may_be_constant: bool,
    scratch: &mut UnitScratch,
) -> UnitCounts {
    let UnitScratch { narrow, wide, slots, verdicts, copy_narrow, copy_wide } = scratch;
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
    let mut judge = Judge { level, view, shape, may_be_constant, slots, verdicts };
    match view.data {
        Data::F32(slice) => judge.read_narrow(slice, narrow, copy_narrow),
        Data::F16(slice) => judge.read_narrow(slice, narrow, copy_narrow),
        Data::Bf16(slice) => judge.read_narrow(slice, narrow, copy_narrow),
        Data::F64(slice) => match view.strided {
            Some(_) => judge.gathered(slice, wide, copy_wide, |x| x),
            None => judge.pass(wide, |walk, states| walk.add(states, slice)),
        },
    }
}

/// One call.
struct Judge<'a> {
    level: Level,
    view: Elements<'a>,
    shape: Shape,
    may_be_constant: bool,
    slots: &'a mut Vec<u32>,
    verdicts: &'a mut Vec<Verdict>,
}

impl Judge<'_> {
    fn read_narrow<T: Narrow>(&mut self, slice: &[T], states: &mut States<f32>, copy: &mut Vec<f32>) -> UnitCounts {
        if self.view.strided.is_some() {
            return self.gathered(slice, states, copy, T::to_f32);
        }
        self.pass(states, |walk, states| {
            if let Some(slice) = T::as_f32(slice) {
                return walk.add(states, slice);
            }
            copy.resize(BLOCK, 0.0);
            for block in slice.chunks(BLOCK) {
                let copy = &mut copy[..block.len()];
                T::convert(block, copy);
                walk.add(states, copy);
            }
        })
    }

    /// Reads a strided view, block by block.
    fn gathered<T: Copy, F: Float>(
        &mut self,
        slice: &[T],
        states: &mut States<F>,
        copy: &mut Vec<F>,
        convert: impl Fn(T) -> F + Copy,
    ) -> UnitCounts {
        copy.resize(BLOCK, F::default());
        let mut cursor = self.view.cursor();
        self.pass(states, |walk, states| {
            loop {
                let len = cursor.fill(slice, copy, convert);
                if len == 0 {
                    return;
                }
                walk.add(states, &copy[..len]);
            }
        })
    }

    /// Walks over the elements, and counts.
    fn pass<F: Float>(&mut self, states: &mut States<F>, walk: impl FnOnce(&mut Walk, &mut States<F>)) -> UnitCounts {
        states.reset(self.shape.units);
        walk(&mut Walk::new(self.level, self.shape), states);
        self.judge(states)
    }

    /// Counts, once every element was seen.
    fn judge<F: Float>(&mut self, states: &States<F>) -> UnitCounts {
        let units = self.shape.units;
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
            self.verdicts.push(match (finite, dead, constant) {
                (false, ..) => Verdict::NonFinite,
                (_, true, _) => Verdict::Dead,
                (.., true) => Verdict::Constant,
                _ => Verdict::Fine,
            });
        }
        counts.duplicates = self.find_duplicates(states.hashes());
        counts.worst = self.worst();
        counts
    }

    /// Marks each unit that equals an earlier one, and counts them. Dead and non-finite units are passed over.
    fn find_duplicates(&mut self, hashes: &[u64]) -> u32 {
        // Half of the slots stay empty, so that a search is short.
        let slots = (2 * hashes.len()).next_power_of_two();
        self.slots.clear();
        self.slots.resize(slots, NO_UNIT);
        let mut duplicates = 0;
        for (unit, &hash) in hashes.iter().enumerate() {
            if self.verdicts[unit] < Verdict::Dead && self.is_duplicate(unit, hash, hashes) {
                duplicates += 1;
                self.verdicts[unit] = Verdict::Duplicate;
            }
        }
        duplicates
    }

    /// Looks a unit up, and enters it where no earlier one equals it.
    fn is_duplicate(&mut self, unit: usize, hash: u64, hashes: &[u64]) -> bool {
        let mask = self.slots.len() - 1;
        // The upper half of a product depends on all bits of the hash.
        let mut slot = (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & mask;
        loop {
            let other = self.slots[slot];
            if other == NO_UNIT {
                self.slots[slot] = unit as u32;
                return false;
            }
            // Equal hashes of unequal units are so rare that the first comparison nearly always decides.
            if hashes[other as usize] == hash && self.are_equal(other as usize, unit) {
                return true;
            }
            slot = (slot + 1) & mask;
        }
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
