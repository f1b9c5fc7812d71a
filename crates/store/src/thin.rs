//! Rewrites closed segments with one step record in N, beside them, and puts the result in their place.
use crate::StoreError;
use crate::codec::{self, decode_step_into, encode_step, glance, kind};
use crate::merge::merge;
use crate::scan::{Found, Scan};
use crate::segment::{self, Header};
use barograph_vocab::StepRecord;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// A closed segment, as the writer knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed {
    pub(crate) first: u32,
    pub(crate) last: u32,
    pub(crate) bytes: u64,
    /// One step in this many is kept; [`Closed::EXHAUSTED`] where nothing more can be gained.
    pub(crate) every: u32,
}

impl Closed {
    pub(crate) const EXHAUSTED: u32 = u32::MAX;
}

/// A result larger than this share of what it replaces is not worth its place: the segments hold little but records that
/// are always kept. Our choice.
const WORTHWHILE: f64 = 0.95;

/// Steps before an incident that are kept in full. Our choice: what led to it.
const WINDOW_BEFORE: u64 = 256;
/// Steps after an incident that are kept in full. Our choice.
const WINDOW_AFTER: u64 = 64;
/// A run that breaks more often than this keeps the windows of its first incidents only, or the windows would be the whole run.
/// Our choice.
pub(crate) const MOST_WINDOWS: usize = 16;

/// Records behind an open group are held back in memory up to this many bytes. Our choice.
const HELD_BYTES: usize = 64 << 10;

/// The steps around an incident that are kept in full.
pub(crate) fn window(incident: u64) -> RangeInclusive<u64> {
    incident.saturating_sub(WINDOW_BEFORE)..=incident.saturating_add(WINDOW_AFTER)
}

/// Neighbouring segments that become one.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) inputs: Vec<Closed>,
    pub(crate) every: u32,
    pub(crate) windows: Vec<RangeInclusive<u64>>,
    /// The bound of the log has room for a temporary file of this size.
    pub(crate) most_bytes: u64,
}

/// What became of a job.
pub(crate) enum Outcome {
    /// Its segments were replaced by this one.
    Replaced(Closed),
    /// It would have gained too little; nothing was changed.
    Futile,
    /// The writer is closing; nothing was changed.
    Stopped,
}

/// Does a job: temporary file, sync, rename over the first segment, removal of the others. A reader takes the first
/// segment's word (`last` in its header) that it holds the others, so that every state in between reads the same.
pub(crate) fn run(dir: &Path, run: u64, job: &Job, stop: &AtomicBool) -> Result<Outcome, StoreError> {
    let (Some(first), Some(last)) = (job.inputs.first(), job.inputs.last()) else { return Ok(Outcome::Futile) };
    let header = Header { first: first.first, last: last.last, every: job.every, run };
    let temporary = segment::temporary_path_of(dir, first.first);
    let written = rewrite(dir, &temporary, header, job, stop);
    match written {
        Ok(Some(bytes)) => {
            replace(dir, &temporary, job)?;
            Ok(Outcome::Replaced(Closed { first: first.first, last: last.last, bytes, every: job.every }))
        }
        other => {
            // When this fails, readers do not look at it, and the next job writes over it.
            drop(fs::remove_file(&temporary));
            other.map(|_| if stop.load(Ordering::Relaxed) { Outcome::Stopped } else { Outcome::Futile })
        }
    }
}

/// Bytes written, or `None` when it stopped on the way.
fn rewrite(
    dir: &Path,
    temporary: &Path,
    header: Header,
    job: &Job,
    stop: &AtomicBool,
) -> Result<Option<u64>, StoreError> {
    let before: u64 = job.inputs.iter().map(|input| input.bytes).sum();
    let limit = ((before as f64 * WORTHWHILE) as u64).min(job.most_bytes);
    let mut thinner = Thinner::new(Output::create(temporary, header)?, job);
    for input in &job.inputs {
        let mut scan = Scan::open(&segment::path_of(dir, input.first))?;
        loop {
            match scan.next()? {
                Found::Record(range) => thinner.take(scan.payload(range))?,
                Found::Nothing => break,
                // What the disk has damaged is better left as it is.
                Found::Torn | Found::Damaged(_) => return Ok(None),
            }
            if thinner.output.bytes > limit || stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
        }
    }
    thinner.close_group()?;
    thinner.output.finish().map(Some)
}

