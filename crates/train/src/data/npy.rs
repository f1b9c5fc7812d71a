//! One array in `NumPy`'s `.npy` format, version 1 to 3 (NEP 1).
//!
//! The header is a Python dictionary of three known entries, written by `NumPy` and nobody else; it is read as such and not as Python.
use super::number::NumberKind;
use super::stored::rows_of;
use std::io::Read;

/// Longest header that is read. `NumPy` writes about a hundred bytes, and itself refuses more than 10,000.
const LONGEST_HEADER: usize = 10_000;
/// Largest array that is read, in bytes: our choice, so that a small hostile archive cannot fill the memory.
const LARGEST_ARRAY: u64 = 1 << 33;

/// Most numbers that an array can have: far above any, and their bytes can still be counted.
const MOST_NUMBERS: u64 = 1 << 48;

/// An array of numbers.
#[derive(Debug, PartialEq)]
pub(crate) struct Array {
    pub(crate) shape: Vec<usize>,
    /// In C order: the last axis runs fastest.
    pub(crate) values: Vec<f64>,
    /// Whether the array holds integers or flags.
    pub(crate) integer: bool,
}

impl Array {
    /// Rows, and values of a row.
    pub(crate) fn rows(&self) -> (usize, usize) {
        rows_of(&self.shape)
    }
}

/// Reads an array; the error is the end of a sentence that begins with its name.
pub(crate) fn read(mut source: impl Read) -> Result<Array, String> {
    let header = read_header(&mut source)?;
    let bytes = header.bytes()?;
    if bytes > LARGEST_ARRAY {
        return Err(format!("claims {bytes} bytes; at most {LARGEST_ARRAY} are read"));
    }
    // The memory grows with what is really there, not with what the header claims.
    let mut data = Vec::new();
    source.take(bytes).read_to_end(&mut data).map_err(|error| format!("cannot be unpacked: {error}"))?;
    if data.len() as u64 != bytes {
        return Err(format!("is cut short: {} of {bytes} bytes are there; save it again", data.len()));
    }
    let values =
        data.chunks_exact(header.kind.width()).map(|bytes| header.kind.number(bytes, header.big_endian)).collect();
    let values = if header.fortran { to_c_order(values, &header.shape) } else { values };
    Ok(Array { shape: header.shape, values, integer: header.kind.is_integer() })
}

/// What an array says of itself before its numbers.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) kind: NumberKind,
    pub(crate) big_endian: bool,
    /// Whether its first axis runs fastest.
    pub(crate) fortran: bool,
    pub(crate) shape: Vec<usize>,
    /// Bytes before the numbers.
    pub(crate) length: u64,
}

impl Header {
    /// How many numbers there are. Axes of length 0 are held to the limit as if they were 1, so that no product of axes overflows.
    fn count(&self) -> Result<u64, String> {
        self.shape
            .iter()
            .try_fold(1_u64, |count, &axis| count.checked_mul(axis.max(1) as u64))
            .filter(|count| *count <= MOST_NUMBERS)
            .map(|count| if self.shape.contains(&0) { 0 } else { count })
            .ok_or_else(|| format!("claims the impossible shape {:?}", self.shape))
    }

    /// Bytes of the numbers.
    pub(crate) fn bytes(&self) -> Result<u64, String> {
        Ok(self.count()? * self.kind.width() as u64)
    }
}

/// Reads what stands before the numbers.
pub(crate) fn read_header(source: &mut impl Read) -> Result<Header, String> {
    const NOT_NUMPY: &str = "is no NumPy array; save it with numpy.savez";
    let mut start = [0_u8; 8];
    source.read_exact(&mut start).map_err(|_| NOT_NUMPY.to_owned())?;
    if &start[..6] != b"\x93NUMPY" {
        return Err(NOT_NUMPY.to_owned());
    }
    let mut length = [0_u8; 4];
    let digits = if start[6] == 1 { 2 } else { 4 };
    source.read_exact(&mut length[..digits]).map_err(|_| NOT_NUMPY.to_owned())?;
    let length = u32::from_le_bytes(length) as usize;
    if length > LONGEST_HEADER {
        return Err(format!("has a header of {length} bytes; NumPy reads at most {LONGEST_HEADER}"));
    }
    let mut text = vec![0_u8; length];
    source.read_exact(&mut text).map_err(|_| "is cut short in its header; save it again".to_owned())?;
    let header = parse_header(&String::from_utf8_lossy(&text))?;
    Ok(Header { length: (start.len() + digits + length) as u64, ..header })
}

/// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
fn parse_header(text: &str) -> Result<Header, String> {
    let entry = |key: &str| {
        let (_, rest) = text.split_once(&format!("'{key}'"))?;
        Some(rest.trim_start().strip_prefix(':')?.trim_start())
    };
    let unclear = || "has a header that NumPy does not write; save it with numpy.savez".to_owned();
    let descr = entry("descr").ok_or_else(unclear)?;
    let Some(descr) = descr.strip_prefix('\'').and_then(|rest| rest.split('\'').next()) else {
        return Err("holds records of several fields; save each as an array of its own".to_owned());
    };
    let (order, kind) = descr.split_at_checked(1).unwrap_or_default();
    let kind = NumberKind::parse(kind).ok_or_else(|| match kind.chars().next() {
        Some('O') => "holds Python objects (a pickle), which are never loaded; save numbers".to_owned(),
        Some('U' | 'S') => format!("holds text (dtype {descr:?}); save class numbers instead"),
        Some('c') => format!("holds complex numbers (dtype {descr:?}); save real ones"),
        Some('M' | 'm') => format!("holds dates (dtype {descr:?}); save numbers"),
        _ => format!(
            "has dtype {descr:?}; supported are bool, int8 to int64, uint8 to uint64, float16, float32 and float64"
        ),
    })?;
    let fortran = match entry("fortran_order").ok_or_else(unclear)? {
        rest if rest.starts_with("True") => true,
        rest if rest.starts_with("False") => false,
        _ => return Err(unclear()),
    };
    let shape = entry("shape").and_then(|rest| rest.strip_prefix('(')?.split(')').next()).ok_or_else(unclear)?;
    let shape: Option<Vec<usize>> = shape
        .split(',')
        .map(str::trim)
        .filter(|axis| !axis.is_empty())
        .map(|axis| axis.trim_end_matches('L').parse().ok())
        .collect();
    Ok(Header { kind, big_endian: order == ">", fortran, shape: shape.ok_or_else(unclear)?, length: 0 })
}

/// Values whose first axis runs fastest, brought into the order in which the last does.
fn to_c_order(values: Vec<f64>, shape: &[usize]) -> Vec<f64> {
    if shape.len() < 2 || values.is_empty() {
        return values;
    }
    let mut index = vec![0; shape.len()];
    let mut ordered = Vec::with_capacity(values.len());
    for _ in 0..values.len() {
        let from = index.iter().zip(shape).rev().fold(0, |from, (at, length)| from * length + at);
        ordered.push(values[from]);
        for (at, length) in index.iter_mut().zip(shape).rev() {
            *at += 1;
            if *at < *length {
                break;
            }
            *at = 0;
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn every_supported_kind_of_number_is_read() {
        let cases: &[(&str, &[u8], f64)] = &[
            ("|b1", &[1], 1.0),
            ("|i1", &[0xff], -1.0),
            ("<i2", &[0xfe, 0xff], -2.0),
            (">i2", &[0xff, 0xfe], -2.0),
            ("<u4", &[0xff, 0xff, 0xff, 0xff], 4_294_967_295.0),
            ("<i8", &[3, 0, 0, 0, 0, 0, 0, 0], 3.0),
            ("<f2", &[0x00, 0x3e], 1.5),
            ("<f4", &[0, 0, 0xc0, 0xbf], -1.5),
            (">f8", &[0x3f, 0xf8, 0, 0, 0, 0, 0, 0], 1.5),
        ];
        for (descr, data, value) in cases {
            let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (1,), }}");
            let array = read(&*file(&header, data)).expect(descr);
            assert_eq!((array.shape, array.values), (vec![1], vec![*value]), "{descr}");
        }
    }

    #[test]
    fn fortran_order_is_turned() {
        let header = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }";
        let array = read(&*file(header, &[1, 4, 2, 5, 3, 6])).expect("valid");
        assert_eq!(array.values, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    }

    #[test]
    fn what_cannot_be_read_is_explained() {
        let messages: Vec<String> = [
            b"PK".to_vec(),
            file("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", &[]),
            file("{'descr': '<U5', 'fortran_order': False, 'shape': (1,), }", &[]),
            file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", &[]),
            file("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", &[]),
            file("{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }", &[0; 7]),
            file("{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 4), }", &[0; 7]),
            file("{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999,), }", &[0; 7]),
            file("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,), }", &[0; 4]),
            file("((((((((", &[]),
        ]
        .iter()
        .map(|bytes| read(&**bytes).expect_err("broken"))
        .collect();
        insta::assert_snapshot!(messages.join("\n"));
    }

    proptest::proptest! {
        #[test]
        fn hostile_bytes_never_panic(header in "[ -~]{0,60}", data in proptest::collection::vec(proptest::num::u8::ANY, 0..64)) {
            let _ = read(&*file(&header, &data));
            let _ = read(&*data);
        }
    }
}
