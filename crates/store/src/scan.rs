//! Reads one segment, frame by frame, while it may still grow.
use crate::segment::{self, FORMAT_VERSION, FRAME_BYTES, HEADER_BYTES, Header, HeaderFault};
use crate::{MAX_RECORD_BYTES, StoreError};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// In one segment, the search for sound records behind damaged ones gives up after checking this many bytes. Our choice:
/// about 0.1 s, so that a hostile file cannot take long.
const RESYNC_BYTES: usize = 256 << 20;
/// Bytes read at once.
const WINDOW_BYTES: usize = 256 << 10;

pub(crate) struct Scan {
    path: PathBuf,
    file: File,
    header: Header,
    offset: u64,
    window: Vec<u8>,
    window_at: u64,
    resync_bytes: usize,
}

/// What is at the offset of a scan.
pub(crate) enum Found {
    /// A record, which was stepped over; see [`Scan::payload`].
    Record(Range<usize>),
    /// Nothing yet: the end of the file, or space set aside.
    Nothing,
    /// The beginning of a frame that the file does not hold to its end.
    Torn,
    /// A frame with a wrong checksum, or a length that cannot be; with the offset behind it, if that can be told.
    Damaged(Option<u64>),
}

impl Scan {
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(|source| StoreError::io("open the run log", path, source))?;
        let mut bytes = [0; HEADER_BYTES];
        let got =
            read_fully(&file, &mut bytes, 0).map_err(|source| StoreError::io("read the run log", path, source))?;
        let header = Header::decode(bytes.get(..got).unwrap_or_default());
        let (header, offset) = header.map_err(|fault| match fault {
            HeaderFault::Foreign(begins) => StoreError::Foreign { path: path.to_owned(), begins },
            HeaderFault::Version(found) => StoreError::Version { path: path.to_owned(), found, known: FORMAT_VERSION },
            HeaderFault::Blank => StoreError::Empty { path: path.to_owned() },
            HeaderFault::Damaged => StoreError::Header { path: path.to_owned() },
        })?;
        Ok(Self { path: path.to_owned(), file, header, offset, window: Vec::new(), window_at: 0, resync_bytes: 0 })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn header(&self) -> Header {
        self.header
    }

    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Goes back to an offset where a frame begins.
    pub(crate) fn back_to(&mut self, offset: u64) {
        self.offset = offset;
    }

    /// The record that [`Found::Record`] points to, until the next call.
    pub(crate) fn payload(&self, range: Range<usize>) -> &[u8] {
        self.window.get(range).unwrap_or_default()
    }

    /// Steps over one record.
    pub(crate) fn next(&mut self) -> Result<Found, StoreError> {
        let found = self.look(self.offset).map_err(|source| StoreError::io("read the run log", &self.path, source))?;
        match &found {
            Found::Record(range) => self.offset = self.offset.saturating_add(segment::framed(range.len())),
            // The writer may fill in what is missing, so that the next look must be at the file.
            Found::Nothing | Found::Torn | Found::Damaged(_) => self.window.clear(),
        }
        Ok(found)
    }

    /// Looks for the next sound record behind what cannot be read, goes there, and says how many bytes that left out.
    pub(crate) fn resync(&mut self) -> Result<Option<u64>, StoreError> {
        // Space that was set aside and not used need not be searched.
        let end = self.offset.saturating_add(self.unfinished_bytes()?);
        let found = self.find_sound(end).map_err(|source| StoreError::io("read the run log", &self.path, source))?;
        Ok(found.map(|at| at - std::mem::replace(&mut self.offset, at)))
    }

