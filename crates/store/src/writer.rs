//! Writes a run log on the calling thread.
use crate::active::Active;
use crate::codec::{self, MAX_RECORD_BYTES, glance, kind};
use crate::keeper::Keeper;
use crate::limits::{self, Limits};
use crate::lock::Lock;
use crate::segment::{self, Header};
use crate::thin::Closed;
use crate::{StoreError, folder, resume};
use barograph_vocab::{Record, StepRecord};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How a log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The files of the log together never take more bytes than this, space set aside and temporary files included.
    /// At least 1 MiB; 1 GiB unless told otherwise.
    pub cap_bytes: u64,
    /// Size of the first segment; later ones double up to `segment_bytes`. 1 MiB unless told otherwise.
    pub first_segment_bytes: u64,
    /// Size of a segment, between 1/256 and 1/64 of `cap_bytes`. 16 MiB unless told otherwise.
    pub segment_bytes: u64,
    /// How often another thread asks the system to put the log on the disk. A second unless told otherwise.
    /// It matters when the machine fails; a process that is killed loses nothing either way.
    pub sync_every: Duration,
    /// Whether segments may be mapped into memory, where the filesystem is fit for it. True unless told otherwise.
    pub map: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cap_bytes: limits::DEFAULT_CAP_BYTES,
            first_segment_bytes: limits::FIRST_SEGMENT_BYTES,
            segment_bytes: limits::SEGMENT_BYTES,
            sync_every: Duration::from_secs(1),
            map: true,
        }
    }
}

/// What became of a record that caused no error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is in the log, and stays there if this process is killed.
    Written,
    /// It was left out and counted: the log is at its bound, and thinning has not made room yet.
    Dropped,
}

/// What a log lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Records left out at the bound, or for their size.
    pub dropped: u64,
    /// Records lost after an error.
    pub lost: u64,
    /// The error that ended the log, if one did.
    pub failure: Option<String>,
    /// The first error of the thread that syncs and thins; the log goes on.
    pub trouble: Option<String>,
}

/// The writer of one run log.
///
/// After an error of the system it goes quiet: what was written stays valid, and later records are counted and lost.
/// It never panics. A copy of it in a forked process does nothing.
pub struct Writer {
    dir: PathBuf,
    run: u64,
    process: u32,
    limits: Limits,
    may_map: bool,
    lock: Option<Lock>,
    active: Option<Active>,
    number: u32,
    keeper: Keeper,
    scratch: Vec<u8>,
    gap: Gap,
    health: Health,
}

/// Records left out since the last that was written.
#[derive(Default)]
struct Gap {
    step: u64,
    count: u64,
}

const GAP_REASON: &str = "the log reached its size limit faster than it could be thinned";

impl Writer {
    /// Begins a log in `dir`, which is made if need be.
    ///
    /// # Errors
    /// When the folder cannot be made or written, or holds a log already.
    pub fn create(dir: impl AsRef<Path>, options: Options) -> Result<Self, StoreError> {
        let dir = dir.as_ref().to_owned();
        fs::create_dir_all(&dir).map_err(|source| StoreError::io("make the run folder", &dir, source))?;
        refuse_a_second_log(&dir)?;
        let lock = Lock::take(&dir)?;
        // Another writer may have come and gone meanwhile.
        if let Err(error) = refuse_a_second_log(&dir) {
            lock.release();
            return Err(error);
        }
        let (limits, run) = (Limits::of(&options), run_number());
        let keeper = Keeper::start(dir.clone(), run, limits, options.sync_every);
        let mut writer = Self {
            dir,
            run,
            process: std::process::id(),
            limits,
            may_map: options.map,
            lock: Some(lock),
            active: None,
            number: 0,
            keeper,
            scratch: Vec::new(),
            gap: Gap::default(),
            health: Health::default(),
        };
        // On an error the writer is dropped, and with it the lock.
        writer.begin_segment(0)?;
        Ok(writer)
    }

