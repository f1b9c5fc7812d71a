//! The kernel for AVX2: the plain code compiled for it.
use super::{Asked, Bins, Moments, Sums, double, portable};

/// See [`super::sums`].
#[target_feature(enable = "avx2,fma,popcnt")]
pub(super) fn sums(block: &[f32], asked: Asked<f32>, octaves: &mut [u8]) -> Sums {
    portable::sums::<16>(block, asked, octaves)
}

/// See [`super::Wide::moments`].
#[target_feature(enable = "avx2,fma,popcnt")]
pub(super) fn moments(block: &[f32]) -> Moments {
    portable::moments(block)
}

/// See [`super::sums_f64`].
#[target_feature(enable = "avx2,fma,popcnt")]
pub(super) fn sums_f64(block: &[f64], asked: Asked<f64>, octaves: &mut [u8]) -> Sums {
    double::sums(block, asked, octaves)
}

/// See [`super::add_octaves`].
#[target_feature(enable = "avx2,fma,popcnt")]
pub(super) fn add_octaves(octaves: &[u8], len: usize, bins: &mut Bins) {
    portable::add_octaves(octaves, len, bins);
}
