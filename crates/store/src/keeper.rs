//! The thread beside the writer: syncs about once a second, and thins closed segments when the log grows large.
use crate::StoreError;
use crate::limits::Limits;
use crate::thin::{self, Closed, Job, MOST_WINDOWS, Outcome};
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// What the writer and its keeper both touch. The writer takes the lock once a segment and at an incident; the keeper
/// never holds it during I/O.
pub(crate) struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    stop: AtomicBool,
    /// Bytes of all closed segments.
    closed_bytes: AtomicU64,
    /// Records written so far: tells the keeper whether there is something to sync.
    appended: AtomicU64,
}

#[derive(Default)]
struct State {
    closed: Vec<Closed>,
    active: Option<Arc<File>>,
    unsynced: Vec<Arc<File>>,
    incidents: Vec<u64>,
    /// Segments closed so far.
    count: u64,
    trouble: Option<StoreError>,
    thinning_off: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is a plain list; a panic elsewhere does not make it wrong.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn closed_bytes(&self) -> u64 {
        self.closed_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn count_append(&self) {
        // One thread writes it.
        self.appended.store(self.appended.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// A new segment is being written.
    pub(crate) fn set_active(&self, file: &Arc<File>) {
        self.lock().active = Some(Arc::clone(file));
    }

    /// A segment was closed.
    pub(crate) fn add_closed(&self, closed: Closed, file: Arc<File>) {
        let mut state = self.lock();
        state.closed.push(closed);
        state.unsynced.push(file);
        state.count += 1;
        self.closed_bytes.fetch_add(closed.bytes, Ordering::Relaxed);
        drop(state);
        self.wake.notify_one();
    }

    pub(crate) fn add_incident(&self, step: u64) {
        let mut state = self.lock();
        if state.incidents.len() < MOST_WINDOWS {
            state.incidents.push(step);
        }
    }

    /// The first thing that went wrong on the thread.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.lock().trouble.as_ref().map(ToString::to_string)
    }
}

/// The thread, and what it shares with the writer.
pub(crate) struct Keeper {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Without a thread (when the system has none to give) nothing is synced or thinned, and the log is bounded by leaving
    /// records out.
    pub(crate) fn start(dir: PathBuf, run: u64, limits: Limits, sync_every: Duration) -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            wake: Condvar::new(),
            stop: AtomicBool::new(false),
            closed_bytes: AtomicU64::new(0),
            appended: AtomicU64::new(0),
        });
        let worker = Worker { dir, run, limits, sync_every, shared: Arc::clone(&shared), synced: 0, seen: 0 };
        let thread = std::thread::Builder::new().name("barograph-log".to_owned()).spawn(move || worker.work()).ok();
        Self { shared, thread }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Ends the thread; a job that it was doing is given up.
    pub(crate) fn stop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        // Under the lock, so that the thread cannot fall asleep between its look at `stop` and its wait.
        drop(self.shared.lock());
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread costs its work, not the run.
            drop(thread.join());
        }
    }
}

struct Worker {
    dir: PathBuf,
    run: u64,
    limits: Limits,
    sync_every: Duration,
    shared: Arc<Shared>,
    /// Records written when it last synced.
    synced: u64,
    /// Segments closed when it last looked.
    seen: u64,
}

impl Worker {
    fn work(mut self) {
        while self.wait() {
            self.sync();
            // Thinning begins above one mark and goes on to a lower one, so that it is not begun anew with every segment.
            if self.shared.closed_bytes() > self.limits.thin_above {
                while self.shared.closed_bytes() > self.limits.thin_to && self.thin() {}
            }
        }
    }

