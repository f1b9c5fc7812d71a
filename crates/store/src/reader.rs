//! Reads a run log, whole, torn, damaged, thinned, or still being written.
use crate::codec::{self, Decoded, glance, kind};
use crate::scan::{Found, Scan};
use crate::summary::{self, RunState};
use crate::{StoreError, folder, lock, segment};
use barograph_vocab::Record;
use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Thinning may replace files between the listing and the opening of a folder; then it is listed again, this often.
const ATTEMPTS: u32 = 16;

/// Reads the records of one run in order.
///
/// It never changes the run. What it cannot read it leaves out, and says so in [`notes`](Self::notes). At the end of a log that
/// is still being written it gives `None`, and more when it is asked again later.
pub struct Reader {
    dir: PathBuf,
    current: Option<Scan>,
    later: VecDeque<Scan>,
    tally: Tally,
    remarks: Vec<String>,
    /// The end was reached, and what is behind it was said.
    ended: bool,
}

/// What was read so far.
#[derive(Debug, Default)]
struct Tally {
    steps: u64,
    unknown: u64,
    undecodable: u64,
    thinned: Option<Thinned>,
}

#[derive(Debug)]
struct Thinned {
    first: u64,
    last: u64,
    most: u32,
}

/// What a look at the log gave.
enum Next {
    Record(Range<usize>),
    End,
}

