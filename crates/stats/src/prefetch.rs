//! Asking for memory before it is read.

/// Most bytes asked for: what comes after a page of 4 KB, the hardware's own prefetcher finds.
const MOST_BYTES: usize = 4096;

/// Bytes of a cache line.
const LINE: usize = 64;

/// Asks for the beginning of a slice, up to 4 KB, to be brought into cache while other work goes on.
///
/// Rows that are drawn at random from a large data set are each a wait for memory; asked for one ahead, they are not.
#[inline]
pub fn prefetch(slice: &[f32]) {
    let bytes = size_of_val(slice).min(MOST_BYTES);
    for line in (0..bytes).step_by(LINE) {
        one(slice.as_ptr().wrapping_byte_add(line));
    }
}

/// Asks for one cache line; any address is allowed.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn one<T>(at: *const T) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a prefetch of any address is harmless, and every x86_64 has the instruction.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) };
}

/// Does nothing where there is no stable instruction for it.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
pub(crate) fn one<T>(_at: *const T) {}
