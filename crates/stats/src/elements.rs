//! A borrowed view of a tensor's elements: a slice, a shape and strides, of no framework.
use half::{bf16, f16};

use crate::layout::{Cursor, Strided};

/// Dimensions that a view can have after dimensions of size 1 are dropped and adjacent ones are merged.
pub const MAX_RANK: usize = 8;

/// The element type of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64.
    F64,
    /// IEEE 754 binary16.
    F16,
    /// The upper half of a binary32.
    Bf16,
}

/// Why a view cannot be made, or two views do not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ElementsError {
    /// The shape and the strides have different lengths.
    #[error("a view of {shape} dimensions has {strides} strides; give one stride, in elements, per dimension")]
    RankMismatch {
        /// Dimensions of the shape.
        shape: usize,
        /// Strides given.
        strides: usize,
    },
    /// The view has more dimensions than can be walked without allocating.
    #[error(
        "the view has {rank} dimensions that cannot be merged, more than {MAX_RANK}; make the tensor contiguous first"
    )]
    TooManyDimensions {
        /// Dimensions left after merging.
        rank: usize,
    },
    /// An element of the view lies outside the buffer.
    #[error("the view reaches elements {first}..={last} of a buffer of {len}; check shape, strides and offset")]
    OutOfBounds {
        /// Lowest element index that the view reaches.
        first: i128,
        /// Highest element index that the view reaches.
        last: i128,
        /// Elements of the buffer.
        len: usize,
    },
    /// The number of elements does not fit the dimensions named by the caller.
    #[error("the view has {elements} elements, but {expected} were expected from the dimensions given")]
    WrongLength {
        /// Elements of the view.
        elements: usize,
        /// Product of the dimensions.
        expected: usize,
    },
    /// Two views that must hold the same kind of element do not.
    #[error("the views hold {new:?} and {old:?}; read both from the same tensor, or convert one")]
    DtypeMismatch {
        /// Element type of the new values.
        new: Dtype,
        /// Element type of the old values.
        old: Dtype,
    },
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
    impl Sealed for half::f16 {}
    impl Sealed for half::bf16 {}
}

/// An element type that a view can hold. Implemented for `f32`, `f64`, `half::f16` and `half::bf16`, and for nothing else.
pub trait Element: sealed::Sealed + Copy + 'static {
    #[doc(hidden)]
    fn data(slice: &[Self]) -> Data<'_>;
}

/// The slice behind a view, by element type.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum Data<'a> {
    F32(&'a [f32]),
    F64(&'a [f64]),
    F16(&'a [f16]),
    Bf16(&'a [bf16]),
}

/// Runs one expression for the slice of whichever element type.
macro_rules! for_each_dtype {
    ($data:expr, $slice:ident => $body:expr) => {
        match $data {
            $crate::elements::Data::F32($slice) => $body,
            $crate::elements::Data::F64($slice) => $body,
            $crate::elements::Data::F16($slice) => $body,
            $crate::elements::Data::Bf16($slice) => $body,
        }
    };
}
pub(crate) use for_each_dtype;

impl Element for f32 {
    fn data(slice: &[Self]) -> Data<'_> {
        Data::F32(slice)
    }
}
impl Element for f64 {
    fn data(slice: &[Self]) -> Data<'_> {
        Data::F64(slice)
    }
}
impl Element for f16 {
    fn data(slice: &[Self]) -> Data<'_> {
        Data::F16(slice)
    }
}
impl Element for bf16 {
    fn data(slice: &[Self]) -> Data<'_> {
        Data::Bf16(slice)
    }
}

impl Data<'_> {
    pub(crate) fn len(&self) -> usize {
        for_each_dtype!(self, slice => slice.len())
    }

    pub(crate) fn dtype(&self) -> Dtype {
        match self {
            Self::F32(_) => Dtype::F32,
            Self::F64(_) => Dtype::F64,
            Self::F16(_) => Dtype::F16,
            Self::Bf16(_) => Dtype::Bf16,
        }
    }

    /// The elements from `start` on, `len` of them.
    pub(crate) fn part(self, start: usize, len: usize) -> Self {
        match self {
            Self::F32(slice) => Self::F32(&slice[start..start + len]),
            Self::F64(slice) => Self::F64(&slice[start..start + len]),
            Self::F16(slice) => Self::F16(&slice[start..start + len]),
            Self::Bf16(slice) => Self::Bf16(&slice[start..start + len]),
        }
    }
}

