//! The segment that is being written.
use crate::StoreError;
use crate::platform;
use crate::segment::{self, HEADER_BYTES, Header};
use memmap2::{MmapMut, MmapOptions};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

/// When the disk is nearly full, segments shrink to this before the log gives up. Our choice.
const LEAST_CAPACITY: u64 = 64 << 10;

/// How bytes reach the file.
enum Body {
    /// Stores to memory: they are in the file, for the system, at once and whatever becomes of the process.
    Mapped(MmapMut),
    /// `write(2)`, through this buffer.
    Written(Vec<u8>),
}

pub(crate) struct Active {
    path: PathBuf,
    file: Arc<File>,
    body: Body,
    capacity: u64,
    end: u64,
}

impl Active {
    /// Makes a segment of `capacity` bytes, or of less (but at least `needed`) when the disk or a limit has no room for more.
    /// It gets its name when its header is in place, so that a reader never sees it without.
    pub(crate) fn create(
        dir: &Path,
        header: Header,
        capacity: u64,
        needed: u64,
        may_map: bool,
    ) -> Result<Self, StoreError> {
        let path = segment::path_of(dir, header.first);
        let temporary = segment::temporary_path_of(dir, header.first);
        let made = Self::make(&temporary, header, capacity, needed, may_map).and_then(|mut made| {
            fs::rename(&temporary, &path)?;
            made.path.clone_from(&path);
            Ok(made)
        });
        made.map_err(|source| {
            // Nothing is lost if this fails: readers do not look at temporary files.
            drop(fs::remove_file(&temporary));
            StoreError::io("make a segment of the run log", &path, source)
        })
    }

    fn make(path: &Path, header: Header, capacity: u64, needed: u64, may_map: bool) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
        let limit = platform::file_size_limit();
        if limit < needed {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let wanted = capacity.max(needed).min(limit);
        let room = if may_map && platform::may_map(&file) { set_aside(&file, wanted, needed)? } else { None };
        let mut made = Self::over(path, file, room, wanted)?;
        made.put(0, &header.encode())?;
        made.end = HEADER_BYTES as u64;
        Ok(made)
    }

    /// A segment over an open file: mapped when `room` bytes were set aside, else written.
    #[allow(unsafe_code, reason = "to map a file is unsafe; this is the one place")]
    fn over(path: &Path, file: File, room: Option<u64>, wanted: u64) -> io::Result<Self> {
        let body = match room {
            // SAFETY: this process alone writes the file, which is `room` bytes long with all of them set aside on a
            // filesystem where such pages can always be written. It is not shortened while the map lives: `finish` drops
            // the map first, and nobody else shortens a segment that is being written.
            Some(_) => Body::Mapped(unsafe { MmapOptions::new().map_mut(&file) }?),
            None => Body::Written(Vec::new()),
        };
        Ok(Self { path: path.to_owned(), file: Arc::new(file), body, capacity: room.unwrap_or(wanted), end: 0 })
    }

    /// Whether a record of this many bytes fits.
    pub(crate) fn fits(&self, payload: usize) -> bool {
        self.end.saturating_add(segment::framed(payload)) <= self.capacity
    }

    /// Bytes that the segment takes on the disk.
    pub(crate) fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Bytes written, the header included.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// Appends one record that [fits](Self::fits).
    pub(crate) fn append(&mut self, payload: &[u8]) -> io::Result<()> {
        let (length, checksum) = segment::frame_head(payload);
        match &mut self.body {
            Body::Mapped(map) => {
                let frame = map
                    .get_mut(self.end as usize..)
                    .and_then(|rest| rest.get_mut(..payload.len() + segment::FRAME_BYTES))
                    .ok_or(io::ErrorKind::StorageFull)?;
                let (head, body) = frame.split_at_mut(segment::FRAME_BYTES);
                let (length_at, checksum_at) = head.split_at_mut(length.len());
                body.copy_from_slice(payload);
                checksum_at.copy_from_slice(&checksum);
                // The length makes the frame valid; it must not become visible before the rest.
                fence(Ordering::Release);
                length_at.copy_from_slice(&length);
            }
            Body::Written(buffer) => {
                buffer.clear();
                buffer.extend_from_slice(&length);
                buffer.extend_from_slice(&checksum);
                buffer.extend_from_slice(payload);
                if let Err(error) = self.file.write_all_at(buffer, self.end) {
                    // What was written of the frame would read as a torn tail; without it the log ends cleanly.
                    drop(self.file.set_len(self.end));
                    return Err(error);
                }
            }
        }
        self.end = self.end.saturating_add(segment::framed(payload.len()));
        Ok(())
    }

    fn put(&mut self, at: usize, bytes: &[u8]) -> io::Result<()> {
        match &mut self.body {
            Body::Mapped(map) => {
                let place = map.get_mut(at..at + bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
                place.copy_from_slice(bytes);
                Ok(())
            }
            Body::Written(_) => self.file.write_all_at(bytes, at as u64),
        }
    }

    /// Gives back the space that was set aside and not used.
    pub(crate) fn finish(self) -> Result<Arc<File>, StoreError> {
        let Self { path, file, body, end, .. } = self;
        // A map beyond the end of its file must not exist.
        drop(body);
        file.set_len(end).map_err(|source| StoreError::io("close a segment of the run log", &path, source))?;
        Ok(file)
    }
}

/// Sets `wanted` bytes aside, or half, or a quarter, ...; `None` when the filesystem cannot.
fn set_aside(file: &File, wanted: u64, needed: u64) -> io::Result<Option<u64>> {
    let mut room = wanted;
    loop {
        match platform::set_aside(file, room) {
            Ok(able) => return Ok(able.then_some(room)),
            Err(error) if error.kind() != io::ErrorKind::StorageFull => return Err(error),
            Err(error) => {
                // What an attempt set aside before it failed would stand in the way of the next.
                file.set_len(0)?;
                if room / 2 < needed.max(LEAST_CAPACITY) {
                    return Err(error);
                }
                room /= 2;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Active, Body};
    use std::fs::OpenOptions;
    use std::io;
    use std::path::Path;

    /// A device on which every write fails as on a full disk, for any user.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_an_error_where_segments_are_not_mapped() {
        let file = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut active = Active::over(Path::new("/dev/full"), file, None, 1 << 20).unwrap();
        assert!(matches!(active.body, Body::Written(_)));
        assert_eq!(active.append(b"record").unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(active.end(), 0);
    }
}
