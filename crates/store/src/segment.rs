//! The form of a segment: its name, its header, the frame around a record.
//!
//! A run log is a row of files `log-00000.wal`, `log-00001.wal`, ... Each begins with a header of 40 bytes, all numbers
//! little-endian:
//!
//! | bytes | meaning |
//! |---|---|
//! | 0..8 | `BAROLOG1` |
//! | 8..10 | version of the format, 1 |
//! | 10..12 | bytes of the header, 40: where the first frame begins |
//! | 12..16 | number of the segment, as in its name |
//! | 16..20 | number of the last segment it holds: larger where thinning put several into one |
//! | 20..24 | 1, or N where one step in N was kept |
//! | 24..32 | number of the run, the same in all its segments |
//! | 32..36 | CRC-32 (IEEE) of bytes 0..32 |
//! | 36..40 | 0 |
//!
//! Frames follow: the length of a record in four bytes, the CRC-32 (IEEE) of those four bytes and the record in four
//! bytes, the record. A length of 0 is where the log ends for now: space set aside is zero. The length is written last,
//! so that a frame is there as a whole or not at all when the writer is killed.
//!
//! CRC-32 and not CRC-32C, because `crc32fast` is kept better than the crates for the latter; both use the processor's
//! instructions and cost the same here.
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The version of the format that this version writes, and the newest that it reads.
pub const FORMAT_VERSION: u16 = 1;

pub(crate) const MAGIC: [u8; 8] = *b"BAROLOG1";
pub(crate) const HEADER_BYTES: usize = 40;
/// Length and checksum before each record.
pub(crate) const FRAME_BYTES: usize = 8;
/// Bytes of the header that its checksum covers.
const CHECKED: Range<usize> = 0..32;

/// What a segment says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) first: u32,
    pub(crate) last: u32,
    pub(crate) every: u32,
    pub(crate) run: u64,
}

/// Why a file is not a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HeaderFault {
    /// Too short for a header, or zeros: made, and not written before the machine failed.
    Blank,
    Foreign(String),
    Version(u16),
    Damaged,
}

impl Header {
    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes.extend_from_slice(&(HEADER_BYTES as u16).to_le_bytes());
        bytes.extend_from_slice(&self.first.to_le_bytes());
        bytes.extend_from_slice(&self.last.to_le_bytes());
        bytes.extend_from_slice(&self.every.to_le_bytes());
        bytes.extend_from_slice(&self.run.to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        bytes.resize(HEADER_BYTES, 0);
        let mut header = [0; HEADER_BYTES];
        header.copy_from_slice(&bytes);
        header
    }

    /// The header, and the offset of the first frame.
    pub(crate) fn decode(bytes: &[u8]) -> Result<(Self, u64), HeaderFault> {
        if bytes.iter().all(|byte| *byte == 0) {
            return Err(HeaderFault::Blank);
        }
        let known = bytes.len().min(MAGIC.len());
        if bytes.get(..known) != MAGIC.get(..known) {
            return Err(HeaderFault::Foreign(bytes.iter().take(8).copied().map(printable).collect()));
        }
        let bytes = bytes.first_chunk::<HEADER_BYTES>().ok_or(HeaderFault::Blank)?;
        let version = u16::from_le_bytes([bytes[8], bytes[9]]);
        if version != FORMAT_VERSION {
            return Err(HeaderFault::Version(version));
        }
        let number = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        if crc32fast::hash(&bytes[CHECKED]) != number(CHECKED.end) {
            return Err(HeaderFault::Damaged);
        }
        let header = Self {
            first: number(12),
            last: number(16),
            every: number(20),
            run: u64::from(number(24)) | u64::from(number(28)) << 32,
        };
        Ok((header, u64::from(u16::from_le_bytes([bytes[10], bytes[11]]))))
    }
}

fn printable(byte: u8) -> char {
    if byte.is_ascii_graphic() || byte == b' ' { char::from(byte) } else { '.' }
}

/// The checksum of a frame.
pub(crate) fn checksum(length: [u8; 4], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length);
    hasher.update(payload);
    hasher.finalize()
}

/// The first bytes of a frame: length and checksum. Payloads are at most [`crate::MAX_RECORD_BYTES`] long.
pub(crate) fn frame_head(payload: &[u8]) -> ([u8; 4], [u8; 4]) {
    let length = (payload.len() as u32).to_le_bytes();
    (length, checksum(length, payload).to_le_bytes())
}

/// Bytes that a record takes in a segment.
pub(crate) fn framed(payload: usize) -> u64 {
    (payload + FRAME_BYTES) as u64
}

pub(crate) fn path_of(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("log-{number:05}.wal"))
}

/// Where a segment is made before it gets its name.
pub(crate) fn temporary_path_of(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("log-{number:05}.wal.tmp"))
}

/// The number in the name of a segment.
pub(crate) fn number_of(name: &str) -> Option<u32> {
    let digits = name.strip_prefix("log-")?.strip_suffix(".wal")?;
    if digits.len() >= 5 && digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::{Header, HeaderFault, number_of, path_of};
    use std::path::Path;

    #[test]
    fn a_header_survives_and_a_flipped_bit_does_not() {
        let header = Header { first: 3, last: 9, every: 4, run: 0x0123_4567_89ab_cdef };
        let bytes = header.encode();
        assert_eq!(Header::decode(&bytes), Ok((header, 40)));
        for bit in 0..32 * 8 {
            let mut damaged = bytes;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::decode(&damaged).is_err(), "bit {bit}");
        }
        for blank in [&bytes[..39], &[0; 40], &[]] {
            assert_eq!(Header::decode(blank), Err(HeaderFault::Blank));
        }
        assert_eq!(Header::decode(b"\x89PNG\r\n\x1a\n"), Err(HeaderFault::Foreign(".PNG....".to_owned())));
    }

    #[test]
    fn names_sort_by_number() {
        for number in [0, 12, 99_999, 100_000] {
            let path = path_of(Path::new(""), number);
            assert_eq!(number_of(path.to_str().unwrap()), Some(number));
        }
        for name in ["log-1.wal", "log-00001.wal.tmp", "log-0000x.wal", "log-99999999999.wal"] {
            assert_eq!(number_of(name), None);
        }
    }
}