    /// Sleeps until a segment is closed or a sync is due, and says whether to go on.
    fn wait(&mut self) -> bool {
        let going = || !self.shared.stop.load(Ordering::Relaxed);
        let mut state = self.shared.lock();
        if going() && state.count == self.seen {
            // Waking for nothing only syncs early.
            let waited = self.shared.wake.wait_timeout(state, self.sync_every);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        self.seen = state.count;
        going()
    }

    fn sync(&mut self) {
        let appended = self.shared.appended.load(Ordering::Relaxed);
        let mut state = self.shared.lock();
        let mut files = std::mem::take(&mut state.unsynced);
        if appended != self.synced {
            files.extend(state.active.clone());
        }
        drop(state);
        self.synced = appended;
        for file in files {
            if let Err(source) = file.sync_data() {
                self.complain(StoreError::io("sync the run log", &self.dir, source));
            }
        }
    }

    fn complain(&self, error: StoreError) {
        self.shared.lock().trouble.get_or_insert(error);
    }

    /// Does one job, and says whether there may be another.
    fn thin(&mut self) -> bool {
        let job = {
            let state = self.shared.lock();
            if state.thinning_off { None } else { plan(&state.closed, &state.incidents, &self.limits) }
        };
        let Some(job) = job else { return false };
        match thin::run(&self.dir, self.run, &job, &self.shared.stop) {
            Ok(Outcome::Replaced(new)) => self.apply(&job, Some(new)),
            Ok(Outcome::Futile) => self.apply(&job, None),
            Ok(Outcome::Stopped) => return false,
            Err(error) => {
                self.complain(error);
                self.shared.lock().thinning_off = true;
                return false;
            }
        }
        self.sync();
        true
    }

    /// Writes into the list what became of a job.
    fn apply(&self, job: &Job, new: Option<Closed>) {
        let mut state = self.shared.lock();
        let is_input = |closed: &Closed| job.inputs.contains(closed);
        let Some(new) = new else {
            for closed in state.closed.iter_mut().filter(|closed| is_input(closed)) {
                closed.every = Closed::EXHAUSTED;
            }
            return;
        };
        let before: u64 = job.inputs.iter().map(|input| input.bytes).sum();
        let place = state.closed.iter().position(is_input);
        state.closed.retain(|closed| !is_input(closed));
        state.closed.insert(place.unwrap_or(0), new);
        self.shared.closed_bytes.fetch_sub(before.saturating_sub(new.bytes), Ordering::Relaxed);
    }
}

/// The next job: of the segments that are neither head nor tail, the first neighbours among those thinned least.
fn plan(closed: &[Closed], incidents: &[u64], limits: &Limits) -> Option<Job> {
    let middle = middle(closed, limits);
    let least = middle.iter().map(|closed| closed.every).min().filter(|every| *every < Closed::EXHAUSTED / 2)?;
    let neighbours =
        middle.iter().skip_while(|closed| closed.every != least).take_while(|closed| closed.every == least);
    let mut inputs: Vec<Closed> = Vec::new();
    let mut bytes = 0;
    for &closed in neighbours {
        // Half of what goes in is expected to come out, and that should make one segment.
        if !inputs.is_empty() && bytes + closed.bytes > 2 * limits.segment {
            break;
        }
        bytes += closed.bytes;
        inputs.push(closed);
    }
    let windows = incidents.iter().copied().map(thin::window).collect();
    Some(Job { inputs, every: least * 2, windows, most_bytes: 2 * limits.segment })
}

/// The closed segments that may be thinned.
fn middle<'a>(closed: &'a [Closed], limits: &Limits) -> &'a [Closed] {
    // How many segments of a row fit into a limit; the first of the row always does.
    fn kept<'b>(row: impl Iterator<Item = &'b Closed>, limit: u64) -> usize {
        let mut sum = 0;
        row.take_while(|closed| {
            let first = sum == 0;
            sum += closed.bytes;
            first || sum <= limit
        })
        .count()
    }
    let head = kept(closed.iter(), limits.head);
    let rest = closed.get(head..).unwrap_or_default();
    let tail = kept(rest.iter().rev(), limits.tail);
    rest.get(..rest.len() - tail).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{middle, plan};
    use crate::Options;
    use crate::limits::Limits;
    use crate::thin::Closed;

    fn log(every: &[u32]) -> Vec<Closed> {
        let bytes = 16 << 10;
        every.iter().zip(0..).map(|(&every, first)| Closed { first, last: first, bytes, every }).collect()
    }

    #[test]
    fn the_head_and_the_tail_are_left_alone() {
        // With a bound of 1 MiB, 128 KiB are head and 256 KiB tail: 8 and 16 segments of 16 KiB.
        let limits = Limits::of(&Options { cap_bytes: 1 << 20, ..Options::default() });
        let closed = log(&[1; 40]);
        let middle = middle(&closed, &limits);
        assert_eq!((middle[0].first, middle.len()), (8, 16));
        assert!(super::middle(&log(&[1; 2]), &limits).is_empty());
    }

    #[test]
    fn the_least_thinned_neighbours_come_first() {
        let limits = Limits::of(&Options { cap_bytes: 1 << 20, ..Options::default() });
        let mut every = [1; 40];
        every[8..12].fill(2);
        let job = plan(&log(&every), &[], &limits).unwrap();
        assert_eq!(job.inputs.iter().map(|input| input.first).collect::<Vec<_>>(), [12, 13]);
        assert_eq!(job.every, 2);
        every[8..24].fill(Closed::EXHAUSTED);
        assert!(plan(&log(&every), &[], &limits).is_none());
    }
}
