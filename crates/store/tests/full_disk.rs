//! A disk without room, a folder without permission: the log ends, the run goes on, and what was written can be read.
mod support;

use barograph_store::{Appended, Options, StoreError, Writer};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use support::{read_run, steps_of, usual_step};

const CHILD: &str = "BAROGRAPH_TEST_FULL_CHILD";
const SEGMENT: u64 = 64 << 10;

fn options(map: bool) -> Options {
    Options {
        cap_bytes: 256 * SEGMENT,
        first_segment_bytes: SEGMENT,
        segment_bytes: SEGMENT,
        map,
        ..Options::default()
    }
}

/// Appends steps until the disk refuses; then some more, which must be counted and cheap. Returns how many were acknowledged.
fn append_until_refused(writer: &mut Writer) -> u64 {
    let mut step = 0;
    let error = loop {
        match writer.append_step(&usual_step(step, 3)) {
            Ok(appended) => assert_eq!(appended, Appended::Written),
            Err(error) => break error,
        }
        step += 1;
        assert!(step < 1_000_000, "the disk is never full");
    };
    assert!(matches!(error, StoreError::Io { .. }), "{error}");
    let said = error.to_string();
    assert!(said.contains("log-") && (said.contains("ulimit") || said.contains("free some space")), "{said}");
    for more in 2..100 {
        let lost = writer.append_step(&usual_step(step, 3)).unwrap_err();
        assert!(matches!(lost, StoreError::Lost { records } if records == more), "{lost}");
    }
    assert_eq!(writer.health().lost, 99);
    assert_eq!(writer.health().failure, Some(said));
    step
}

fn every_acknowledged_step_is_there(dir: &Path, acknowledged: u64) {
    let (records, _) = read_run(dir);
    assert!(acknowledged > 10);
    assert!(steps_of(&records).into_iter().eq(0..acknowledged));
}

/// The child's half of the next test: no file may grow beyond one segment, and then a record comes that is larger.
fn fill_up_to_a_limit(dir: &Path, map: bool) {
    let mut writer = Writer::create(dir, options(map)).unwrap();
    let limit = Some(SEGMENT);
    setrlimit(Resource::Fsize, Rlimit { current: limit, maximum: limit }).unwrap();
    let mut step = 0;
    while step < 30 {
        assert_eq!(writer.append_step(&usual_step(step, 3)).unwrap(), Appended::Written);
        step += 1;
    }
    let error = writer.append_step(&usual_step(step, 3000)).unwrap_err();
    assert!(error.to_string().contains("ulimit -f"), "{error}");
    assert!(matches!(writer.append_step(&usual_step(step, 3)), Err(StoreError::Lost { records: 2 })));
    assert!(matches!(writer.close(), Err(StoreError::Lost { .. })));
}

#[test]
fn a_limit_of_file_sizes_is_an_error_and_not_a_signal() {
    if let Some(dir) = std::env::var_os(CHILD) {
        for map in [true, false] {
            let dir = Path::new(&dir).join(map.to_string());
            fill_up_to_a_limit(&dir, map);
            every_acknowledged_step_is_there(&dir, 30);
        }
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    // A process of its own: the limit holds for all of it, and a signal would end it.
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_limit_of_file_sizes_is_an_error_and_not_a_signal", "--nocapture"])
        .env(CHILD, dir.path())
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
}

/// A real disk without room, where the user may make one. The test above, and one in `active.rs` with a
/// device that is always full, run for any user.
#[test]
fn a_full_disk_is_an_error_and_not_a_signal() {
    for map in [true, false] {
        let Some(disk) = SmallDisk::mount() else {
            assert!(!rustix::process::geteuid().is_root() || cannot_mount(), "root could not mount a small disk");
            return;
        };
        let mut writer = Writer::create(disk.0.path().join("run"), options(map)).unwrap();
        let acknowledged = append_until_refused(&mut writer);
        drop(writer);
        every_acknowledged_step_is_there(&disk.0.path().join("run"), acknowledged);
    }
}

/// Whether this machine forbids mounts even to root, as containers do.
fn cannot_mount() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap().trim().to_owned();
    // CAP_SYS_ADMIN is bit 21.
    u64::from_str_radix(&effective, 16).unwrap() >> 21 & 1 == 0
}

struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(dir.path())
            .output()
            .is_ok_and(|output| output.status.success());
        mounted.then_some(Self(dir))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(self.0.path()).status());
    }
}

#[test]
fn a_folder_that_cannot_be_written_or_read_is_an_error_in_words() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "x").unwrap();
    let error = Writer::create(dir.path().join("file/run"), Options::default()).unwrap_err();
    assert!(error.to_string().contains("cannot make the run folder"), "{error}");

    // Root may write anywhere, but in this folder of the system.
    let closed = if rustix::process::geteuid().is_root() {
        Path::new("/proc/barograph").to_owned()
    } else {
        let closed = dir.path().join("closed");
        fs::create_dir(&closed).unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
        closed.join("run")
    };
    let error = Writer::create(&closed, Options::default()).unwrap_err();
    assert!(matches!(&error, StoreError::Io { path, .. } if *path == closed), "{error}");
}
