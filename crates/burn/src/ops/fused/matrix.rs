//! The product of two matrices, on slices.
//!
//! The right matrix is copied into panels of 64 columns that are read from front to back. For four rows of the left one at a
//! time a block of the result is summed up in registers, as in the GEMM of Goto and van de Geijn (2008).
#![allow(clippy::inline_always, reason = "inlined into code for the instructions that this machine has")]

use pulp::{Arch, Simd, WithSimd, bytemuck};
use rayon::prelude::*;

/// Columns of a panel.
pub(super) const WIDTH: usize = 64;

/// Rows of the left matrix that are worked on together.
const HEIGHT: usize = 4;

/// Terms that are summed before they are added to the result: a panel of them stays in the second-level cache, and a sum of few
/// terms is more accurate.
const DEPTH: usize = 512;

/// Rows that are filled together where a matrix is turned.
const TURNED: usize = 16;

/// Multiplications below which a product is not split between threads.
const SMALLEST_PART: usize = 1 << 21;

/// A matrix in memory.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    values: &'a [f32],
    /// From one row to the next.
    row: usize,
    /// From one column to the next.
    column: usize,
}

impl<'a> View<'a> {
    /// Rows whose elements lie one after the other, `stride` from row to row.
    pub(super) fn rows(values: &'a [f32], stride: usize) -> Self {
        Self { values, row: stride, column: 1 }
    }

    /// Columns whose elements lie one after the other, `stride` from column to column: the transpose of [`View::rows`].
    pub(super) fn columns(values: &'a [f32], stride: usize) -> Self {
        Self { values, row: 1, column: stride }
    }

    /// The matrix from this element on.
    fn from(self, row: usize, column: usize) -> Self {
        Self { values: self.values.get(row * self.row + column * self.column..).unwrap_or_default(), ..self }
    }
}

/// What happens to what is in the place of a result.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It is overwritten.
    Empty,
    /// The product is added to it.
    Sum,
}

/// A right matrix, ready for products.
pub(super) struct Panels {
    rows: Vec<[f32; WIDTH]>,
    depth: usize,
    columns: usize,
}

impl Panels {
    /// Copies a matrix of `depth` rows.
    pub(super) fn new(matrix: View<'_>, depth: usize, columns: usize) -> Self {
        let mut panels = Self { rows: Vec::new(), depth, columns };
        panels.fill(matrix, depth);
        panels
    }

    /// A matrix of no size.
    pub(super) fn empty() -> Self {
        Self { rows: Vec::new(), depth: 0, columns: 0 }
    }

    /// Makes it one panel of `depth` rows and `columns`, and gives its rows to be filled; what lies behind the columns stays.
    pub(super) fn rows(&mut self, depth: usize, columns: usize) -> &mut [[f32; WIDTH]] {
        (self.depth, self.columns) = (depth, columns.min(WIDTH));
        self.rows.resize(depth, [0.0; WIDTH]);
        &mut self.rows
    }

    /// Takes another matrix in.
    fn fill(&mut self, matrix: View<'_>, depth: usize) {
        self.depth = depth;
        self.rows.resize(self.columns.div_ceil(WIDTH) * depth, [0.0; WIDTH]);
        for (number, panel) in self.rows.chunks_exact_mut(depth.max(1)).enumerate() {
            let first = number * WIDTH;
            let width = WIDTH.min(self.columns - first);
            copy_panel(matrix.from(0, first), width, panel);
        }
    }
}

fn copy_panel(matrix: View<'_>, width: usize, panel: &mut [[f32; WIDTH]]) {
    if matrix.column == 1 {
        for (number, row) in panel.iter_mut().enumerate() {
            row[..width].copy_from_slice(&matrix.values[number * matrix.row..][..width]);
        }
        return;
    }
    // A few rows at a time, which stay in the cache until all of their columns are there.
    for (number, rows) in panel.chunks_mut(TURNED).enumerate() {
        for column in 0..width {
            let values = &matrix.values[column * matrix.column + number * TURNED * matrix.row..];
            for (row, value) in rows.iter_mut().zip(values.iter().step_by(matrix.row)) {
                row[column] = *value;
            }
        }
    }
}