impl Reader {
    /// Opens the log in a run folder.
    ///
    /// # Errors
    /// When it is no run folder, cannot be read, holds something else, was written by a newer version, or is empty and nobody
    /// is writing it.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, StoreError> {
        let dir = dir.as_ref();
        let Opened { mut scans, mut remarks } = open_all(dir)?;
        let live = lock::is_held(dir);
        if !live && !holds_a_record(&mut scans)? {
            return Err(StoreError::Empty { path: dir.to_owned() });
        }
        let first = scans.front().map_or(0, |scan| scan.header().first);
        if first > 0 {
            remarks.push(format!("{} missing", names_of(0, first - 1)));
        }
        Ok(Self {
            dir: dir.to_owned(),
            current: scans.pop_front(),
            later: scans,
            tally: Tally::default(),
            remarks,
            ended: false,
        })
    }

    /// The folder of the run.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether the run is being written, has ended, or broke off.
    #[must_use]
    pub fn state(&self) -> RunState {
        summary::state_of(&self.dir)
    }

    /// The next record, encoded, for [`crate::decode`] or [`crate::decode_step_into`]; `None` at the end of what there is.
    ///
    /// # Errors
    /// When the system cannot read the file.
    pub fn next_encoded(&mut self) -> Result<Option<&[u8]>, StoreError> {
        match self.advance()? {
            Next::End => Ok(None),
            Next::Record(range) => {
                let payload = self.current.as_ref().map(|scan| scan.payload(range)).unwrap_or_default();
                self.tally.count(payload);
                Ok(Some(payload))
            }
        }
    }

    /// The next record of a kind that this version knows; `None` at the end of what there is.
    ///
    /// # Errors
    /// When the system cannot read the file. A record that cannot be decoded is left out and noted.
    pub fn next_record(&mut self) -> Result<Option<Record>, StoreError> {
        loop {
            let Some(payload) = self.next_encoded()? else { return Ok(None) };
            match codec::decode(payload) {
                Ok(Decoded { record, skipped }) => {
                    self.tally.unknown = self.tally.unknown.saturating_add(u64::from(skipped));
                    if record.is_some() {
                        return Ok(record);
                    }
                }
                Err(_) => self.tally.undecodable += 1,
            }
        }
    }

    /// What is to be said about the log as far as it was read, one sentence each: torn, damaged, missing, thinned,
    /// not understood, still being written.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.remarks.clone();
        if let Some(Thinned { first, last, most }) = &self.tally.thinned {
            notes.push(format!(
                "steps {first} to {last} are thinned to one record in up to {most}; extremes, non-finite counts and \
                 findings are kept"
            ));
        }
        if self.tally.unknown > 0 {
            notes.push(format!(
                "{} of a kind that this Barograph does not know {} left out; update Barograph to see them",
                plural(self.tally.unknown, "record or reading", "records or readings"),
                if self.tally.unknown == 1 { "was" } else { "were" }
            ));
        }
        if self.tally.undecodable > 0 {
            notes.push(format!(
                "{} could not be decoded and left out; the log was not written by Barograph alone",
                plural(self.tally.undecodable, "record", "records")
            ));
        }
        match self.state() {
            RunState::Running => notes.push("the run is still being written".to_owned()),
            RunState::BrokenOff => notes.push("the run broke off: its log holds no end".to_owned()),
            RunState::Ended => {}
        }
        notes
    }

    fn advance(&mut self) -> Result<Next, StoreError> {
        loop {
            let Some(scan) = &mut self.current else { return Ok(Next::End) };
            if let Found::Record(range) = scan.next()? {
                return Ok(Next::Record(range));
            }
            if let Some(next) = self.at_end()? {
                return Ok(next);
            }
        }
    }

    /// Where no record can be read: what to return, or `None` to go on reading.
    fn at_end(&mut self) -> Result<Option<Next>, StoreError> {
        if self.ended {
            return Ok(Some(Next::End));
        }
        // The order matters: what the writer appends before it begins a segment, or before it ends, is seen by the second
        // look below.
        let live = lock::is_held(&self.dir);
        let more = self.find_later()?;
        let Some(scan) = &mut self.current else { return Ok(Some(Next::End)) };
        let found = scan.next()?;
        if let Found::Record(range) = found {
            return Ok(Some(Next::Record(range)));
        }
        // The end of a log that is being written: the writer will fill in what is missing.
        if !more && live && !matches!(found, Found::Damaged(_)) {
            return Ok(Some(Next::End));
        }
        let at = scan.offset();
        if let Some(bytes) = scan.resync()? {
            let place = format!("{}: {} after offset {at}", name_of(scan), plural(bytes, "byte", "bytes"));
            self.remarks.push(format!("{place} are damaged and were left out"));
            return Ok(None);
        }
        if !more && live {
            return Ok(Some(Next::End));
        }
        self.say_what_is_unfinished(more, &found)?;
        if more {
            self.turn_page();
            return Ok(None);
        }
        self.ended = true;
        Ok(Some(Next::End))
    }

    /// Whether there is a segment after the current one.
    fn find_later(&mut self) -> Result<bool, StoreError> {
        let Some(scan) = &self.current else { return Ok(false) };
        if !self.later.is_empty() {
            return Ok(true);
        }
        let last = scan.header().last;
        // Nearly always there is none, and one question is cheaper than a listing.
        let next = segment::path_of(&self.dir, last.saturating_add(1));
        if !next.exists() && !lock::is_held(&self.dir) {
            return Ok(false);
        }
        let Opened { scans, remarks } = open_all(&self.dir)?;
        self.later = scans.into_iter().filter(|scan| scan.header().first > last).collect();
        if !self.later.is_empty() {
            self.remarks.extend(remarks);
        }
        Ok(!self.later.is_empty())
    }

    fn say_what_is_unfinished(&mut self, more: bool, found: &Found) -> Result<(), StoreError> {
        let Some(scan) = &self.current else { return Ok(()) };
        let bytes = scan.unfinished_bytes()?;
        if bytes == 0 {
            return Ok(());
        }
        let place = format!("{}: {} after offset {}", name_of(scan), plural(bytes, "byte", "bytes"), scan.offset());
        let steps = plural(self.tally.steps, "step", "steps");
        // A frame that is filled to its end was written whole and changed later.
        let whole = match found {
            Found::Damaged(Some(end)) => scan.offset().saturating_add(bytes) >= *end,
            Found::Damaged(None) => true,
            _ => false,
        };
        self.remarks.push(if more {
            format!("{place} are damaged and were left out; reading goes on with the next file")
        } else if whole {
            format!("{place} are damaged and were left out; the {steps} before are intact")
        } else {
            format!("{place} are incomplete (the run was killed while writing); the {steps} before are intact")
        });
        Ok(())
    }

    fn turn_page(&mut self) {
        let last = self.current.as_ref().map_or(0, |scan| scan.header().last);
        self.current = self.later.pop_front();
        let next = self.current.as_ref().map_or(0, |scan| scan.header().first);
        if next > last.saturating_add(1) {
            // While a run is written, nothing but thinning takes segments away, and that puts them into an earlier one.
            let why = if lock::is_held(&self.dir) { "thinned before this reader came to it" } else { "missing" };
            self.remarks.push(format!("{} {why}", names_of(last.saturating_add(1), next - 1)));
        }
    }
}