/// A borrowed view of floating-point elements, contiguous or strided.
///
/// The logical order of the elements is row-major over the shape, whatever the strides. Making a view allocates nothing
/// and checks once that every element lies in the buffer.
///
/// ```
/// use barograph_stats::{Elements, Options, read};
///
/// let weights = [1.0_f32, -2.0, 3.0, 0.0, 5.0, -6.0];
/// // The second and third column of a 2 x 3 matrix.
/// let view = Elements::strided(&weights, &[2, 2], &[3, 1], 1)?;
/// let reading = read(view, Options::default());
/// assert_eq!((reading.count, reading.min, reading.max), (4, -6.0, 5.0));
/// # Ok::<(), barograph_stats::ElementsError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Elements<'a> {
    pub(crate) data: Data<'a>,
    /// `None`: the elements of `data` one after the other. Boxed nowhere: it is a fixed-size array.
    pub(crate) strided: Option<Strided>,
}

impl<'a> Elements<'a> {
    /// All elements of a slice, in its order.
    #[must_use]
    pub fn contiguous<T: Element>(slice: &'a [T]) -> Self {
        Self { data: T::data(slice), strided: None }
    }

    /// A view with one stride per dimension, counted in elements. Strides may be negative or zero (a broadcast);
    /// `offset` is the index in `buffer` of the element at the origin of the view.
    ///
    /// # Errors
    ///
    /// When an element lies outside `buffer`, when shape and strides differ in length, or when more than [`MAX_RANK`]
    /// dimensions are left after merging.
    pub fn strided<T: Element>(
        buffer: &'a [T],
        shape: &[usize],
        strides: &[isize],
        offset: usize,
    ) -> Result<Self, ElementsError> {
        let layout = Strided::new(shape, strides, offset, buffer.len())?;
        let data = T::data(buffer);
        Ok(match layout.as_range() {
            Some(range) => Self { data: data.part(range.start, range.len()), strided: None },
            None => Self { data, strided: Some(layout) },
        })
    }

    /// Number of elements of the view.
    #[must_use]
    pub fn len(&self) -> usize {
        self.strided.as_ref().map_or_else(|| self.data.len(), Strided::len)
    }

    /// Whether the view has no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element type.
    #[must_use]
    pub fn dtype(&self) -> Dtype {
        self.data.dtype()
    }

    /// The same elements in whichever order is cheapest to walk.
    pub(crate) fn unordered(self) -> Self {
        let Some(layout) = self.strided else { return self };
        let layout = layout.in_memory_order();
        match layout.as_range() {
            Some(range) => Self { data: self.data.part(range.start, range.len()), strided: None },
            None => Self { data: self.data, strided: Some(layout) },
        }
    }

    /// The view with `len` checked against the product of the caller's dimensions.
    pub(crate) fn expect_len(&self, dimensions: &[usize]) -> Result<(), ElementsError> {
        let expected = dimensions.iter().fold(1_usize, |product, size| product.saturating_mul(*size));
        let elements = self.len();
        if elements == expected { Ok(()) } else { Err(ElementsError::WrongLength { elements, expected }) }
    }

    /// Walks the elements in logical order.
    pub(crate) fn cursor(&self) -> Cursor {
        Cursor::new(self.strided.unwrap_or_else(|| Strided::dense(self.data.len())))
    }

    /// The element with this number in logical order, as f64.
    ///
    /// # Panics
    ///
    /// When `index` is not below [`Elements::len`].
    #[must_use]
    pub fn get(&self, index: usize) -> f64 {
        let at = self.strided.as_ref().map_or(index, |layout| layout.index_of(index));
        match self.data {
            Data::F32(slice) => f64::from(slice[at]),
            Data::F64(slice) => slice[at],
            Data::F16(slice) => f64::from(slice[at]),
            Data::Bf16(slice) => f64::from(slice[at]),
        }
    }
}
