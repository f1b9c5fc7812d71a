//! The primitives of the encoding: varints, floats, text, and a cursor that cannot run past its end.
use super::CodecError;

/// Tag of a float that is held exactly by four bytes.
const NARROW: u8 = 0;
/// Tag of a float that needs its eight bytes.
const WIDE: u8 = 1;
/// Tag of a float that is not there.
const NO_FLOAT: u8 = 2;

/// A number in base 128, the low digit first, the top bit of a byte meaning that more follow.
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Whether an f32 holds this number bit for bit.
pub(super) fn is_narrow(value: f64) -> bool {
    f64::from(value as f32).to_bits() == value.to_bits()
}

/// Four bytes or eight, as `wide` says.
pub(super) fn put_bits(out: &mut Vec<u8>, value: f64, wide: bool) {
    if wide {
        out.extend_from_slice(&value.to_le_bytes());
    } else {
        out.extend_from_slice(&(value as f32).to_le_bytes());
    }
}

pub(super) fn put_float(out: &mut Vec<u8>, value: f64) {
    let wide = !is_narrow(value);
    out.push(if wide { WIDE } else { NARROW });
    put_bits(out, value, wide);
}

pub(super) fn put_optional_float(out: &mut Vec<u8>, value: Option<f64>) {
    match value {
        Some(value) => put_float(out, value),
        None => out.push(NO_FLOAT),
    }
}

/// A list of floats under one tag: all narrow, or all wide.
pub(super) fn put_floats(out: &mut Vec<u8>, values: &[f64]) {
    put_varint(out, values.len() as u64);
    let wide = !values.iter().all(|&value| is_narrow(value));
    out.push(if wide { WIDE } else { NARROW });
    for &value in values {
        put_bits(out, value, wide);
    }
}

pub(super) fn put_varints(out: &mut Vec<u8>, values: &[u64]) {
    put_varint(out, values.len() as u64);
    for &value in values {
        put_varint(out, value);
    }
}

pub(super) fn put_varints_u32(out: &mut Vec<u8>, values: &[u32]) {
    put_varint(out, values.len() as u64);
    for &value in values {
        put_varint(out, u64::from(value));
    }
}

pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn put_flag(out: &mut Vec<u8>, flag: bool) {
    out.push(u8::from(flag));
}

/// What is left of a record that is being decoded.
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], CodecError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(CodecError::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(CodecError::Short)?;
        self.rest = rest;
        Ok(*taken)
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, CodecError> {
        let (&first, rest) = self.rest.split_first().ok_or(CodecError::Short)?;
        self.rest = rest;
        Ok(first)
    }

    #[inline]
    pub(super) fn varint(&mut self) -> Result<u64, CodecError> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(u64::from(first));
        }
        let mut value = u64::from(first & 0x7f);
        for shift in (7..64).step_by(7) {
            let byte = self.byte()?;
            // The tenth byte has room for one bit only.
            if shift == 63 && byte > 1 {
                return Err(CodecError::Number);
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(CodecError::Number)
    }

    #[inline]
    pub(super) fn varint_u32(&mut self) -> Result<u32, CodecError> {
        u32::try_from(self.varint()?).map_err(|_| CodecError::Number)
    }

    /// The length of a list whose items take at least `least` bytes each: never more than the rest can hold, so that
    /// a hostile length costs no memory.
    pub(super) fn length(&mut self, least: usize) -> Result<usize, CodecError> {
        let length = usize::try_from(self.varint()?).map_err(|_| CodecError::Short)?;
        if length > self.rest.len() / least.max(1) { Err(CodecError::Short) } else { Ok(length) }
    }

    pub(super) fn bits(&mut self, wide: bool) -> Result<f64, CodecError> {
        if wide { Ok(f64::from_le_bytes(self.array()?)) } else { Ok(f64::from(f32::from_le_bytes(self.array()?))) }
    }

    pub(super) fn float(&mut self) -> Result<f64, CodecError> {
        self.optional_float()?.ok_or(CodecError::Number)
    }

    pub(super) fn optional_float(&mut self) -> Result<Option<f64>, CodecError> {
        match self.byte()? {
            NARROW => Ok(Some(self.bits(false)?)),
            WIDE => Ok(Some(self.bits(true)?)),
            NO_FLOAT => Ok(None),
            _ => Err(CodecError::Number),
        }
    }

    pub(super) fn floats(&mut self) -> Result<Vec<f64>, CodecError> {
        let length = self.length(size_of::<f32>())?;
        let wide = self.byte()? == WIDE;
        (0..length).map(|_| self.bits(wide)).collect()
    }

    pub(super) fn varints(&mut self) -> Result<Vec<u64>, CodecError> {
        let length = self.length(1)?;
        (0..length).map(|_| self.varint()).collect()
    }

    pub(super) fn varints_u32(&mut self) -> Result<Vec<u32>, CodecError> {
        let length = self.length(1)?;
        (0..length).map(|_| self.varint_u32()).collect()
    }

    pub(super) fn text(&mut self) -> Result<String, CodecError> {
        let length = self.length(1)?;
        let bytes = self.bytes(length)?;
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| CodecError::Text)
    }

    pub(super) fn flag(&mut self) -> Result<bool, CodecError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(CodecError::Number),
        }
    }
}