fn replace(dir: &Path, temporary: &Path, job: &Job) -> Result<(), StoreError> {
    let mut inputs = job.inputs.iter().map(|input| segment::path_of(dir, input.first));
    if let Some(first) = inputs.next() {
        fs::rename(temporary, &first).map_err(|source| StoreError::io("replace a segment", &first, source))?;
    }
    for rest in inputs {
        fs::remove_file(&rest).map_err(|source| StoreError::io("remove a thinned segment", &rest, source))?;
    }
    Ok(())
}

/// The new segment.
struct Output {
    path: PathBuf,
    file: BufWriter<File>,
    bytes: u64,
}

impl Output {
    fn create(path: &Path, header: Header) -> Result<Self, StoreError> {
        let fail = |source| StoreError::io("write a thinned segment", path, source);
        let mut file = BufWriter::new(File::create(path).map_err(fail)?);
        let header = header.encode();
        file.write_all(&header).map_err(fail)?;
        Ok(Self { path: path.to_owned(), file, bytes: header.len() as u64 })
    }

    fn put(&mut self, payload: &[u8]) -> Result<(), StoreError> {
        let (length, checksum) = segment::frame_head(payload);
        let all = [&length[..], &checksum, payload];
        let written: io::Result<()> = all.into_iter().try_for_each(|part| self.file.write_all(part));
        written.map_err(|source| StoreError::io("write a thinned segment", &self.path, source))?;
        self.bytes = self.bytes.saturating_add(segment::framed(payload.len()));
        Ok(())
    }

    fn finish(mut self) -> Result<u64, StoreError> {
        let synced = self.file.flush().and_then(|()| self.file.get_ref().sync_data());
        synced.map_err(|source| StoreError::io("write a thinned segment", &self.path, source))?;
        Ok(self.bytes)
    }
}

/// Where a record goes when the steps around it are merged.
enum Place {
    /// It declares what later steps refer to, so that it goes before the open group.
    Before,
    /// It speaks about a step, so that it goes behind the open group.
    Behind,
    /// It ends the group.
    Alone,
}

fn place_of(kind: u8) -> Place {
    match kind {
        kind::START | kind::SITE | kind::FACT => Place::Before,
        kind::EPOCH
        | kind::DATA
        | kind::FINDING
        | kind::TRIAL
        | kind::DROPPED
        | kind::RULE_OFF
        | kind::NOTE
        | kind::RANKS => Place::Behind,
        // Incidents and the end; and what this version does not know could be anything.
        _ => Place::Alone,
    }
}

struct Thinner<'a> {
    output: Output,
    job: &'a Job,
    /// The merged step, while `open`.
    group: StepRecord,
    open: bool,
    step: StepRecord,
    /// Framed later: whole payloads, each behind its length, that go behind the group.
    held: Vec<Vec<u8>>,
    held_bytes: usize,
    encoded: Vec<u8>,
}

impl<'a> Thinner<'a> {
    fn new(output: Output, job: &'a Job) -> Self {
        Self {
            output,
            job,
            group: StepRecord::default(),
            open: false,
            step: StepRecord::default(),
            held: Vec::new(),
            held_bytes: 0,
            encoded: Vec::new(),
        }
    }

    fn take(&mut self, payload: &[u8]) -> Result<(), StoreError> {
        let kind = payload.first().copied().unwrap_or_default();
        if kind == codec::kind::STEP {
            return self.take_step(payload);
        }
        match place_of(kind) {
            Place::Before => self.output.put(payload),
            Place::Behind if self.open => {
                self.held_bytes = self.held_bytes.saturating_add(payload.len());
                self.held.push(payload.to_vec());
                if self.held_bytes > HELD_BYTES { self.close_group() } else { Ok(()) }
            }
            Place::Behind | Place::Alone => {
                self.close_group()?;
                self.output.put(payload)
            }
        }
    }

    fn take_step(&mut self, payload: &[u8]) -> Result<(), StoreError> {
        let protected =
            glance(payload).is_none_or(|head| self.job.windows.iter().any(|window| window.contains(&head.step)));
        // A step with parts that this version does not know would lose them.
        if protected || !matches!(decode_step_into(payload, &mut self.step), Ok(0)) {
            self.close_group()?;
            return self.output.put(payload);
        }
        if self.open && self.group.stands_for.saturating_add(self.step.stands_for) > self.job.every {
            self.close_group()?;
        }
        if self.open {
            merge(&mut self.group, &self.step);
        } else {
            std::mem::swap(&mut self.group, &mut self.step);
            self.open = true;
        }
        if self.group.stands_for >= self.job.every { self.close_group() } else { Ok(()) }
    }