    fn find_sound(&mut self, last: u64) -> io::Result<Option<u64>> {
        let end = self.file.metadata()?.len();
        for at in self.offset.saturating_add(1)..last {
            let Some(head) = self.slice(at, FRAME_BYTES)? else { break };
            let Some((length, _)) = split_head(self.payload(head)) else { break };
            let payload_bytes = u32::from_le_bytes(length) as usize;
            let fits = at.saturating_add(segment::framed(payload_bytes)) <= end;
            if payload_bytes == 0 || payload_bytes > MAX_RECORD_BYTES || !fits {
                continue;
            }
            if self.resync_bytes > RESYNC_BYTES {
                break;
            }
            self.resync_bytes = self.resync_bytes.saturating_add(payload_bytes);
            if matches!(self.look(at)?, Found::Record(_)) {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    fn look(&mut self, at: u64) -> io::Result<Found> {
        let Some(head) = self.slice(at, FRAME_BYTES)? else {
            let rest = self.slice_to_end(at)?;
            return Ok(if rest.iter().all(|byte| *byte == 0) { Found::Nothing } else { Found::Torn });
        };
        let Some((length, checksum)) = split_head(self.payload(head.clone())) else { return Ok(Found::Torn) };
        let payload_bytes = u32::from_le_bytes(length) as usize;
        if payload_bytes == 0 {
            return Ok(Found::Nothing);
        }
        if payload_bytes > MAX_RECORD_BYTES {
            return Ok(Found::Damaged(None));
        }
        let Some(frame) = self.slice(at, FRAME_BYTES + payload_bytes)? else { return Ok(Found::Torn) };
        let payload = frame.start + FRAME_BYTES..frame.end;
        if segment::checksum(length, self.payload(payload.clone())) == checksum {
            Ok(Found::Record(payload))
        } else {
            Ok(Found::Damaged(Some(at.saturating_add(segment::framed(payload_bytes)))))
        }
    }

    /// Where in the window the `length` bytes at offset `at` are; `None` when the file ends before.
    fn slice(&mut self, at: u64, length: usize) -> io::Result<Option<Range<usize>>> {
        if let Some(range) = self.in_window(at, length) {
            return Ok(Some(range));
        }
        // A hostile length must not cost memory, so that the file is asked first.
        if at.saturating_add(length as u64) > self.file.metadata()?.len() {
            return Ok(None);
        }
        self.window.resize(length.max(WINDOW_BYTES), 0);
        self.window_at = at;
        let got = read_fully(&self.file, &mut self.window, at)?;
        self.window.truncate(got);
        Ok(self.in_window(at, length))
    }

    fn in_window(&self, at: u64, length: usize) -> Option<Range<usize>> {
        let start = usize::try_from(at.checked_sub(self.window_at)?).ok()?;
        let end = start.checked_add(length)?;
        (end <= self.window.len()).then_some(start..end)
    }

    /// Fewer than a frame's head: what the file still holds.
    fn slice_to_end(&self, at: u64) -> io::Result<Vec<u8>> {
        let mut rest = vec![0; FRAME_BYTES];
        let got = read_fully(&self.file, &mut rest, at)?;
        rest.truncate(got);
        Ok(rest)
    }

    /// Bytes after the last record, up to the last that is not zero: what a writer left unfinished.
    pub(crate) fn unfinished_bytes(&self) -> Result<u64, StoreError> {
        let fail = |source| StoreError::io("read the run log", &self.path, source);
        let mut block = vec![0; WINDOW_BYTES];
        let (mut at, mut end) = (self.offset, self.offset);
        loop {
            let got = read_fully(&self.file, &mut block, at).map_err(fail)?;
            let bytes = block.get(..got).unwrap_or_default();
            if bytes.is_empty() {
                return Ok(end - self.offset);
            }
            if let Some(last) = bytes.iter().rposition(|byte| *byte != 0) {
                end = at.saturating_add(last as u64 + 1);
            }
            at = at.saturating_add(got as u64);
        }
    }
}

fn split_head(head: &[u8]) -> Option<([u8; 4], u32)> {
    let (length, rest) = head.split_first_chunk::<4>()?;
    let (checksum, _) = rest.split_first_chunk::<4>()?;
    Some((*length, u32::from_le_bytes(*checksum)))
}

/// Fills `buffer` from `at` on, and says how much of it before the end of the file.
fn read_fully(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut got = 0;
    while let Some(rest) = buffer.get_mut(got..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, at.saturating_add(got as u64)) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}
