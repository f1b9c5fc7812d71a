//! The binary form of a step, written and read without allocating once the buffers are warm.
use super::reading::{self, get_reading, put_reading};
use super::wire::{Cursor, is_narrow, put_bits, put_varint};
use super::{CodecError, kind};
use barograph_vocab::{Role, Scalar, SiteId, SiteReading, StepRecord, UnitReading};

/// Top bit of a scalar's code: its value takes eight bytes.
const WIDE_SCALAR: u8 = 0x80;
/// Bytes of the shortest scalar: code, narrow float.
const LEAST_SCALAR_BYTES: usize = 5;
/// Bytes of the shortest unit reading: site, role, five counts, four units.
const LEAST_UNIT_BYTES: usize = 11;

/// Appends the encoding of a step to `out`. Every reading must hold at least as many elements as non-finite ones.
pub fn encode_step(step: &StepRecord, out: &mut Vec<u8>) {
    out.push(kind::STEP);
    put_varint(out, step.step);
    put_varint(out, u64::from(step.epoch));
    put_varint(out, u64::from(step.stands_for));
    put_scalars(out, &step.scalars);
    put_varint(out, step.readings.len() as u64);
    for entry in &step.readings {
        put_varint(out, u64::from(entry.site.0));
        out.push(entry.role as u8);
        put_reading(out, &entry.reading);
    }
    put_varint(out, step.units.len() as u64);
    for unit in &step.units {
        put_unit(out, unit);
    }
}

pub(super) fn put_scalars(out: &mut Vec<u8>, scalars: &[(Scalar, f64)]) {
    put_varint(out, scalars.len() as u64);
    for &(scalar, value) in scalars {
        let wide = !is_narrow(value);
        out.push(scalar as u8 | if wide { WIDE_SCALAR } else { 0 });
        put_bits(out, value, wide);
    }
}

fn put_unit(out: &mut Vec<u8>, unit: &UnitReading) {
    put_varint(out, u64::from(unit.site.0));
    out.push(unit.role as u8);
    for count in [unit.units, unit.dead, unit.constant, unit.duplicates, unit.non_finite] {
        put_varint(out, u64::from(count));
    }
    for worst in unit.worst {
        // Shifted by one with wrap-around, so that "none" (`u32::MAX`) takes one byte.
        put_varint(out, u64::from(worst.wrapping_add(1)));
    }
}

/// Replaces `step` by the step that `payload` holds, keeping its memory, and says how many scalars and readings were
/// left out because this version does not know their kind.
///
/// # Errors
/// When the bytes are not a step; `step` then holds some part of it.
pub fn decode_step_into(payload: &[u8], step: &mut StepRecord) -> Result<u32, CodecError> {
    step.clear();
    let mut cursor = Cursor::new(payload);
    read_head(&mut cursor, step)?;
    let mut skipped = get_scalars(&mut cursor, &mut step.scalars)?;
    for _ in 0..cursor.length(2 + reading::LEAST_BYTES)? {
        let site = SiteId(cursor.varint_u32()?);
        let role = Role::from_code(cursor.byte()?);
        let reading = get_reading(&mut cursor)?;
        match role {
            Some(role) => step.readings.push(SiteReading { site, role, reading }),
            None => skipped += 1,
        }
    }
    for _ in 0..cursor.length(LEAST_UNIT_BYTES)? {
        match get_unit(&mut cursor)? {
            Some(unit) => step.units.push(unit),
            None => skipped += 1,
        }
    }
    Ok(skipped)
}

fn read_head(cursor: &mut Cursor<'_>, step: &mut StepRecord) -> Result<(), CodecError> {
    match cursor.byte()? {
        kind::STEP => {}
        other => return Err(CodecError::NotAStep(other)),
    }
    step.step = cursor.varint()?;
    step.epoch = cursor.varint_u32()?;
    step.stands_for = cursor.varint_u32()?;
    Ok(())
}

/// Appends the scalars that this version knows and counts the others.
pub(super) fn get_scalars(cursor: &mut Cursor<'_>, scalars: &mut Vec<(Scalar, f64)>) -> Result<u32, CodecError> {
    let mut skipped = 0;
    for _ in 0..cursor.length(LEAST_SCALAR_BYTES)? {
        let code = cursor.byte()?;
        let value = cursor.bits(code & WIDE_SCALAR != 0)?;
        match Scalar::from_code(code & !WIDE_SCALAR) {
            Some(scalar) => scalars.push((scalar, value)),
            None => skipped += 1,
        }
    }
    Ok(skipped)
}

fn get_unit(cursor: &mut Cursor<'_>) -> Result<Option<UnitReading>, CodecError> {
    let site = SiteId(cursor.varint_u32()?);
    let role = Role::from_code(cursor.byte()?);
    let mut counts = [0; 5];
    for count in &mut counts {
        *count = cursor.varint_u32()?;
    }
    let mut worst = [0; 4];
    for unit in &mut worst {
        *unit = cursor.varint_u32()?.wrapping_sub(1);
    }
    let [units, dead, constant, duplicates, non_finite] = counts;
    Ok(role.map(|role| UnitReading { site, role, units, dead, constant, duplicates, non_finite, worst }))
}

/// What a step says of itself before its readings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepGlance {
    /// Optimizer updates before this one.
    pub step: u64,
    /// Epoch, from 0.
    pub epoch: u32,
    /// How many steps the record stands for.
    pub stands_for: u32,
    /// The loss, if it was observed.
    pub loss: Option<f64>,
}

/// Looks at a step without decoding its readings; `None` when the bytes are not a step.
#[must_use]
pub fn glance(payload: &[u8]) -> Option<StepGlance> {
    let mut cursor = Cursor::new(payload);
    // A step without lists owns no memory, so that looking costs none.
    let mut head = StepRecord::default();
    read_head(&mut cursor, &mut head).ok()?;
    let mut loss = None;
    for _ in 0..cursor.length(LEAST_SCALAR_BYTES).ok()? {
        let code = cursor.byte().ok()?;
        let value = cursor.bits(code & WIDE_SCALAR != 0).ok()?;
        if code & !WIDE_SCALAR == Scalar::Loss as u8 {
            loss.get_or_insert(value);
        }
    }
    Some(StepGlance { step: head.step, epoch: head.epoch, stands_for: head.stands_for, loss })
}