/// `result = left * right` or `result += left * right`, for `height` rows of `left`; rows of the result are `stride` apart.
pub(super) fn multiply_panels(
    left: View<'_>,
    height: usize,
    right: &Panels,
    (result, stride): (&mut [f32], usize),
    place: Place,
) {
    if right.depth == 0 {
        return;
    }
    Arch::new().dispatch(Product { left, height, right, result, stride, place });
}

/// `result = left * right` or `result += left * right`, for `left` `[height, depth]` and `right` `[depth, width]`; `result` is
/// `[height, width]` without gaps.
pub(super) fn multiply(
    left: View<'_>,
    right: View<'_>,
    [height, depth, width]: [usize; 3],
    result: &mut [f32],
    place: Place,
) {
    if height == 0 || width == 0 {
        return;
    }
    if depth == 0 && place == Place::Empty {
        result.fill(0.0);
    }
    let threads = (height * depth * width / SMALLEST_PART).clamp(1, rayon::current_num_threads());
    let part = height.div_ceil(threads).next_multiple_of(HEIGHT);
    let mut panels = Panels { rows: Vec::new(), depth: 0, columns: width };
    for first in (0..depth).step_by(DEPTH) {
        panels.fill(right.from(first, 0), DEPTH.min(depth - first));
        let place = if first == 0 { place } else { Place::Sum };
        let work = |(number, result): (usize, &mut [f32])| {
            let left = left.from(number * part, first);
            multiply_panels(left, result.len() / width, &panels, (result, width), place);
        };
        if threads == 1 {
            work((0, result));
        } else {
            result.par_chunks_mut(part * width).enumerate().for_each(work);
        }
    }
}

struct Product<'a> {
    left: View<'a>,
    height: usize,
    right: &'a Panels,
    result: &'a mut [f32],
    stride: usize,
    place: Place,
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // As many vectors side by side as registers allow, with four rows of them.
        match S::F32_LANES {
            16 => self.run::<S, 4, 4>(simd),
            8 => self.run::<S, 8, 2>(simd),
            4 => self.run::<S, 16, 4>(simd),
            _ => self.run::<S, WIDTH, 4>(simd),
        }
    }
}

impl Product<'_> {
    /// For panels of `V` vectors, `N` of which are worked on together.
    #[inline(always)]
    fn run<S: Simd, const V: usize, const N: usize>(self, simd: S) {
        let Self { left, height, right, result, stride, place } = self;
        let depth = right.depth;
        // Where columns lie in order, rows are brought together first.
        let gathered = if left.column == 1 { Vec::new() } else { gather(left, height, depth) };
        for (number, panel) in right.rows.chunks_exact(depth).enumerate() {
            let first = number * WIDTH;
            let width = WIDTH.min(right.columns - first);
            let panel = bytemuck::cast_slice::<[f32; WIDTH], S::f32s>(panel).as_chunks::<V>().0;
            for row in (0..height).step_by(HEIGHT) {
                let result = &mut result[row * stride + first..];
                let mut block = Block { panel, result, stride, width, place };
                if left.column != 1 {
                    let values = gathered[row * depth..][..HEIGHT * depth].as_chunks::<HEIGHT>().0;
                    block.columns::<S, N>(simd, values, HEIGHT.min(height - row));
                    continue;
                }
                match height - row {
                    1 => block.rows::<S, N, 1>(simd, left.from(row, 0)),
                    2 => block.rows::<S, N, 2>(simd, left.from(row, 0)),
                    3 => block.rows::<S, N, 3>(simd, left.from(row, 0)),
                    _ => block.rows::<S, N, HEIGHT>(simd, left.from(row, 0)),
                }
            }
        }
    }
}