impl Iterator for Reader {
    type Item = Result<Record, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_record().transpose()
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("dir", &self.dir).field("tally", &self.tally).finish_non_exhaustive()
    }
}

impl Tally {
    fn count(&mut self, payload: &[u8]) {
        if payload.first() != Some(&kind::STEP) {
            return;
        }
        let Some(head) = glance(payload) else { return };
        self.steps = self.steps.saturating_add(u64::from(head.stands_for));
        if head.stands_for > 1 {
            let last = head.step.saturating_add(u64::from(head.stands_for) - 1);
            let thinned = self.thinned.get_or_insert(Thinned { first: head.step, last, most: head.stands_for });
            thinned.last = last;
            thinned.most = thinned.most.max(head.stands_for);
        }
    }
}

/// The segments of a run.
#[derive(Default)]
pub(crate) struct Opened {
    pub(crate) scans: VecDeque<Scan>,
    /// What is wrong with those that were left out.
    remarks: Vec<String>,
}

/// Every segment that is not contained in another, by number. The first must be sound; others that are not are left out with
/// a remark.
pub(crate) fn open_all(dir: &Path) -> Result<Opened, StoreError> {
    for _ in 0..ATTEMPTS {
        let segments = match folder::segments(dir) {
            Ok(segments) if !segments.is_empty() => segments,
            Err(source) if !matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Err(StoreError::io("read the run folder", dir, source));
            }
            _ => {
                let (looks, advice) = folder::looks_like(dir);
                return Err(StoreError::NotARun { path: dir.to_owned(), looks, advice });
            }
        };
        if let Some(opened) = open_listed(&segments)? {
            return Ok(opened);
        }
    }
    Err(StoreError::io("open the run log", dir, io::ErrorKind::NotFound))
}

/// `None` when a file has gone since it was listed.
fn open_listed(segments: &[(u32, PathBuf)]) -> Result<Option<Opened>, StoreError> {
    let Opened { mut scans, mut remarks } = Opened::default();
    for (number, path) in segments {
        if scans.back().is_some_and(|scan| scan.header().last >= *number) {
            continue;
        }
        match Scan::open(path) {
            Ok(scan) if scans.front().is_some_and(|first| first.header().run != scan.header().run) => {
                remarks.push(format!("{}: it belongs to another run and was left out", name_of(&scan)));
            }
            Ok(scan) => scans.push_back(scan),
            Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error @ (StoreError::Foreign { .. } | StoreError::Header { .. } | StoreError::Empty { .. }))
                if !scans.is_empty() =>
            {
                remarks.push(error.to_string());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Some(Opened { scans, remarks }))
}

/// Whether any of the segments begins with a record, sound or not. Leaves them where they were.
fn holds_a_record(scans: &mut VecDeque<Scan>) -> Result<bool, StoreError> {
    for scan in scans {
        let at = scan.offset();
        let found = scan.next()?;
        scan.back_to(at);
        if !matches!(found, Found::Nothing | Found::Torn) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Segments and a verb.
fn names_of(first: u32, last: u32) -> String {
    if first == last {
        format!("log-{first:05}.wal is")
    } else {
        format!("log-{first:05}.wal to log-{last:05}.wal are")
    }
}

pub(crate) fn name_of(scan: &Scan) -> String {
    scan.path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Whether a folder holds the log of a run, of one process or of several ranks.
#[must_use]
pub fn is_run(dir: impl AsRef<Path>) -> bool {
    folder::holds_a_run(dir.as_ref())
}
