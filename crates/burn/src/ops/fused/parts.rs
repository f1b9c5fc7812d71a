//! Work on the parts of a slice, on as many threads as there are.
use rayon::prelude::*;

/// Numbers that are worth a thread of their own.
const SMALLEST: usize = 1 << 15;

/// Works on parts of `size` numbers, with their own numbers from 0.
pub(super) fn for_each_part(values: &mut [f32], size: usize, work: impl Fn((usize, &mut [f32])) + Sync + Send) {
    if size == 0 {
        return;
    }
    if rayon::current_num_threads() == 1 || values.len() <= size {
        values.chunks_mut(size).enumerate().for_each(work);
    } else {
        values.par_chunks_mut(size).enumerate().for_each(work);
    }
}

/// The size of a part that holds whole rows of `width` numbers, so that each thread has one part if that is worth its while.
pub(super) fn part_of_rows(count: usize, width: usize) -> usize {
    let threads = rayon::current_num_threads().min(count / SMALLEST).max(1);
    (count / width.max(1)).div_ceil(threads).max(1) * width
}
