//! Where a kernel takes its elements from: a slice, or the difference of two.
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    __m256i, __m512, __mmask16, _mm256_loadu_si256, _mm256_maskz_loadu_epi16, _mm512_castsi512_ps,
    _mm512_cvtepu16_epi32, _mm512_cvtph_ps, _mm512_loadu_ps, _mm512_maskz_loadu_ps, _mm512_slli_epi32, _mm512_sub_ps,
};

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

use crate::kernel::{self, Asked, BLOCK, Sums, Wide};
use crate::level::Level;
#[cfg(target_arch = "x86_64")]
use crate::prefetch;

/// An element of at most 32 bits, read in f32 arithmetic.
pub(crate) trait Narrow: Copy {
    /// The same value as f32; exact.
    fn to_f32(self) -> f32;

    /// The same for a slice of the same length.
    fn convert(slice: &[Self], out: &mut [f32]);

    /// A slice that needs no conversion.
    fn as_f32(_slice: &[Self]) -> Option<&[f32]> {
        None
    }

    /// Sixteen elements as f32.
    ///
    /// # Safety
    ///
    /// The processor has AVX-512 (F, BW, VL), and `at` points to 16 readable elements.
    #[cfg(target_arch = "x86_64")]
    unsafe fn load(at: *const Self) -> __m512;

    /// The elements of which the mask has a bit, as f32, and 0 for the others.
    ///
    /// # Safety
    ///
    /// As for [`Narrow::load`], for the elements in the mask only.
    #[cfg(target_arch = "x86_64")]
    unsafe fn load_some(at: *const Self, mask: __mmask16) -> __m512;
}

impl Narrow for f32 {
    #[inline]
    fn to_f32(self) -> f32 {
        self
    }

    fn convert(slice: &[Self], out: &mut [f32]) {
        out.copy_from_slice(slice);
    }

    #[inline]
    fn as_f32(slice: &[Self]) -> Option<&[f32]> {
        Some(slice)
    }

    #[cfg(target_arch = "x86_64")]
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn load(at: *const Self) -> __m512 {
        // SAFETY: the caller's promise.
        unsafe { _mm512_loadu_ps(at) }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn load_some(at: *const Self, mask: __mmask16) -> __m512 {
        // SAFETY: the caller's promise.
        unsafe { _mm512_maskz_loadu_ps(mask, at) }
    }
}

/// The two 16-bit formats differ in how sixteen of them become f32.
macro_rules! narrow_half {
    ($Half:ty, $halves:ident => $to_f32:expr) => {
        impl Narrow for $Half {
            #[inline]
            fn to_f32(self) -> f32 {
                <$Half>::to_f32(self)
            }

            fn convert(slice: &[Self], out: &mut [f32]) {
                // It looks for the processor's instruction once, and not once per element.
                slice.convert_to_f32_slice(out);
            }

            #[cfg(target_arch = "x86_64")]
            #[inline]
            #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
            unsafe fn load(at: *const Self) -> __m512 {
                // SAFETY: the caller's promise; the format is a transparent u16.
                let $halves: __m256i = unsafe { _mm256_loadu_si256(at.cast()) };
                $to_f32
            }

            #[cfg(target_arch = "x86_64")]
            #[inline]
            #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
            unsafe fn load_some(at: *const Self, mask: __mmask16) -> __m512 {
                // SAFETY: the caller's promise; the format is a transparent u16.
                let $halves: __m256i = unsafe { _mm256_maskz_loadu_epi16(mask, at.cast()) };
                $to_f32
            }
        }
    };
}

narrow_half!(f16, halves => _mm512_cvtph_ps(halves));
narrow_half!(bf16, halves => _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(halves))));

/// A run of elements that is read block by block.
pub(crate) trait Source {
    /// The arithmetic its elements are read in.
    type Wide: Wide;

    /// Elements.
    fn len(&self) -> usize;

    /// Shows the elements `start..start + len` as they are in memory, or converted. `len <= BLOCK`.
    fn with_block<R>(&self, start: usize, len: usize, see: impl FnOnce(&[Self::Wide]) -> R) -> R {
        let mut buffer = [Self::Wide::ZERO; BLOCK];
        self.copy(start, len, &mut buffer);
        see(&buffer[..len])
    }

    /// The elements `start..start + len`, copied. `len <= BLOCK`.
    fn copy(&self, start: usize, len: usize, buffer: &mut [Self::Wide; BLOCK]);

    /// Runs the kernel of this level over `start..start + len`. `len <= BLOCK`.
    fn sums(&self, level: Level, start: usize, len: usize, asked: Asked<Self::Wide>, exponents: &mut [u8]) -> Sums;
}

/// A source that yields sixteen elements at a time as f32.
///
/// # Safety
///
/// Every `at < Source::len` is readable by [`Lanes::some`], and `at + 16 <= Source::len` suffices for [`Lanes::full`].
#[cfg(target_arch = "x86_64")]
pub(crate) unsafe trait Lanes {
    /// The elements `at..at + 16`.
    ///
    /// # Safety
    ///
    /// The processor has AVX-512 (F, BW, VL), and the source has the elements.
    unsafe fn full(&self, at: usize) -> __m512;

    /// Asks for the elements about `at` to be brought into cache; any `at` is allowed.
    fn prefetch(&self, at: usize);

