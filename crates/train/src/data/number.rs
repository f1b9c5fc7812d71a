//! What the numbers of an array in a file are made of.

/// What a number is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum NumberKind {
    Flag,
    /// Of so many bytes.
    Signed(usize),
    Unsigned(usize),
    Float(usize),
    /// The upper half of a single-precision number.
    Bfloat16,
}

impl NumberKind {
    /// The kind that `NumPy` calls so.
    pub(crate) fn parse(kind: &str) -> Option<Self> {
        Some(match kind {
            "b1" => Self::Flag,
            "i1" => Self::Signed(1),
            "i2" => Self::Signed(2),
            "i4" => Self::Signed(4),
            "i8" => Self::Signed(8),
            "u1" => Self::Unsigned(1),
            "u2" => Self::Unsigned(2),
            "u4" => Self::Unsigned(4),
            "u8" => Self::Unsigned(8),
            "f2" => Self::Float(2),
            "f4" => Self::Float(4),
            "f8" => Self::Float(8),
            _ => return None,
        })
    }

    /// Bytes of a number.
    pub(crate) const fn width(self) -> usize {
        match self {
            Self::Flag => 1,
            Self::Signed(width) | Self::Unsigned(width) | Self::Float(width) => width,
            Self::Bfloat16 => 2,
        }
    }

    pub(crate) const fn is_integer(self) -> bool {
        !matches!(self, Self::Float(_) | Self::Bfloat16)
    }

    /// The number in these bytes, of which there are `width`.
    pub(crate) fn number(self, bytes: &[u8], big_endian: bool) -> f64 {
        let mut little = [0_u8; 8];
        for (to, from) in little.iter_mut().zip(bytes) {
            *to = *from;
        }
        if big_endian {
            little[..bytes.len().min(8)].reverse();
        }
        let bits = u64::from_le_bytes(little);
        match self {
            Self::Flag => f64::from(u8::from(bits != 0)),
            Self::Unsigned(_) => bits as f64,
            Self::Signed(width) => {
                let unused = 64 - 8 * width as u32;
                ((bits << unused).cast_signed() >> unused) as f64
            }
            Self::Bfloat16 => f64::from(f32::from_bits((bits as u32) << 16)),
            Self::Float(2) => half::f16::from_bits(bits as u16).to_f64(),
            Self::Float(4) => f64::from(f32::from_bits(bits as u32)),
            Self::Float(_) => f64::from_bits(bits),
        }
    }

    /// As [`NumberKind::number`], in single precision.
    pub(crate) fn single(self, bytes: &[u8], big_endian: bool) -> f32 {
        match (self, bytes, big_endian) {
            (Self::Float(4), &[a, b, c, d], false) => f32::from_le_bytes([a, b, c, d]),
            _ => self.number(bytes, big_endian) as f32,
        }
    }
}