    /// Goes on with the log that an earlier process left in `dir`: shows each record to `keep`, in order, and cuts the log at the first
    /// that it does not keep. Returns the steps that were cut off, too.
    ///
    /// # Errors
    /// When there is no log, it cannot be read or written, or somebody is writing it.
    pub fn resume(
        dir: impl AsRef<Path>,
        options: Options,
        keep: impl FnMut(&Record) -> bool,
    ) -> Result<(Self, u64), StoreError> {
        let dir = dir.as_ref().to_owned();
        let lock = Lock::take(&dir)?;
        let remains = match resume::cut(&dir, keep) {
            Ok(remains) => remains,
            Err(error) => {
                lock.release();
                return Err(error);
            }
        };
        let limits = Limits::of(&options);
        let keeper = Keeper::start(dir.clone(), remains.run, limits, options.sync_every);
        for (closed, file) in remains.closed {
            keeper.shared().add_closed(closed, file);
        }
        for step in remains.incidents {
            keeper.shared().add_incident(step);
        }
        let mut writer = Self {
            dir,
            run: remains.run,
            process: std::process::id(),
            limits,
            may_map: options.map,
            lock: Some(lock),
            active: None,
            number: remains.next,
            keeper,
            scratch: Vec::new(),
            gap: Gap::default(),
            health: Health::default(),
        };
        writer.begin_segment(0)?;
        Ok((writer, remains.steps_cut))
    }

    /// The folder of the run.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Appends any record.
    ///
    /// # Errors
    /// The error that ended the log, once, and [`StoreError::Lost`] from then on; [`StoreError::TooLarge`] for one record
    /// that is left out.
    pub fn append(&mut self, record: &Record) -> Result<Appended, StoreError> {
        self.append_with(|out| codec::encode(record, out))
    }

    /// Appends a step without copying it into a [`Record`].
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn append_step(&mut self, step: &StepRecord) -> Result<Appended, StoreError> {
        self.append_with(|out| codec::encode_step(step, out))
    }

    fn append_with(&mut self, encode: impl FnOnce(&mut Vec<u8>)) -> Result<Appended, StoreError> {
        if self.health.failure.is_some() {
            return Err(self.lose());
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        encode(&mut scratch);
        let appended = self.append_encoded(&scratch);
        self.scratch = scratch;
        appended
    }

    /// Appends a record that [`crate::encode`] or [`crate::encode_step`] has encoded.
    ///
    /// # Errors
    /// As [`append`](Self::append), and when `payload` is empty.
    pub fn append_encoded(&mut self, payload: &[u8]) -> Result<Appended, StoreError> {
        if self.health.failure.is_some() {
            return Err(self.lose());
        }
        let Some(&kind) = payload.first() else { return Err(StoreError::Codec(crate::CodecError::Short)) };
        if payload.len() > MAX_RECORD_BYTES {
            self.health.dropped += 1;
            return Err(StoreError::TooLarge { bytes: payload.len(), limit: MAX_RECORD_BYTES });
        }
        if kind == kind::INCIDENT {
            self.protect(payload);
        }
        let limit = if kind == kind::STEP { self.limits.steps } else { self.limits.others };
        if !self.make_room(payload.len(), limit)? {
            self.drop_record(payload);
            return Ok(Appended::Dropped);
        }
        if self.gap.count > 0 {
            self.close_gap(limit)?;
            if !self.make_room(payload.len(), limit)? {
                self.drop_record(payload);
                return Ok(Appended::Dropped);
            }
        }
        self.put(payload)?;
        Ok(Appended::Written)
    }

    /// Tells the keeper which steps are never thinned.
    fn protect(&self, payload: &[u8]) {
        if let Ok(codec::Decoded { record: Some(Record::Incident(incident)), .. }) = codec::decode(payload) {
            self.keeper.shared().add_incident(incident.step);
        }
    }

    fn drop_record(&mut self, payload: &[u8]) {
        if self.gap.count == 0 {
            self.gap.step = glance(payload).map_or(0, |head| head.step);
        }
        self.gap.count += 1;
        self.health.dropped += 1;
    }

    /// Says in the log what it lacks.
    fn close_gap(&mut self, limit: u64) -> Result<(), StoreError> {
        let Gap { step, count } = std::mem::take(&mut self.gap);
        let mut payload = Vec::new();
        codec::encode(&Record::Dropped { step, count, reason: GAP_REASON.to_owned() }, &mut payload);
        if self.make_room(payload.len(), limit)? {
            self.put(&payload)
        } else {
            self.gap = Gap { step, count };
            Ok(())
        }
    }

    /// Sees to it that a record of this size fits into the active segment, and says whether it may be written there.
    fn make_room(&mut self, payload: usize, limit: u64) -> Result<bool, StoreError> {
        let closed = self.keeper.shared().closed_bytes();
        let Some(active) = &self.active else { return Err(self.lose()) };
        if closed.saturating_add(active.capacity()) > limit {
            return Ok(false);
        }
        if active.fits(payload) {
            return Ok(true);
        }
        let next = self.next_capacity(payload);
        if closed.saturating_add(active.end()).saturating_add(next) > limit {
            return Ok(false);
        }
        let turned = self.close_segment().and_then(|()| self.begin_segment(payload));
        turned.map(|()| true).map_err(|error| self.fail(error))
    }

    /// The size of the next segment: twice the last, up to a limit, and enough for one record.
    fn next_capacity(&self, payload: usize) -> u64 {
        let doubled = self.limits.first_segment.saturating_mul(1 << self.number.min(16));
        doubled.min(self.limits.segment).max(least_capacity(payload))
    }

    fn begin_segment(&mut self, payload: usize) -> Result<(), StoreError> {
        let header = Header { first: self.number, last: self.number, every: 1, run: self.run };
        let capacity = self.next_capacity(payload);
        let active = Active::create(&self.dir, header, capacity, least_capacity(payload), self.may_map)?;
        self.keeper.shared().set_active(active.file());
        self.active = Some(active);
        self.number += 1;
        Ok(())
    }

    fn close_segment(&mut self) -> Result<(), StoreError> {
        let Some(active) = self.active.take() else { return Ok(()) };
        let number = self.number.saturating_sub(1);
        let closed = Closed { first: number, last: number, bytes: active.end(), every: 1 };
        let file = active.finish()?;
        self.keeper.shared().add_closed(closed, file);
        Ok(())
    }

    fn put(&mut self, payload: &[u8]) -> Result<(), StoreError> {
        let Some(active) = &mut self.active else { return Err(self.lose()) };
        if let Err(source) = active.append(payload) {
            let error = StoreError::io("write the run log", active.path(), source);
            return Err(self.fail(error));
        }
        self.keeper.shared().count_append();
        Ok(())
    }

    /// Goes quiet.
    fn fail(&mut self, error: StoreError) -> StoreError {
        self.health.lost += 1;
        self.health.failure = Some(error.to_string());
        error
    }

    fn lose(&mut self) -> StoreError {
        self.health.lost += 1;
        StoreError::Lost { records: self.health.lost }
    }

    /// What the log lacks so far.
    #[must_use]
    pub fn health(&self) -> Health {
        Health { trouble: self.keeper.shared().trouble(), ..self.health.clone() }
    }

    /// Waits until everything that was appended is on the disk.
    ///
    /// # Errors
    /// When the disk refuses; or [`StoreError::Lost`] after an earlier error.
    pub fn sync(&mut self) -> Result<(), StoreError> {
        let Some(active) = &self.active else { return Err(StoreError::Lost { records: self.health.lost }) };
        active.file().sync_data().map_err(|source| StoreError::io("sync the run log", active.path(), source))
    }

    /// Ends the log: gives back unused space, syncs, and says that nobody is writing any more.
    ///
    /// # Errors
    /// When the disk refuses; or [`StoreError::Lost`] after an earlier error.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.shut()
    }