    /// The elements `at + i` of which bit `i` of the mask is set, and 0 for the others.
    ///
    /// # Safety
    ///
    /// As for [`Lanes::full`], for the elements in the mask only.
    unsafe fn some(&self, at: usize, mask: __mmask16) -> __m512;
}

/// A contiguous slice.
pub(crate) struct Slice<'a, T>(pub(crate) &'a [T]);

/// The elementwise difference of two contiguous slices of one length.
pub(crate) struct Difference<'a, T> {
    pub(crate) new: &'a [T],
    pub(crate) old: &'a [T],
}

// SAFETY: the pointers stay inside the slice that `Source::len` speaks of.
#[cfg(target_arch = "x86_64")]
unsafe impl<T: Narrow> Lanes for Slice<'_, T> {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn full(&self, at: usize) -> __m512 {
        // SAFETY: the caller promises that `at..at + 16` lies in the slice.
        unsafe { T::load(self.0.as_ptr().add(at)) }
    }

    #[inline]
    fn prefetch(&self, at: usize) {
        prefetch::one(self.0.as_ptr().wrapping_add(at));
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn some(&self, at: usize, mask: __mmask16) -> __m512 {
        // SAFETY: the caller promises that the elements in the mask lie in the slice; `wrapping_add` for the others.
        unsafe { T::load_some(self.0.as_ptr().wrapping_add(at), mask) }
    }
}

// SAFETY: the pointers stay inside both slices, of which `Source::len` is the shorter length.
#[cfg(target_arch = "x86_64")]
unsafe impl<T: Narrow> Lanes for Difference<'_, T> {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn full(&self, at: usize) -> __m512 {
        // SAFETY: the caller promises that `at..at + 16` lies in both slices.
        unsafe { _mm512_sub_ps(T::load(self.new.as_ptr().add(at)), T::load(self.old.as_ptr().add(at))) }
    }

    #[inline]
    fn prefetch(&self, at: usize) {
        prefetch::one(self.new.as_ptr().wrapping_add(at));
        prefetch::one(self.old.as_ptr().wrapping_add(at));
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn some(&self, at: usize, mask: __mmask16) -> __m512 {
        let (new, old) = (self.new.as_ptr().wrapping_add(at), self.old.as_ptr().wrapping_add(at));
        // SAFETY: the caller promises that the elements in the mask lie in both slices.
        unsafe { _mm512_sub_ps(T::load_some(new, mask), T::load_some(old, mask)) }
    }
}

impl<T: Narrow> Source for Slice<'_, T> {
    type Wide = f32;

    fn len(&self) -> usize {
        self.0.len()
    }

    #[inline]
    fn with_block<R>(&self, start: usize, len: usize, see: impl FnOnce(&[f32]) -> R) -> R {
        if let Some(slice) = T::as_f32(self.0) {
            return see(&slice[start..start + len]);
        }
        let mut buffer = [0.0; BLOCK];
        self.copy(start, len, &mut buffer);
        see(&buffer[..len])
    }

    fn copy(&self, start: usize, len: usize, buffer: &mut [f32; BLOCK]) {
        T::convert(&self.0[start..start + len], &mut buffer[..len]);
    }

    #[inline]
    fn sums(&self, level: Level, start: usize, len: usize, asked: Asked<f32>, exponents: &mut [u8]) -> Sums {
        kernel::sums(level, self, start, len, asked, exponents)
    }
}

impl<T: Narrow> Source for Difference<'_, T> {
    type Wide = f32;

    fn len(&self) -> usize {
        self.new.len().min(self.old.len())
    }

    fn copy(&self, start: usize, len: usize, buffer: &mut [f32; BLOCK]) {
        let pairs = self.new[start..start + len].iter().zip(&self.old[start..start + len]);
        for (out, (new, old)) in buffer.iter_mut().zip(pairs) {
            *out = new.to_f32() - old.to_f32();
        }
    }

    #[inline]
    fn sums(&self, level: Level, start: usize, len: usize, asked: Asked<f32>, exponents: &mut [u8]) -> Sums {
        kernel::sums(level, self, start, len, asked, exponents)
    }
}

impl Source for Slice<'_, f64> {
    type Wide = f64;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn with_block<R>(&self, start: usize, len: usize, see: impl FnOnce(&[f64]) -> R) -> R {
        see(&self.0[start..start + len])
    }

    fn copy(&self, start: usize, len: usize, buffer: &mut [f64; BLOCK]) {
        buffer[..len].copy_from_slice(&self.0[start..start + len]);
    }

    fn sums(&self, level: Level, start: usize, len: usize, asked: Asked<f64>, exponents: &mut [u8]) -> Sums {
        self.with_block(start, len, |block| f64::sums(level, block, asked, exponents))
    }
}

impl Source for Difference<'_, f64> {
    type Wide = f64;

    fn len(&self) -> usize {
        self.new.len().min(self.old.len())
    }

    fn copy(&self, start: usize, len: usize, buffer: &mut [f64; BLOCK]) {
        let pairs = self.new[start..start + len].iter().zip(&self.old[start..start + len]);
        for (out, (new, old)) in buffer.iter_mut().zip(pairs) {
            *out = new - old;
        }
    }

    fn sums(&self, level: Level, start: usize, len: usize, asked: Asked<f64>, exponents: &mut [u8]) -> Sums {
        self.with_block(start, len, |block| f64::sums(level, block, asked, exponents))
    }
}
