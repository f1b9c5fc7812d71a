//! The reading of a tensor, and of the difference of two.
use std::ops::Sub;

use barograph_vocab::Reading;

use crate::elements::{Data, Elements, ElementsError};
use crate::fold::Fold;
use crate::kernel::{BLOCK, EXPONENT_GROUP, Wide, exponents_needed};
use crate::layout::Cursor;
use crate::level::Level;
use crate::source::{Difference, Slice, Source};

/// What a reading holds besides the sums.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Options {
    /// Finite elements with `|x| >= bound` are counted as saturated. A bound of NaN counts none.
    pub bound: Option<f64>,
    /// Whether the histogram of log2 magnitudes is wanted.
    pub histogram: bool,
}

/// Reads a tensor in one pass over its memory.
///
/// Elements of 32 bits or fewer are summed in f32 over at most 64 terms, then in f64; f64 elements in f64 throughout.
/// A block of 4096 elements with a non-finite one, with squares that f32 cannot hold, or with a mean that drowns its
/// spread is read again with care. The same elements give the same bits on the same machine. Nothing is allocated.
///
/// `m2` and `l1` are infinite where the sum itself is beyond f64, which takes f64 elements above 1e150.
///
/// ```
/// use barograph_stats::{Elements, Options, read};
///
/// let reading = read(Elements::contiguous(&[1e20_f32; 4]), Options::default());
/// assert!((reading.l2 - 2e20).abs() < 1e14);
///
/// let options = Options { bound: Some(4.0), histogram: true };
/// let reading = read(Elements::contiguous(&[0.5_f32, -4.0, f32::NAN, 0.0]), options);
/// assert_eq!((reading.nan, reading.saturated, reading.zeros), (1, 1, 1));
/// assert_eq!(reading.histogram.iter().sum::<u32>(), 3);
/// ```
#[must_use]
pub fn read(view: Elements<'_>, options: Options) -> Reading {
    read_at(Level::best(), view, options)
}

/// [`read`] with the kernels of a level, for tests and benchmarks. A level that the processor lacks is lowered.
#[must_use]
pub fn read_at(level: Level, view: Elements<'_>, options: Options) -> Reading {
    let reader = Reader { level: level.supported(), options };
    let view = if view.strided.is_some() { view.unordered() } else { view };
    match (view.strided, view.data) {
        (None, Data::F32(slice)) => reader.contiguous(&Slice(slice)),
        (None, Data::F64(slice)) => reader.contiguous(&Slice(slice)),
        (None, Data::F16(slice)) => reader.contiguous(&Slice(slice)),
        (None, Data::Bf16(slice)) => reader.contiguous(&Slice(slice)),
        (Some(layout), data) => {
            let mut cursor = Cursor::new(layout);
            match data {
                Data::F32(slice) => reader.gathered(|out: &mut [f32]| cursor.fill(slice, out, |x| x)),
                Data::F64(slice) => reader.gathered(|out: &mut [f64]| cursor.fill(slice, out, |x| x)),
                Data::F16(slice) => reader.gathered(|out: &mut [f32]| cursor.fill(slice, out, f32::from)),
                Data::Bf16(slice) => reader.gathered(|out: &mut [f32]| cursor.fill(slice, out, f32::from)),
            }
        }
    }
}

/// Reads `new - old`, element by element in logical order, in one pass over both and without a buffer of their size.
///
/// The difference is taken in the arithmetic that [`read`] sums in: in f32 for elements of 32 bits or fewer, in f64 for
/// f64. It can be infinite where both operands are finite, and is NaN where both are the same infinity.
///
/// # Errors
///
/// When the views differ in element type or in length.
///
/// ```
/// use barograph_stats::{Elements, Options, read_update};
///
/// let (new, old) = ([1.0_f32, 2.0], [1.5_f32, 2.0]);
/// let update = read_update(Elements::contiguous(&new), Elements::contiguous(&old), Options::default())?;
/// assert_eq!((update.zeros, update.l1, update.min), (1, 0.5, -0.5));
/// # Ok::<(), barograph_stats::ElementsError>(())
/// ```
pub fn read_update(new: Elements<'_>, old: Elements<'_>, options: Options) -> Result<Reading, ElementsError> {
    read_update_at(Level::best(), new, old, options)
}

