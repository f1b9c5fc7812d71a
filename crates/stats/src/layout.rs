//! Shapes and strides, merged and walked without allocating.
use std::ops::Range;

use crate::elements::{ElementsError, MAX_RANK};

/// A strided layout whose bounds were checked. Dimensions of size 1 are dropped and adjacent ones merged where possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Strided {
    rank: usize,
    shape: [usize; MAX_RANK],
    strides: [isize; MAX_RANK],
    offset: usize,
    len: usize,
}

impl Strided {
    /// `len` elements one after the other.
    pub(crate) fn dense(len: usize) -> Self {
        let mut layout = Self { rank: 0, shape: [1; MAX_RANK], strides: [1; MAX_RANK], offset: 0, len };
        if len > 1 {
            layout.rank = 1;
            layout.shape[0] = len;
        }
        layout
    }

    /// Checks that every element lies in a buffer of `buffer_len`, then merges dimensions.
    pub(crate) fn new(
        shape: &[usize],
        strides: &[isize],
        offset: usize,
        buffer_len: usize,
    ) -> Result<Self, ElementsError> {
        if shape.len() != strides.len() {
            return Err(ElementsError::RankMismatch { shape: shape.len(), strides: strides.len() });
        }
        if shape.contains(&0) {
            return Ok(Self::dense(0));
        }
        check_bounds(shape, strides, offset, buffer_len)?;
        // A broadcast may name more elements than a usize holds; nobody can read them, so the count saturates.
        let len = shape.iter().fold(1_usize, |product, size| product.saturating_mul(*size));
        let mut layout = Self { offset, len, ..Self::dense(1) };
        for (&size, &stride) in shape.iter().zip(strides) {
            layout.push(size, stride)?;
        }
        Ok(layout)
    }

    /// Adds a dimension inside the ones so far, merging it with the last where the two walk memory as one.
    fn push(&mut self, size: usize, stride: isize) -> Result<(), ElementsError> {
        if size == 1 {
            return Ok(());
        }
        if let Some(last) = self.rank.checked_sub(1)
            && stride.checked_mul(size.cast_signed()) == Some(self.strides[last])
            && let Some(merged) = self.shape[last].checked_mul(size)
        {
            self.shape[last] = merged;
            self.strides[last] = stride;
            return Ok(());
        }
        if self.rank == MAX_RANK {
            return Err(ElementsError::TooManyDimensions { rank: MAX_RANK + 1 });
        }
        self.shape[self.rank] = size;
        self.strides[self.rank] = stride;
        self.rank += 1;
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The elements as a range of the buffer, where they lie in order and without gaps.
    pub(crate) fn as_range(&self) -> Option<Range<usize>> {
        let dense = self.len == 0 || self.rank == 0 || (self.rank == 1 && self.strides[0] == 1);
        dense.then(|| self.offset..self.offset + self.len)
    }

    /// The same elements, in the order in which they lie in memory as far as that is possible. A sum over them is the
    /// same number; a transposed matrix becomes contiguous.
    pub(crate) fn in_memory_order(mut self) -> Self {
        for dimension in 0..self.rank {
            let stride = self.strides[dimension];
            if stride < 0 {
                let steps = (self.shape[dimension] - 1).cast_signed();
                self.offset = self.offset.wrapping_add_signed(stride.wrapping_mul(steps));
                self.strides[dimension] = -stride;
            }
        }
        let mut order: [usize; MAX_RANK] = std::array::from_fn(|dimension| dimension);
        // Insertion sort: stable, of at most eight entries, largest stride outermost. Broadcast dimensions go outermost.
        let key = |dimension: usize| match self.strides[dimension] {
            0 => isize::MAX,
            stride => stride,
        };
        for end in 1..self.rank {
            let mut at = end;
            while at > 0 && key(order[at - 1]) < key(order[at]) {
                order.swap(at - 1, at);
                at -= 1;
            }
        }
        let mut sorted = Self { offset: self.offset, len: self.len, ..Self::dense(1) };
        for &dimension in &order[..self.rank] {
            // It has no more dimensions than before, so that the limit on the rank cannot be passed.
            let _ = sorted.push(self.shape[dimension], self.strides[dimension]);
        }
        sorted
    }

    /// Whether two layouts of possibly different buffers walk memory alike.
    pub(crate) fn walks_like(&self, other: &Self) -> bool {
        let rank = self.rank;
        rank == other.rank && self.shape[..rank] == other.shape[..rank] && self.strides[..rank] == other.strides[..rank]
    }

    /// Index in the buffer of the element with this number in logical order.
    pub(crate) fn index_of(&self, mut number: usize) -> usize {
        assert!(number < self.len, "element {number} of a view of {}", self.len);
        let mut at = self.offset;
        for dimension in (0..self.rank).rev() {
            let size = self.shape[dimension];
            at = at.wrapping_add_signed(self.strides[dimension].wrapping_mul((number % size).cast_signed()));
            number /= size;
        }
        at
    }
}

fn check_bounds(shape: &[usize], strides: &[isize], offset: usize, len: usize) -> Result<(), ElementsError> {
    let (mut first, mut last) = (offset as i128, offset as i128);
    for (&size, &stride) in shape.iter().zip(strides) {
        let reach = ((size - 1) as i128).saturating_mul(stride as i128);
        if reach < 0 {
            first = first.saturating_add(reach);
        } else {
            last = last.saturating_add(reach);
        }
    }
    if first < 0 || last >= len as i128 {
        return Err(ElementsError::OutOfBounds { first, last, len });
    }
    Ok(())
}

/// A position in a layout; it copies elements out block by block, in logical order.
#[derive(Clone, Debug)]
pub(crate) struct Cursor {
    layout: Strided,
    /// Position per dimension, the innermost apart.
    index: [usize; MAX_RANK],
    /// Buffer index of the first element of the current innermost run.
    run: usize,
    /// Position in the innermost run.
    column: usize,
    remaining: usize,
}

impl Cursor {
    pub(crate) fn new(layout: Strided) -> Self {
        Self { run: layout.offset, remaining: layout.len, layout, index: [0; MAX_RANK], column: 0 }
    }