    /// What `close` and dropping do. A forked copy must not touch its parent's files.
    fn shut(&mut self) -> Result<(), StoreError> {
        if std::process::id() != self.process {
            return Ok(());
        }
        let Some(lock) = self.lock.take() else { return Ok(()) };
        self.keeper.stop();
        let gap = if self.gap.count > 0 && self.active.is_some() { self.close_gap(self.limits.others) } else { Ok(()) };
        let synced = match self.active.take() {
            Some(active) => {
                let path = active.path().to_owned();
                active.finish().and_then(|file| {
                    file.sync_data().map_err(|source| StoreError::io("sync the run log", &path, source))
                })
            }
            None => Err(StoreError::Lost { records: self.health.lost }),
        };
        lock.release();
        gap.and(synced)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Whoever wants to hear of an error calls `close`.
        drop(self.shut());
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("dir", &self.dir).field("health", &self.health).finish_non_exhaustive()
    }
}

fn refuse_a_second_log(dir: &Path) -> Result<(), StoreError> {
    let segments = folder::segments(dir).map_err(|source| StoreError::io("read the run folder", dir, source))?;
    if segments.is_empty() { Ok(()) } else { Err(StoreError::Exists { dir: dir.to_owned() }) }
}

fn least_capacity(payload: usize) -> u64 {
    segment::framed(payload).saturating_add(segment::HEADER_BYTES as u64)
}

/// Tells runs apart; nothing else depends on it.
fn run_number() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (now.as_nanos() as u64).rotate_left(20) ^ u64::from(std::process::id())
}