/// [`read_update`] with the kernels of a level, for tests and benchmarks. A level that the processor lacks is lowered.
///
/// # Errors
///
/// As for [`read_update`].
pub fn read_update_at(
    level: Level,
    new: Elements<'_>,
    old: Elements<'_>,
    options: Options,
) -> Result<Reading, ElementsError> {
    old.expect_len(&[new.len()])?;
    let (new, old) = alike(new, old);
    let reader = Reader { level: level.supported(), options };
    match (new.data, old.data) {
        (Data::F32(a), Data::F32(b)) => Ok(reader.difference(&new, &old, a, b, |x| x)),
        (Data::F64(a), Data::F64(b)) => Ok(reader.difference(&new, &old, a, b, |x| x)),
        (Data::F16(a), Data::F16(b)) => Ok(reader.difference(&new, &old, a, b, f32::from)),
        (Data::Bf16(a), Data::Bf16(b)) => Ok(reader.difference(&new, &old, a, b, f32::from)),
        _ => Err(ElementsError::DtypeMismatch { new: new.dtype(), old: old.dtype() }),
    }
}

/// Both views in memory order, where they walk memory alike.
fn alike<'a>(new: Elements<'a>, old: Elements<'a>) -> (Elements<'a>, Elements<'a>) {
    match (&new.strided, &old.strided) {
        (Some(new_layout), Some(old_layout)) if new_layout.walks_like(old_layout) => (new.unordered(), old.unordered()),
        _ => (new, old),
    }
}

/// One call's settings.
struct Reader {
    level: Level,
    options: Options,
}

impl Reader {
    fn fold<W: Wide>(&self) -> Fold<W> {
        Fold::new(self.level, self.options.bound, self.options.histogram)
    }

    /// Reads a source in place.
    #[inline]
    fn contiguous<S: Source>(&self, source: &S) -> Reading {
        let mut fold = self.fold();
        // A bias of ten elements shall not pay for clearing 4 KB.
        if !self.options.histogram {
            fold.add(source, &mut []);
        } else if exponents_needed(source.len()) <= EXPONENT_GROUP {
            fold.add(source, &mut [0; EXPONENT_GROUP]);
        } else {
            fold.add(source, &mut [0; BLOCK]);
        }
        fold.finish()
    }

    /// Reads what `fill` copies out, block by block.
    fn gathered<W: Wide>(&self, mut fill: impl FnMut(&mut [W]) -> usize) -> Reading
    where
        for<'x> Slice<'x, W>: Source<Wide = W>,
    {
        let mut fold = self.fold();
        let (mut values, mut exponents) = ([W::ZERO; BLOCK], [0; BLOCK]);
        loop {
            let len = fill(&mut values);
            if len == 0 {
                return fold.finish();
            }
            fold.add(&Slice(&values[..len]), &mut exponents);
        }
    }

    /// Reads the difference of two views of one length.
    fn difference<T, W>(
        &self,
        new: &Elements<'_>,
        old: &Elements<'_>,
        new_slice: &[T],
        old_slice: &[T],
        widen: impl Fn(T) -> W + Copy,
    ) -> Reading
    where
        T: Copy,
        W: Wide + Sub<Output = W>,
        for<'x> Slice<'x, W>: Source<Wide = W>,
        for<'x> Difference<'x, T>: Source<Wide = W>,
    {
        if new.strided.is_none() && old.strided.is_none() {
            return self.contiguous(&Difference { new: new_slice, old: old_slice });
        }
        let (mut new, mut old) = (new.cursor(), old.cursor());
        let mut subtrahend = [W::ZERO; BLOCK];
        self.gathered(|out: &mut [W]| {
            let len = new.fill(new_slice, out, widen);
            old.fill(old_slice, &mut subtrahend[..len], widen);
            for (out, old) in out.iter_mut().zip(&subtrahend[..len]) {
                *out = *out - *old;
            }
            len
        })
    }
}