    /// Fills `out` with the next elements, each converted by `convert`, and returns how many there were.
    pub(crate) fn fill<T: Copy, W>(&mut self, buffer: &[T], out: &mut [W], convert: impl Fn(T) -> W + Copy) -> usize {
        let wanted = out.len().min(self.remaining);
        let (size, stride) = match self.layout.rank {
            0 => (1, 1),
            rank => (self.layout.shape[rank - 1], self.layout.strides[rank - 1]),
        };
        let mut done = 0;
        while done < wanted {
            let take = (size - self.column).min(wanted - done);
            let at = self.run.wrapping_add_signed(stride.wrapping_mul(self.column.cast_signed()));
            copy_run(buffer, at, stride, &mut out[done..done + take], convert);
            done += take;
            self.column += take;
            if self.column == size {
                self.column = 0;
                self.next_run();
            }
        }
        self.remaining -= wanted;
        wanted
    }

    /// Moves to the next innermost run, as an odometer does.
    fn next_run(&mut self) {
        for dimension in (0..self.layout.rank.saturating_sub(1)).rev() {
            let stride = self.layout.strides[dimension];
            self.index[dimension] += 1;
            if self.index[dimension] < self.layout.shape[dimension] {
                self.run = self.run.wrapping_add_signed(stride);
                return;
            }
            let back = stride.wrapping_mul((self.layout.shape[dimension] - 1).cast_signed());
            self.run = self.run.wrapping_add_signed(back.wrapping_neg());
            self.index[dimension] = 0;
        }
    }
}

/// Copies `out.len()` elements that lie `stride` apart.
fn copy_run<T: Copy, W>(buffer: &[T], at: usize, stride: isize, out: &mut [W], convert: impl Fn(T) -> W + Copy) {
    if stride == 1 {
        let run = &buffer[at..at + out.len()];
        for (out, value) in out.iter_mut().zip(run) {
            *out = convert(*value);
        }
        return;
    }
    let mut at = at;
    for out in out {
        *out = convert(buffer[at]);
        at = at.wrapping_add_signed(stride);
    }
}
