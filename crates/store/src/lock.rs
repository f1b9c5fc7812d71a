//! The mark of a run that is being written: a locked file with the writer's process number in it.
//!
//! The system drops the lock when the writer dies, however it dies, so that a run that was killed never looks alive.
use crate::StoreError;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

const NAME: &str = "writer.lock";
/// A reader that looks holds the lock for an instant; the writer tries this often.
const ATTEMPTS: u32 = 40;
const PAUSE: Duration = Duration::from_millis(5);

/// Held by the writer of a run.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    // Open as long as the run is written: closing it drops the lock.
    _file: File,
}

impl Lock {
    pub(crate) fn take(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(NAME);
        let fail = |source: io::Error| StoreError::io("mark the run as being written", &path, source);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(fail)?;
        for attempt in 0.. {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Err(Errno::WOULDBLOCK) if attempt < ATTEMPTS => std::thread::sleep(PAUSE),
                Err(Errno::WOULDBLOCK) => return Err(StoreError::Exists { dir: dir.to_owned() }),
                // Where there are no locks, the process number in the file must do.
                Ok(()) | Err(_) => break,
            }
        }
        file.set_len(0).and_then(|()| write!(file, "{}", std::process::id())).map_err(fail)?;
        Ok(Self { path, _file: file })
    }

    /// Says that the run is not being written any more.
    pub(crate) fn release(self) {
        // When this fails the lock is dropped all the same, with the file.
        drop(fs::remove_file(&self.path));
    }
}

/// Whether someone is writing the run.
pub(crate) fn is_held(dir: &Path) -> bool {
    let path = dir.join(NAME);
    let Ok(file) = File::open(&path) else { return false };
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => false,
        Err(Errno::WOULDBLOCK) => true,
        Err(_) => fs::read_to_string(&path).is_ok_and(|text| is_alive(&text)),
    }
}

fn is_alive(pid: &str) -> bool {
    let pid = pid.trim().parse().ok().and_then(Pid::from_raw);
    // A process of another user is alive, too.
    pid.is_some_and(|pid| matches!(test_kill_process(pid), Ok(()) | Err(Errno::PERM)))
}
