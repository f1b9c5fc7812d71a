//! Sums and means.
use super::unary;
use burn::prelude::*;
use std::panic::Location;

/// Up to here burn sums on one thread; above, its order depends on the number of threads (burn-flex 0.22.1 goes parallel
/// at 4 Mi elements), so ours takes over.
const MAX_DIRECT_SUM: usize = 1 << 20;

/// Width of the rows that a larger tensor is summed in: each by one thread, and few enough to sum their sums directly.
const ROW: usize = 1 << 12;

/// The sum of all elements, in an order that does not depend on the number of threads. Shape `[1]`.
#[must_use]
#[track_caller]
pub fn sum<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    unary("sum", Location::caller(), x, fixed_order_sum)
}

/// The mean of all elements, in an order that does not depend on the number of threads. Shape `[1]`.
#[must_use]
#[track_caller]
pub fn mean<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    let count = x.dims().iter().product::<usize>();
    unary("mean", Location::caller(), x, |x| fixed_order_sum(x).div_scalar(count as f64))
}

/// The sum along `axis`, which stays with length 1.
#[must_use]
#[track_caller]
pub fn sum_dim<const D: usize>(x: Tensor<D>, axis: usize) -> Tensor<D> {
    unary("sum_dim", Location::caller(), x, |x| x.sum_dim(axis))
}

/// The mean along `axis`, which stays with length 1.
#[must_use]
#[track_caller]
pub fn mean_dim<const D: usize>(x: Tensor<D>, axis: usize) -> Tensor<D> {
    unary("mean_dim", Location::caller(), x, |x| x.mean_dim(axis))
}

/// The largest element along `axis`, which stays with length 1.
#[must_use]
#[track_caller]
pub fn max_dim<const D: usize>(x: Tensor<D>, axis: usize) -> Tensor<D> {
    unary("max_dim", Location::caller(), x, |x| x.max_dim(axis))
}

fn fixed_order_sum<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    let count = x.dims().iter().product::<usize>();
    if count <= MAX_DIRECT_SUM {
        return x.sum();
    }
    // Rows of a fixed width are summed one by one; what does not fill a row is summed apart.
    let rows = count / ROW;
    let flat = x.reshape([count]);
    let (whole, rest) = (rows * ROW, count % ROW);
    let rows_sum = flat.clone().narrow(0, 0, whole).reshape([rows, ROW]).sum_dim(1);
    let rows_sum = fixed_order_sum(rows_sum);
    if rest == 0 { rows_sum } else { rows_sum + flat.narrow(0, whole, rest).sum() }
}
