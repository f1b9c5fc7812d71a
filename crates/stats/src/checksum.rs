//! A checksum of the bits of tensors, for telling whether two processes hold the same weights.
use half::{bf16, f16};

use crate::elements::{Data, Elements};
use crate::layout::Cursor;

/// Words that are hashed side by side, so that a multiplication need not wait for the one before.
pub(crate) const LANES: usize = 8;

/// Bytes of a word in each lane.
const BLOCK_BYTES: usize = LANES * size_of::<u64>();

/// Bytes that a strided view is copied out in.
const BUFFER_BYTES: usize = 16 * BLOCK_BYTES;

/// Where each lane begins: the fractional parts of the square roots of the first primes, as in SHA-512.
pub(crate) const BEGIN: [u64; LANES] = [
    0x6a09_e667_f3bc_c908,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
    0x1f83_d9ab_fb41_bd6b,
    0x5be0_cd19_137e_2179,
];

/// An odd number without pattern: the fractional part of the golden ratio.
pub(crate) const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// Bits that do not fit the 53 of an f64.
pub(crate) const SPARE_BITS: u32 = 11;

/// A checksum over tensors in a certain order.
///
/// It takes in the bits of the elements in logical order, whatever their strides: another bit, another order, another shape of
/// the list give another checksum, but for one case in about 2^53. It is no defence against someone who looks for such a case.
///
/// ```
/// use barograph_stats::{Checksum, Elements};
///
/// let of = |weights: &[f32]| {
///     let mut checksum = Checksum::default();
///     checksum.push(Elements::contiguous(weights));
///     checksum.finish()
/// };
/// assert_eq!(of(&[1.0, 2.0]), of(&[1.0, 2.0]));
/// assert_ne!(of(&[1.0, 2.0]), of(&[2.0, 1.0]));
/// assert_ne!(of(&[0.0]), of(&[-0.0]));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checksum {
    state: u64,
}

impl Checksum {
    /// Takes in a tensor, in one pass over its memory.
    pub fn push(&mut self, view: Elements<'_>) {
        let mut lanes = BEGIN;
        let bytes = match (view.data, view.strided) {
            (Data::F32(slice), None) => contiguous(slice, &mut lanes),
            (Data::F64(slice), None) => contiguous(slice, &mut lanes),
            (Data::F16(slice), None) => contiguous(slice, &mut lanes),
            (Data::Bf16(slice), None) => contiguous(slice, &mut lanes),
            (Data::F32(slice), Some(_)) => strided(slice, view.cursor(), &mut lanes),
            (Data::F64(slice), Some(_)) => strided(slice, view.cursor(), &mut lanes),
            (Data::F16(slice), Some(_)) => strided(slice, view.cursor(), &mut lanes),
            (Data::Bf16(slice), Some(_)) => strided(slice, view.cursor(), &mut lanes),
        };
        for word in lanes.into_iter().chain([bytes as u64]) {
            self.state = fold(self.state ^ word);
        }
    }

    /// The checksum: below 2^53, so that an f64 holds it exactly.
    #[must_use]
    pub const fn finish(self) -> u64 {
        self.state >> SPARE_BITS
    }
}

/// Both halves of a product of 128 bits, one on the other.
#[inline]
const fn fold(word: u64) -> u64 {
    let product = (word as u128).wrapping_mul(MULTIPLIER as u128);
    (product as u64) ^ (product >> 64) as u64
}

/// An element as its bits.
trait Bits: Copy {
    const ZERO: Self;

    /// Elements in a block.
    const PER_BLOCK: usize = BLOCK_BYTES / size_of::<Self>();

    /// The block that begins with these elements, the first in the lowest bits of the first word.
    fn words(elements: &[Self]) -> [u64; LANES];
}

macro_rules! bits {
    ($Element:ty, $zero:expr) => {
        impl Bits for $Element {
            const ZERO: Self = $zero;

            #[inline]
            fn words(elements: &[Self]) -> [u64; LANES] {
                const PER_WORD: usize = size_of::<u64>() / size_of::<$Element>();
                std::array::from_fn(|lane| {
                    let word = &elements[lane * PER_WORD..][..PER_WORD];
                    let mut at = 0;
                    word.iter().fold(0, |sum, element| {
                        let shifted = u64::from(element.to_bits()) << at;
                        at += 8 * size_of::<$Element>() as u32;
                        sum | shifted
                    })
                })
            }
        }
    };
}

bits!(f32, 0.0);
bits!(f64, 0.0);
bits!(f16, f16::ZERO);
bits!(bf16, bf16::ZERO);

/// Returns the number of bytes.
fn contiguous<T: Bits>(elements: &[T], lanes: &mut [u64; LANES]) -> usize {
    let mut blocks = elements.chunks_exact(T::PER_BLOCK);
    for block in &mut blocks {
        take(T::words(block), lanes);
    }
    let rest = blocks.remainder();
    if !rest.is_empty() {
        let mut last = [T::ZERO; BLOCK_BYTES / 2];
        last[..rest.len()].copy_from_slice(rest);
        take(T::words(&last[..T::PER_BLOCK]), lanes);
    }
    size_of_val(elements)
}

fn strided<T: Bits>(buffer: &[T], mut cursor: Cursor, lanes: &mut [u64; LANES]) -> usize {
    let mut out = [T::ZERO; BUFFER_BYTES / 2];
    let whole = BUFFER_BYTES / size_of::<T>();
    let mut bytes = 0;
    loop {
        let count = cursor.fill(buffer, &mut out[..whole], |element| element);
        bytes += contiguous(&out[..count], lanes);
        if count < whole {
            return bytes;
        }
    }
}

#[inline]
fn take(words: [u64; LANES], lanes: &mut [u64; LANES]) {
    for (lane, word) in lanes.iter_mut().zip(words) {
        *lane = fold(*lane ^ word);
    }
}