    /// Writes the merged step, and then what was held back for it.
    fn close_group(&mut self) -> Result<(), StoreError> {
        if self.open {
            self.encoded.clear();
            encode_step(&self.group, &mut self.encoded);
            self.output.put(&self.encoded)?;
            self.open = false;
        }
        for payload in self.held.drain(..) {
            self.output.put(&payload)?;
        }
        self.held_bytes = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Closed, Job, Outcome, run};
    use crate::{Options, Reader, Writer, decode, merge};
    use barograph_vocab::{Record, Scalar, StepRecord};
    use std::fs;
    use std::path::Path;
    use std::sync::atomic::AtomicBool;

    fn step(step: u64) -> StepRecord {
        let scalars = vec![(Scalar::Loss, (step as f64 * 0.7).sin())];
        StepRecord { step, scalars, stands_for: 1, ..StepRecord::default() }
    }

    /// A log of several small segments.
    fn log(dir: &Path) -> Vec<Closed> {
        let options = Options { cap_bytes: 1 << 20, first_segment_bytes: 0, segment_bytes: 0, ..Options::default() };
        let mut writer = Writer::create(dir, options).unwrap();
        for number in 0..1000 {
            writer.append_step(&step(number)).unwrap();
        }
        writer.close().unwrap();
        let listed = crate::folder::segments(dir).unwrap();
        let closed = |(first, path): &(u32, std::path::PathBuf)| {
            let bytes = fs::metadata(path).unwrap().len();
            Closed { first: *first, last: *first, bytes, every: 1 }
        };
        listed.iter().map(closed).collect()
    }

    fn read(dir: &Path) -> (Vec<StepRecord>, Vec<String>) {
        let mut reader = Reader::open(dir).unwrap();
        let mut steps = Vec::new();
        while let Some(payload) = reader.next_encoded().unwrap() {
            if let Some(Record::Step(step)) = decode(payload).unwrap().record {
                steps.push(step);
            }
        }
        (steps, reader.notes())
    }

    #[test]
    fn a_job_killed_between_rename_and_removal_reads_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let closed = log(dir.path());
        assert!(closed.len() > 4, "{} segments", closed.len());
        let (before, _) = read(dir.path());
        let saved = fs::read(dir.path().join("log-00002.wal")).unwrap();
        let mut opened_before = Reader::open(dir.path()).unwrap();

        let job = Job { inputs: closed[1..3].to_vec(), every: 4, windows: vec![20..=30], most_bytes: u64::MAX };
        let run_number = crate::scan::Scan::open(&dir.path().join("log-00000.wal")).unwrap().header().run;
        let outcome = run(dir.path(), run_number, &job, &AtomicBool::new(false)).unwrap();
        assert!(matches!(outcome, Outcome::Replaced(Closed { first: 1, last: 2, every: 4, .. })));

        // Who had opened the log goes on with what was there.
        assert_eq!(opened_before.by_ref().count(), before.len());
        let (thinned, notes) = read(dir.path());
        assert!(thinned.len() < before.len());
        assert!(
            notes.iter().any(|note| note.contains("thinned")) && !notes.iter().any(|note| note.contains("missing"))
        );
        // Each record is the merge of the steps it stands for.
        let mut rest = &before[..];
        for record in &thinned {
            let (group, after) = rest.split_at(record.stands_for as usize);
            let mut whole = group[0].clone();
            for next in &group[1..] {
                merge(&mut whole, next);
            }
            assert_eq!(*record, whole);
            rest = after;
        }
        assert!(rest.is_empty());

        fs::write(dir.path().join("log-00002.wal"), saved).unwrap();
        fs::write(dir.path().join("log-00003.wal.tmp"), "half a job").unwrap();
        assert_eq!(read(dir.path()), (thinned, notes));
    }

    #[test]
    fn a_job_that_gains_nothing_or_is_stopped_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let closed = log(dir.path());
        let before = read(dir.path());
        let futile = Job { inputs: closed[1..3].to_vec(), every: 4, windows: vec![0..=1000], most_bytes: u64::MAX };
        assert!(matches!(run(dir.path(), 0, &futile, &AtomicBool::new(false)), Ok(Outcome::Futile)));
        let stopped = Job { windows: Vec::new(), ..futile };
        assert!(matches!(run(dir.path(), 0, &stopped, &AtomicBool::new(true)), Ok(Outcome::Stopped)));
        assert_eq!(read(dir.path()), before);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), closed.len());
    }
}
