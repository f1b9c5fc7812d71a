//! The binary form of a reading.
//!
//! Two bytes say which parts follow and how wide the floats are:
//!
//! | bits | meaning |
//! |---|---|
//! | 0-5 | a varint follows for nan, pos_inf, neg_inf, zeros, negatives, saturated (else it is 0) |
//! | 6-11 | min, max, mean, m2, l1, l2 take eight bytes (else four) |
//! | 12 | abs_max takes eight bytes (else four) |
//! | 13 | abs_max follows (else it is the larger magnitude of min and max) |
//! | 14 | the histogram follows: a bitmap of its 64 bins, then a varint for each bin that is not empty |
//! | 15 | must be 0 |
use super::CodecError;
use super::wire::{Cursor, is_narrow, put_bits, put_varint};
use barograph_vocab::{BINS, Reading};

const FLOATS_SHIFT: u32 = 6;
const WIDE_ABS_MAX: u16 = 1 << 12;
const HAS_ABS_MAX: u16 = 1 << 13;
const HAS_HISTOGRAM: u16 = 1 << 14;
const RESERVED: u16 = 1 << 15;

/// Bytes of the shortest reading: flags, count, six narrow floats.
pub(super) const LEAST_BYTES: usize = 2 + 1 + 6 * 4;

/// Whether rounding this sum to f32 loses only digits, and not its order of magnitude.
fn rounds(value: f64) -> bool {
    let rounded = (value as f32).abs();
    (f32::MIN_POSITIVE..=f32::MAX).contains(&rounded)
}

/// The `abs_max` that follows from the extremes.
fn abs_max_of(min: f64, max: f64) -> f64 {
    min.abs().max(max.abs())
}

/// Bits 6 to 13.
fn float_flags(reading: &Reading) -> u16 {
    let single = is_narrow(reading.min) && is_narrow(reading.max);
    let wide_sum = |value: f64| !(is_narrow(value) || single && rounds(value));
    let wide = [
        !is_narrow(reading.min),
        !is_narrow(reading.max),
        wide_sum(reading.mean),
        wide_sum(reading.m2),
        wide_sum(reading.l1),
        wide_sum(reading.l2),
    ];
    let mut flags = 0;
    for (bit, wide) in (FLOATS_SHIFT..).zip(wide) {
        flags |= u16::from(wide) << bit;
    }
    if reading.abs_max.to_bits() != abs_max_of(reading.min, reading.max).to_bits() {
        flags |= HAS_ABS_MAX;
        if !is_narrow(reading.abs_max) {
            flags |= WIDE_ABS_MAX;
        }
    }
    flags
}

pub(super) fn put_reading(out: &mut Vec<u8>, reading: &Reading) {
    let counts = [reading.nan, reading.pos_inf, reading.neg_inf, reading.zeros, reading.negatives, reading.saturated];
    let mut flags = float_flags(reading);
    for (bit, count) in counts.iter().enumerate() {
        flags |= u16::from(*count != 0) << bit;
    }
    let occupied = occupied_bins(&reading.histogram);
    if occupied != 0 {
        flags |= HAS_HISTOGRAM;
    }
    out.extend_from_slice(&flags.to_le_bytes());
    put_varint(out, reading.count);
    for count in counts.into_iter().filter(|count| *count != 0) {
        put_varint(out, count);
    }
    let floats = [reading.min, reading.max, reading.mean, reading.m2, reading.l1, reading.l2];
    for (bit, value) in (FLOATS_SHIFT..).zip(floats) {
        put_bits(out, value, flags >> bit & 1 == 1);
    }
    if flags & HAS_ABS_MAX != 0 {
        put_bits(out, reading.abs_max, flags & WIDE_ABS_MAX != 0);
    }
    if occupied != 0 {
        out.extend_from_slice(&occupied.to_le_bytes());
        for &count in reading.histogram.iter().filter(|count| **count != 0) {
            put_varint(out, u64::from(count));
        }
    }
}

/// One bit for each bin that is not empty.
fn occupied_bins(histogram: &[u32; BINS]) -> u64 {
    let mut occupied = 0;
    for (bin, count) in histogram.iter().enumerate() {
        occupied |= u64::from(*count != 0) << bin;
    }
    occupied
}

pub(super) fn get_reading(cursor: &mut Cursor<'_>) -> Result<Reading, CodecError> {
    let flags = u16::from_le_bytes(cursor.array()?);
    if flags & RESERVED != 0 {
        return Err(CodecError::Number);
    }
    let count = cursor.varint()?;
    let mut counts = [0; 6];
    for (bit, part) in counts.iter_mut().enumerate() {
        if flags >> bit & 1 == 1 {
            *part = cursor.varint()?;
        }
    }
    let mut floats = [0.0; 6];
    for (bit, value) in (FLOATS_SHIFT..).zip(&mut floats) {
        *value = cursor.bits(flags >> bit & 1 == 1)?;
    }
    let [nan, pos_inf, neg_inf, zeros, negatives, saturated] = counts;
    let [min, max, mean, m2, l1, l2] = floats;
    let abs_max = if flags & HAS_ABS_MAX != 0 { cursor.bits(flags & WIDE_ABS_MAX != 0)? } else { abs_max_of(min, max) };
    let histogram = if flags & HAS_HISTOGRAM != 0 { get_histogram(cursor)? } else { [0; BINS] };
    // `Reading::finite` subtracts, so that a log must not hold what would make it wrap.
    let bad = nan.checked_add(pos_inf).and_then(|sum| sum.checked_add(neg_inf)).ok_or(CodecError::Counts)?;
    if bad > count {
        return Err(CodecError::Counts);
    }
    Ok(Reading {
        count,
        nan,
        pos_inf,
        neg_inf,
        zeros,
        negatives,
        saturated,
        min,
        max,
        mean,
        m2,
        l1,
        l2,
        abs_max,
        histogram,
    })
}

fn get_histogram(cursor: &mut Cursor<'_>) -> Result<[u32; BINS], CodecError> {
    let occupied = u64::from_le_bytes(cursor.array()?);
    let mut histogram = [0; BINS];
    for (bin, count) in histogram.iter_mut().enumerate() {
        if occupied >> bin & 1 == 1 {
            *count = cursor.varint_u32()?;
        }
    }
    Ok(histogram)
}
