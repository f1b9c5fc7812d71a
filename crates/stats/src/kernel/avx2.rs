//! The kernel for AVX2: the plain code compiled for it.
use super::{Asked, Bins, Moments, Sums, double, portable};

/// See [`super::sums`].
#[target_feature(enable = "avx2,fma,popcnt")]
pub(super) fn sums(block: &[f32], asked: Asked<f32>, exponents: &mut [u8]) -> Sums {
    portable::sums::<64>(block, asked, exponents)
}

/// See [`super::Wide::moments`].
#[target_feature(enable = "avx2,fma,popcnt")]
pub(super) fn moments(block: &[f32]) -> Moments {
    portable::moments(block)
}

/// See [`super::sums_f64`].
#[target_feature(enable = "avx2,fma,popcnt")]
pub(super) fn sums_f64(block: &[f64], asked: Asked<f64>, exponents: &mut [u8]) -> Sums {
    double::sums(block, asked, exponents)
}

/// See [`super::add_exponents`].
#[target_feature(enable = "avx2,fma,popcnt")]
pub(super) fn add_exponents(exponents: &[u8], len: usize, bins: &mut Bins) {
    portable::add_exponents(exponents, len, bins);
}