/// The elements of four rows side by side, for one column after the other.
fn gather(matrix: View<'_>, height: usize, depth: usize) -> Vec<f32> {
    let mut values = vec![0.0; height.next_multiple_of(HEIGHT) * depth];
    for (number, block) in values.chunks_exact_mut(HEIGHT * depth).enumerate() {
        let first = number * HEIGHT;
        let count = HEIGHT.min(height - first);
        for (column, rows) in block.as_chunks_mut::<HEIGHT>().0.iter_mut().enumerate() {
            let from = &matrix.values[column * matrix.column + first * matrix.row..];
            if count == HEIGHT && matrix.row == 1 {
                rows.copy_from_slice(&from[..HEIGHT]);
            } else {
                rows.iter_mut().zip(from.iter().step_by(matrix.row)).take(count).for_each(|(row, value)| *row = *value);
            }
        }
    }
    values
}

/// A few rows of the result, as wide as a panel.
struct Block<'a, F, const V: usize> {
    panel: &'a [[F; V]],
    result: &'a mut [f32],
    stride: usize,
    width: usize,
    place: Place,
}

impl<F: bytemuck::Pod, const V: usize> Block<'_, F, V> {
    /// The product with `M` rows of the left matrix.
    #[inline(always)]
    fn rows<S: Simd<f32s = F>, const N: usize, const M: usize>(&mut self, simd: S, left: View<'_>) {
        let depth = self.panel.len();
        let rows: [&[f32]; M] = std::array::from_fn(|row| &left.values[row * left.row..][..depth]);
        self.run::<S, N, M>(simd, M, |number| rows.map(|row| row[number]));
    }

    /// The product with `count` rows of the left matrix that were gathered.
    #[inline(always)]
    fn columns<S: Simd<f32s = F>, const N: usize>(&mut self, simd: S, left: &[[f32; HEIGHT]], count: usize) {
        let left = &left[..self.panel.len()];
        self.run::<S, N, HEIGHT>(simd, count, |number| left[number]);
    }

    #[inline(always)]
    fn run<S: Simd<f32s = F>, const N: usize, const M: usize>(
        &mut self,
        simd: S,
        count: usize,
        left: impl Fn(usize) -> [f32; M],
    ) {
        let vectors = self.width.div_ceil(S::F32_LANES);
        for first in (0..V).step_by(N) {
            match vectors.saturating_sub(first) {
                0 => return,
                1 => self.tile::<S, 1, M>(simd, first, count, &left),
                2 => self.tile::<S, 2, M>(simd, first, count, &left),
                _ => self.tile::<S, N, M>(simd, first, count, &left),
            }
        }
    }

    /// The product of `M` rows and `N` vectors of columns.
    #[inline(always)]
    fn tile<S: Simd<f32s = F>, const N: usize, const M: usize>(
        &mut self,
        simd: S,
        first: usize,
        count: usize,
        left: impl Fn(usize) -> [f32; M],
    ) {
        let mut sums = [[simd.splat_f32s(0.0); N]; M];
        for (number, right) in self.panel.iter().enumerate() {
            let left = left(number);
            for row in 0..M {
                let factor = simd.splat_f32s(left[row]);
                for vector in 0..N {
                    let term = right[first + vector];
                    sums[row][vector] = if S::IS_SCALAR {
                        // Without an instruction for both at once, that would be a call.
                        simd.add_f32s(simd.mul_f32s(factor, term), sums[row][vector])
                    } else {
                        simd.mul_add_f32s(factor, term, sums[row][vector])
                    };
                }
            }
        }
        let column = first * S::F32_LANES;
        for (row, sums) in sums.iter().enumerate().take(count) {
            self.store(simd, row * self.stride + column, self.width - column, sums);
        }
    }

    #[inline(always)]
    fn store<S: Simd<f32s = F>, const N: usize>(&mut self, simd: S, start: usize, left: usize, sums: &[F; N]) {
        let width = (N * S::F32_LANES).min(left);
        let place = &mut self.result[start..][..width];
        if width == N * S::F32_LANES {
            for (place, sum) in bytemuck::cast_slice_mut::<f32, F>(place).iter_mut().zip(sums) {
                *place = if self.place == Place::Sum { simd.add_f32s(*place, *sum) } else { *sum };
            }
        } else {
            for (place, sum) in place.iter_mut().zip(bytemuck::cast_slice::<F, f32>(sums)) {
                *place = if self.place == Place::Sum { *place + sum } else { *sum };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|place| ((place * 7919 + seed * 104_729) % 2003) as f32 / 1001.5 - 1.0).collect()
    }

    fn plain(left: View<'_>, right: View<'_>, [height, depth, width]: [usize; 3]) -> Vec<f64> {
        let at = |matrix: View<'_>, i: usize, j: usize| f64::from(matrix.values[i * matrix.row + j * matrix.column]);
        let sum = |i, j| (0..depth).map(|k| at(left, i, k) * at(right, k, j)).sum();
        (0..height * width).map(|place| sum(place / width, place % width)).collect()
    }

    #[test]
    fn products_are_those_of_the_definition() {
        for shape @ [height, depth, width] in
            [[1, 1, 1], [4, 3, 64], [5, 7, 65], [9, 513, 10], [131, 70, 129], [3, 1100, 40], [6, 2, 81], [7, 0, 3]]
        {
            let (left, right) = (numbers(height * depth, 1), numbers(depth * width, 2));
            let lefts = [View::rows(&left, depth), View::columns(&left, height)];
            let rights = [View::rows(&right, width), View::columns(&right, depth)];
            for (left, right) in lefts.into_iter().flat_map(|left| rights.map(|right| (left, right))) {
                let exact = plain(left, right, shape);
                for (place, before) in [(Place::Empty, 0.0), (Place::Sum, 0.5)] {
                    let mut result = vec![0.5; height * width];
                    multiply(left, right, shape, &mut result, place);
                    for (ours, exact) in result.iter().zip(&exact) {
                        let far = (f64::from(*ours) - before - exact).abs();
                        assert!(far < 1e-6 * (100 + depth) as f64, "{shape:?}: {ours} and {exact}");
                    }
                }
            }
        }
    }

    #[test]
    fn vectors_of_any_width_give_the_product() {
        let shape @ [height, depth, width] = [7, 9, 150];
        let (left, right) = (numbers(height * depth, 1), numbers(depth * width, 2));
        let exact = plain(View::rows(&left, depth), View::rows(&right, width), shape);
        let panels = Panels::new(View::rows(&right, width), depth, width);
        let check = |product: &dyn Fn(Product<'_>)| {
            let mut result = vec![0.0; height * width];
            let (left, place) = (View::rows(&left, depth), Place::Empty);
            product(Product { left, height, right: &panels, result: &mut result, stride: width, place });
            assert!(result.iter().zip(&exact).all(|(ours, exact)| (f64::from(*ours) - exact).abs() < 1e-5));
        };
        check(&|product| product.with_simd(pulp::Scalar));
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = pulp::x86::V3::try_new() {
            check(&|product| Simd::vectorize(simd, product));
        }
    }

    #[test]
    fn threads_change_no_bit() {
        let shape @ [height, depth, width] = [301, 200, 130];
        let (left, right) = (numbers(height * depth, 1), numbers(depth * width, 2));
        let product = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            let mut result = vec![0.0; height * width];
            let (left, right) = (View::rows(&left, depth), View::rows(&right, width));
            pool.install(|| multiply(left, right, shape, &mut result, Place::Empty));
            result
        };
        assert!(product(1) == product(2) && product(1) == product(5));
    }
}
