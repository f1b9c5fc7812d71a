//! What can be told of a run without reading it whole.
use crate::codec::{self, Decoded, StepGlance, glance, kind};
use crate::folder::rank_folders;
use crate::reader::open_all;
use crate::scan::{Found, Scan};
use crate::{StoreError, folder, lock};
use barograph_vocab::Record;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

/// The name of a run is looked for in this many records. Our choice: it is the first of them.
const RECORDS_BEFORE_NAME: usize = 16;

/// What is going on with a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// A process is writing it.
    Running,
    /// Its log holds its end.
    Ended,
    /// Nobody writes it, and its log holds no end: the process was killed, or did not say that it ended.
    BrokenOff,
}

impl RunState {
    /// The name used in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Ended => "ended",
            Self::BrokenOff => "broken off",
        }
    }
}

/// One run among others.
#[derive(Clone, Debug, PartialEq)]
pub struct RunSummary {
    /// Its folder.
    pub path: PathBuf,
    /// Its name, or that of its folder. Untrusted text.
    pub name: String,
    /// What is going on with it.
    pub state: RunState,
    /// Steps done.
    pub steps: u64,
    /// The last loss that was observed.
    pub last_loss: Option<f64>,
    /// Why nothing more can be told, if so.
    pub trouble: Option<String>,
}

/// The runs directly below `dir`, by the names of their folders. Reads the beginning and the last segment of each.
///
/// # Errors
/// When `dir` cannot be read. A run that cannot be read says so in [`RunSummary::trouble`].
pub fn runs(dir: impl AsRef<Path>) -> Result<Vec<RunSummary>, StoreError> {
    let dir = dir.as_ref();
    let found = folder::runs_below(dir).map_err(|source| StoreError::io("list the runs", dir, source))?;
    Ok(found.iter().map(summarize).collect())
}

/// What can be told of the run in `dir`. Of a run of several ranks the first tells, and the run goes on while one of them does.
#[must_use]
pub fn summarize(dir: impl AsRef<Path>) -> RunSummary {
    let dir = dir.as_ref();
    let ranks = rank_folders(dir);
    let Some((_, first)) = ranks.first() else { return summarize_log(dir) };
    let mut summary = RunSummary { path: dir.to_owned(), ..summarize_log(first) };
    if ranks.iter().any(|(_, folder)| lock::is_held(folder)) {
        summary.state = RunState::Running;
    }
    summary
}

fn summarize_log(dir: &Path) -> RunSummary {
    let mut summary = RunSummary {
        path: dir.to_owned(),
        name: dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        state: RunState::BrokenOff,
        steps: 0,
        last_loss: None,
        trouble: None,
    };
    // Before the log is read: a run that ends meanwhile is then said to run, which it did.
    let live = lock::is_held(dir);
    match look(dir) {
        Ok(look) => {
            summary.name = look.name.unwrap_or(summary.name);
            summary.steps = look.end.steps;
            summary.last_loss = look.end.loss;
            summary.state = state(live, look.end.ended);
        }
        Err(error) => {
            summary.state = state(live, false);
            summary.trouble = Some(error.to_string());
        }
    }
    summary
}

/// What is going on with the log in `dir`, that of one process. One that is not there yet counts as broken off.
#[must_use]
pub fn run_state(dir: impl AsRef<Path>) -> RunState {
    state_of(dir.as_ref())
}

/// What is going on with the run in `dir`.
pub(crate) fn state_of(dir: &Path) -> RunState {
    let live = lock::is_held(dir);
    let ended = !live && open_all(dir).and_then(|opened| last_words(opened.scans)).is_ok_and(|end| end.ended);
    state(live, ended)
}

const fn state(live: bool, ended: bool) -> RunState {
    match (live, ended) {
        (true, _) => RunState::Running,
        (false, true) => RunState::Ended,
        (false, false) => RunState::BrokenOff,
    }
}

struct Look {
    name: Option<String>,
    end: LastWords,
}

#[derive(Default)]
struct LastWords {
    steps: u64,
    loss: Option<f64>,
    ended: bool,
}

fn look(dir: &Path) -> Result<Look, StoreError> {
    let mut scans = open_all(dir)?.scans;
    let name = match scans.front_mut() {
        Some(scan) => {
            let at = scan.offset();
            let name = name_in(scan)?;
            scan.back_to(at);
            name
        }
        None => None,
    };
    Ok(Look { name, end: last_words(scans)? })
}

fn name_in(scan: &mut Scan) -> Result<Option<String>, StoreError> {
    for _ in 0..RECORDS_BEFORE_NAME {
        let Found::Record(range) = scan.next()? else { break };
        if let Ok(Decoded { record: Some(Record::Start(start)), .. }) = codec::decode(scan.payload(range)) {
            return Ok(Some(start.name).filter(|name| !name.is_empty()));
        }
    }
    Ok(None)
}

/// The last step and the end, from the last segment that holds a step, on.
fn last_words(scans: VecDeque<Scan>) -> Result<LastWords, StoreError> {
    let mut words = LastWords::default();
    for mut scan in scans.into_iter().rev() {
        let mut last = None;
        loop {
            match scan.next()? {
                Found::Record(range) => hear(scan.payload(range), &mut words, &mut last),
                Found::Torn | Found::Damaged(_) if scan.resync()?.is_some() => {}
                _ => break,
            }
        }
        if let Some(last) = last {
            words.loss = last.loss;
            break;
        }
    }
    Ok(words)
}

fn hear(payload: &[u8], words: &mut LastWords, last: &mut Option<StepGlance>) {
    match payload.first() {
        Some(&kind::STEP) => {
            let Some(head) = glance(payload) else { return };
            words.steps = words.steps.max(head.step.saturating_add(u64::from(head.stands_for)));
            let loss = head.loss.or(last.and_then(|before| before.loss));
            *last = Some(StepGlance { loss, ..head });
        }
        Some(&kind::END) => {
            if let Ok(Decoded { record: Some(Record::End { steps, .. }), .. }) = codec::decode(payload) {
                words.ended = true;
                words.steps = words.steps.max(steps);
            }
        }
        _ => {}
    }
}
