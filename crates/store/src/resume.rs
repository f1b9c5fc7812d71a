//! Goes on with a log that an earlier process left.
use crate::codec::{self, Decoded, kind};
use crate::reader::{Opened, open_all};
use crate::scan::Found;
use crate::thin::Closed;
use crate::{StoreError, folder, segment};
use barograph_vocab::Record;
use std::fs::{self, File, OpenOptions};
use std::path::Path;
use std::sync::Arc;

/// What is left of a log after a cut.
pub(crate) struct Remains {
    /// The number that all its segments have in common.
    pub(crate) run: u64,
    /// The segments with their files, all closed.
    pub(crate) closed: Vec<(Closed, Arc<File>)>,
    /// The number of the next segment.
    pub(crate) next: u32,
    /// Steps at which the run broke.
    pub(crate) incidents: Vec<u64>,
    /// Steps that were cut off.
    pub(crate) steps_cut: u64,
}

/// Shows each record to `keep`, in order, and cuts the log at the first that it does not keep, or that was not written whole.
///
/// Files are taken away from the end, so that whatever happens meanwhile the log stays one without a gap.
pub(crate) fn cut(dir: &Path, mut keep: impl FnMut(&Record) -> bool) -> Result<Remains, StoreError> {
    let Opened { mut scans, .. } = open_all(dir)?;
    let run = scans.front().map_or(0, |scan| scan.header().run);
    let (mut incidents, mut steps_cut) = (Vec::new(), 0);
    // Number, last number, thinning and end of each segment that stays.
    let mut stay = Vec::new();
    let mut is_cut = false;
    for scan in &mut scans {
        let header = scan.header();
        let mut end = scan.offset();
        loop {
            match scan.next()? {
                Found::Record(range) => {
                    let payload = scan.payload(range);
                    let record = codec::decode(payload).ok().and_then(|Decoded { record, .. }| record);
                    is_cut = is_cut || record.as_ref().is_some_and(|record| !keep(record));
                    if is_cut {
                        steps_cut += u64::from(payload.first() == Some(&kind::STEP));
                        continue;
                    }
                    if let Some(Record::Incident(incident)) = record {
                        incidents.push(incident.step);
                    }
                    end = scan.offset();
                }
                Found::Damaged(_) if scan.resync()?.is_some() => {}
                Found::Nothing | Found::Torn | Found::Damaged(_) => break,
            }
        }
        // The segment in which the cut lies is the last that stays.
        if stay.last().is_none_or(|(_, _, _, whole)| *whole) {
            stay.push((header, end, scan.path().to_owned(), !is_cut));
        }
    }
    let last = stay.last().map_or(0, |(header, ..)| header.last);
    let segments = folder::segments(dir).map_err(|source| StoreError::io("read the run folder", dir, source))?;
    for (_, path) in segments.iter().rev().filter(|(number, _)| *number > last) {
        fs::remove_file(path).map_err(|source| StoreError::io("cut the run log", path, source))?;
    }
    let mut closed = Vec::new();
    for (header, end, path, _) in stay {
        let fail = |source| StoreError::io("cut the run log", &path, source);
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(fail)?;
        file.set_len(end).and_then(|()| file.sync_data()).map_err(fail)?;
        let segment::Header { first, last, every, .. } = header;
        closed.push((Closed { first, last, bytes: end, every }, Arc::new(file)));
    }
    Ok(Remains { run, closed, next: last + 1, incidents, steps_cut })
}
