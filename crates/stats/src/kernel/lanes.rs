//! Partial results side by side in plain Rust, which compilers turn into vectors.
#![allow(clippy::inline_always, reason = "the x86 levels compile these loops again with their own instructions")]
use super::Sums;

/// Folds a block whose length is a multiple of `L` into `L` results: lane `i` holds that of elements `i`, `i + L`, ...
///
/// One quantity at a time: compilers keep the lanes of one in registers, but not those of several.
#[inline(always)]
fn fold<F: Copy, const L: usize>(rows: &[[F; L]], start: F, step: impl Fn(F, F) -> F) -> [F; L] {
    let mut lanes = [start; L];
    for row in rows {
        for (lane, x) in lanes.iter_mut().zip(row) {
            *lane = step(*lane, *x);
        }
    }
    lanes
}

/// Brings the lanes together, half onto half. `L` is a power of two.
#[inline(always)]
fn join<F: Copy, const L: usize>(mut lanes: [F; L], step: impl Fn(F, F) -> F) -> F {
    let mut width = L / 2;
    while width > 0 {
        let (low, high) = lanes.split_at_mut(width);
        for (low, high) in low.iter_mut().zip(high) {
            *low = step(*low, *high);
        }
        width /= 2;
    }
    lanes[0]
}

/// Writes the sums for one float type. Counts are floats, too: a lane sees far fewer elements than the type can count, and
/// vectors of one element type are what compilers recognize.
macro_rules! add_rows {
    ($add_rows:ident, $Float:ty) => {
        /// Adds rows, which are in cache, to the sums.
        #[inline(always)]
        pub(super) fn $add_rows<const L: usize>(rows: &[[$Float; L]], bound: Option<$Float>, total: &mut Sums) {
            if rows.is_empty() {
                return;
            }
            let add = |one: $Float, other: $Float| one + other;
            let min = |one: $Float, other: $Float| if other < one { other } else { one };
            let max = |one: $Float, other: $Float| if other > one { other } else { one };
            let count = |counts: [$Float; L]| join(counts, add) as u64;
            total.sum += f64::from(join(fold(rows, 0.0, add), add));
            total.l1 += f64::from(join(fold(rows, 0.0, |sum, x| sum + x.abs()), add));
            total.squares += f64::from(join(fold(rows, 0.0, |sum, x| sum + x * x), add));
            total.min = total.min.min(f64::from(join(fold(rows, <$Float>::INFINITY, min), min)));
            total.max = total.max.max(f64::from(join(fold(rows, <$Float>::NEG_INFINITY, max), max)));
            total.zeros += count(fold(rows, 0.0, |count, x| count + if x == 0.0 { 1.0 } else { 0.0 }));
            total.negatives += count(fold(rows, 0.0, |count, x| count + if x < 0.0 { 1.0 } else { 0.0 }));
            if let Some(bound) = bound {
                total.saturated += count(fold(rows, 0.0, |count, x| count + if x.abs() >= bound { 1.0 } else { 0.0 }));
            }
        }
    };
}

add_rows!(add_f32, f32);
add_rows!(add_f64, f64);
