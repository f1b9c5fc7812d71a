//! The questions that only the system can answer.
use rustix::fs::FallocateFlags;
use rustix::io::Errno;
use std::fs::File;
use std::io;

/// Filesystems on which a mapped page that was set aside can always be written. Others (network, FUSE, copy on write) may
/// run out of room, or lose their server, at the moment of a store to memory, which is a signal and not an error.
#[cfg(target_os = "linux")]
const SAFE_TO_MAP: [u64; 5] = [
    0xef53,      // ext2, ext3, ext4
    0x5846_5342, // XFS
    0x0102_1994, // tmpfs
    0xf2f5_2010, // F2FS
    0x794c_7630, // overlayfs
];

/// Whether a segment may be mapped here.
#[cfg(target_os = "linux")]
pub(crate) fn may_map(file: &File) -> bool {
    rustix::fs::fstatfs(file).is_ok_and(|stat| SAFE_TO_MAP.contains(&(stat.f_type as u64)))
}

/// Whether a segment may be mapped here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn may_map(_: &File) -> bool {
    false
}

/// Sets `bytes` aside for the file; `false` when the filesystem cannot.
pub(crate) fn set_aside(file: &File, bytes: u64) -> io::Result<bool> {
    loop {
        match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, bytes) {
            Ok(()) => return Ok(true),
            Err(Errno::INTR) => {}
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
}

/// The largest file that this process may write (`ulimit -f`). To go beyond it is a signal that ends the process, so the
/// writer asks first.
pub(crate) fn file_size_limit() -> u64 {
    rustix::process::getrlimit(rustix::process::Resource::Fsize).current.unwrap_or(u64::MAX)
}
